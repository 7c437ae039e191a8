"""What there is in a Slack: workspaces, people, groups, channels, messages, files, views."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from zoneinfo import ZoneInfo

from .reading import buttons, words

#: Everything a bot may ask for here; a test that takes some away sees ``missing_scope``.
ALL_SCOPES = frozenset(
    [
        "app_mentions:read",
        "channels:history",
        "channels:join",
        "channels:manage",
        "channels:read",
        "chat:write",
        "chat:write.public",
        "commands",
        "files:read",
        "files:write",
        "groups:history",
        "groups:read",
        "groups:write",
        "im:history",
        "im:read",
        "im:write",
        "mpim:history",
        "mpim:read",
        "pins:write",
        "reactions:read",
        "reactions:write",
        "team:read",
        "usergroups:read",
        "users:read",
        "users:read.email",
        "users.profile:read",
    ]
)


@dataclass(eq=False)
class Token:
    """What opens the Web API: a bot's (xoxb) or an app's (xapp, for Socket Mode)."""

    value: str
    kind: str
    team: "Team | None"
    scopes: set = field(default_factory=lambda: set(ALL_SCOPES))
    revoked: bool = False


@dataclass(eq=False)
class Person:
    """Somebody in a workspace; bots are people there, too."""

    id: str
    team: "Team"
    name: str
    display_name: str = ""
    admin: bool = False
    owner: bool = False
    tz: str = "Etc/UTC"
    deactivated: bool = False
    is_bot: bool = False
    guest: bool = False
    bot_id: str | None = None

    @property
    def mention(self):
        return f"<@{self.id}>"

    def as_user(self):
        """Give what users.info says of them."""
        offset = datetime.now(UTC).astimezone(ZoneInfo(self.tz)).utcoffset()
        profile = {
            "real_name": self.name,
            "display_name": self.display_name,
            "real_name_normalized": self.name,
            "display_name_normalized": self.display_name,
            "email": None if self.is_bot else f"{self.handle}@example.org",
            "image_48": "https://example.org/48.png",
            "team": self.team.id,
        }
        if self.bot_id:
            profile |= {"bot_id": self.bot_id, "api_app_id": self.team.app_id}
        user = {
            "id": self.id,
            "team_id": self.team.id,
            "name": self.handle,
            "deleted": self.deactivated,
            "profile": profile,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": 1_700_000_000,
        }
        if self.deactivated:  # Slack says no more of those who left
            return user
        return user | {
            "real_name": self.name,
            "tz": self.tz,
            "tz_label": self.tz,
            "tz_offset": int(offset.total_seconds()),
            "is_admin": self.admin or self.owner,
            "is_owner": self.owner,
            "is_primary_owner": False,
            "is_restricted": self.guest,
            "is_ultra_restricted": False,
        }

    @property
    def handle(self):
        return self.name.lower().replace(" ", ".")


@dataclass(eq=False)
class Message:
    """One message; an ephemeral one is seen by one person and is in no history."""

    channel: "Channel"
    ts: str
    user: Person
    text: str = ""
    blocks: list = field(default_factory=list)
    thread_ts: str | None = None
    metadata: dict | None = None
    files: list = field(default_factory=list)
    only_for: Person | None = None
    edited: bool = False
    edits: int = 0
    deleted: bool = False
    reactions: dict = field(default_factory=dict)
    pings: set = field(default_factory=set)
    by_app: bool = False  # with the bot's token or to a response_url

    @property
    def words(self):
        """All that is read: the blocks, or the text where there are none."""
        return words(self.blocks) if self.blocks else self.text

    @property
    def buttons(self):
        return buttons(self.blocks)

    @property
    def ephemeral(self):
        return self.only_for is not None

    def as_message(self, *, metadata=False):
        """Give it as histories and events do."""
        message = {
            "type": "message",
            "user": self.user.id,
            "text": self.text,
            "ts": self.ts,
            "team": self.channel.team.id,
        }
        if self.user.is_bot:
            message |= {"bot_id": self.user.bot_id, "app_id": self.channel.team.app_id}
        if self.blocks:
            message["blocks"] = self.blocks
        if self.thread_ts:
            message["thread_ts"] = self.thread_ts
        if self.files:
            message["files"] = [file.as_file() for file in self.files]
        if self.edited:
            message["edited"] = {"user": self.user.id, "ts": self.ts}
        if self.metadata and metadata:
            message["metadata"] = self.metadata
        if self.reactions:
            message["reactions"] = [
                {"name": name, "users": users, "count": len(users)}
                for name, users in self.reactions.items()
            ]
        return message


@dataclass(eq=False)
class Channel:
    """A channel, or the direct messages between the bot and some people (``D…`` for one)."""

    id: str
    team: "Team"
    name: str = ""
    private: bool = False
    members: list = field(default_factory=list)
    dm_with: list = field(default_factory=list)
    archived: bool = False
    deleted: bool = False
    messages: list = field(default_factory=list)  # ephemeral ones and deleted ones, too
    last_ts: float = 0.0

    @property
    def kind(self):
        if self.dm_with:
            return "im" if len(self.dm_with) == 1 else "mpim"
        return "group" if self.private else "channel"

    @property
    def mention(self):
        return f"<#{self.id}>"

    @property
    def said(self):
        """The messages that everybody in the channel sees, oldest first."""
        return [m for m in self.messages if not m.ephemeral and not m.deleted]

    @property
    def last(self):
        return self.said[-1]

    def seen_by(self, person):
        """Give what *person* sees here: messages and what is for their eyes only."""
        return [m for m in self.messages if not m.deleted and m.only_for in (None, person)]

    def as_conversation(self):
        """Give what conversations.info says of it."""
        bot_is_in = self.team.bot in self.members
        kinds = {
            "is_channel": self.kind == "channel",
            "is_group": self.kind == "group",
            "is_im": self.kind == "im",
            "is_mpim": self.kind == "mpim",
        }
        if self.kind == "im":
            return kinds | {
                "id": self.id,
                "user": self.dm_with[0].id,
                "is_archived": False,
                "is_user_deleted": self.dm_with[0].deactivated,
            }
        return kinds | {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_private": self.private or self.kind == "mpim",
            "is_archived": self.archived,
            "is_general": self.name == "general",
            "is_member": bot_is_in,
            "num_members": len(self.members),
            "topic": {"value": "", "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
        }


@dataclass(eq=False)
class Group:
    """A user group, like @mentors."""

    id: str
    team: "Team"
    handle: str
    members: list
    disabled: bool = False

    @property
    def mention(self):
        return f"<!subteam^{self.id}>"


@dataclass(eq=False)
class View:
    """A modal or an App Home as one person sees it; ``state`` is what they filled in so far."""

    id: str
    team: "Team"
    person: Person
    content: dict
    hash: str
    root_id: str = ""
    previous_id: str | None = None
    state: dict = field(default_factory=dict)
    open: bool = True
    errors: dict = field(default_factory=dict)

    @property
    def blocks(self):
        return self.content["blocks"]

    @property
    def words(self):
        return "\n".join(filter(None, [self.title, words(self.blocks)]))

    @property
    def buttons(self):
        return buttons(self.blocks)

    @property
    def title(self):
        return self.content.get("title", {}).get("text", "")

    def as_view(self):
        """Give it as payloads and answers do."""
        return {
            "private_metadata": "",
            "callback_id": "",
            "external_id": "",
            "clear_on_close": False,
            "notify_on_close": False,
            "submit": None,
            "close": None,
            **self.content,
            "id": self.id,
            "team_id": self.team.id,
            "app_id": self.team.app_id,
            "bot_id": self.team.bot.bot_id,
            "app_installed_team_id": self.team.id,
            "root_view_id": self.root_id,
            "previous_view_id": self.previous_id,
            "hash": self.hash,
            "state": {"values": self.state},
        }


@dataclass(eq=False)
class Team:
    """A workspace; the app is installed there while it has a bot token that is not revoked."""

    id: str
    name: str
    app_id: str
    domain: str = ""
    bot: Person = None
    token: Token | None = None
    people: list = field(default_factory=list)
    channels: list = field(default_factory=list)
    groups: list = field(default_factory=list)
    gone: bool = False  # the app was taken out of it: its tokens are of no use any more

    @property
    def installed(self):
        return self.token is not None and not self.token.revoked and not self.gone


class Ids:
    """Ids of the look that Slack's have: a letter, digits and capitals."""

    def __init__(self):
        self._next = count(1)

    def __call__(self, letters):
        return f"{letters}0FAKE{next(self._next):05X}"
