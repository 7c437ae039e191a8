"""How a method of the Web API is declared, and what it is called with."""

import json
from dataclasses import dataclass, field

METHODS = {}


class SlackError(Exception):
    """An answer that is not ok."""

    def __init__(self, error, **more):
        super().__init__(error)
        self.answer = {"ok": False, "error": error, **more}


@dataclass(frozen=True)
class Method:
    """One method: what it does, the scopes of which it needs one, and its rate limit."""

    name: str
    does: object
    scopes: tuple
    tier: int | str
    token: str | None


def method(name, *scopes, tier=3, token="bot"):
    """Declare a method; *tier* may be ``channel`` for what has a limit per channel."""

    def declare(does):
        METHODS[name] = Method(name, does, scopes, tier, token)
        return does

    return declare


@dataclass
class Call:
    """One request to a method."""

    fake: object
    team: object
    token: object
    args: dict
    headers: dict = field(default_factory=dict)

    def need(self, name):
        """Give an argument that must be there."""
        value = self.args.get(name)
        if value in (None, ""):
            raise SlackError(
                "invalid_arguments",
                response_metadata={"messages": [f"[ERROR] missing required field: {name}"]},
            )
        return value

    def structure(self, name, default=None):
        """Give an argument that is JSON, written out or not."""
        value = self.args.get(name, default)
        if isinstance(value, str) and value:
            try:
                return json.loads(value)
            except ValueError:
                raise SlackError(f"invalid_{name}_format") from None
        return default if value in (None, "") else value

    def flag(self, name, default=False):
        """Give an argument that is true or false, as JSON, forms and slack_sdk write it."""
        value = self.args.get(name, default)
        return value in (True, 1, "1", "true", "True")

    def page(self, things, key, *, most=1000):
        """Give one page of *things* under *key*, and the cursor to the next."""
        start = int(self.args.get("cursor") or 0)
        limit = min(int(self.args.get("limit") or 100), most)
        more = start + limit < len(things)
        cursor = str(start + limit) if more else ""
        return {
            key: things[start : start + limit],
            "response_metadata": {"next_cursor": cursor},
        }

    def channel(self, name="channel", *, member=False):
        """Give the channel an argument names; *member* refuses one the bot is not in."""
        given = self.need(name)
        channel = next((c for c in self.team.channels if given == c.id), None)
        if channel is None or channel.deleted:
            raise SlackError("channel_not_found")
        inside = self.team.bot in channel.members
        if (channel.private or channel.dm_with) and not inside:
            raise SlackError("channel_not_found")
        if member and not inside:
            raise SlackError("not_in_channel")
        return channel

    def person(self, given):
        """Give somebody by id."""
        person = next((p for p in self.team.people if p.id == given), None)
        if person is None:
            raise SlackError("user_not_found")
        return person
