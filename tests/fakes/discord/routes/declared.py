"""How routes are declared: a pattern, whether the bot's token is needed, and what it does."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.fakes.discord.refusals import MISSING_ACCESS, MISSING_PERMISSIONS, Refused, unknown


@dataclass(frozen=True)
class Route:
    method: str
    pattern: str
    does: Callable
    authorized: bool = True


@dataclass(eq=False)
class Call:
    """One call of a route: what stands in the path, the body, the query, and the files."""

    fake: object
    parts: dict
    body: object
    query: dict
    files: list
    record: object

    def part(self, name):
        """Give a part of the path that is a snowflake."""
        try:
            return int(self.parts[name])
        except ValueError:
            raise Refused(400, 50035, "Invalid Form Body") from None

    @property
    def guild(self):
        guild = self.fake.find_guild(self.part("guild"))
        if guild is None:
            raise unknown("Guild", 10004)
        if guild.bot is None:
            raise Refused(*MISSING_ACCESS)
        return guild

    @property
    def channel(self):
        """Give the channel of the path, if the bot sees it."""
        return self.channel_of(self.part("channel"))

    def channel_of(self, channel_id):
        channel = self.fake.find_channel(channel_id)
        if channel is None or channel.deleted:
            raise unknown("Channel", 10003)
        if not self.fake.bot_sees(channel):
            raise Refused(*MISSING_ACCESS)
        return channel

    @property
    def message(self):
        message = self.channel.message(self.part("message"))
        if message is None or message.ephemeral:
            raise unknown("Message", 10008)
        return message

    def need(self, name, channel):
        """Refuse if the bot lacks the permission *name* there."""
        if channel.guild is not None and not channel.guild.bot_may(name, channel):
            raise Refused(*MISSING_PERMISSIONS)

    @staticmethod
    def need_in(guild, name):
        """Refuse if the bot lacks the permission *name* in the server."""
        if not guild.bot_may(name):
            raise Refused(*MISSING_PERMISSIONS)
