"""What the bot needs of a chat platform."""

from typing import Protocol

from aiohttp import web

from bot.kit.message import Place
from bot.kit.outbox import Sends


class Platform(Sends, Protocol):
    """An adapter: it maps what a platform knows to commands and replies, and nothing else."""

    state: str  #: in words: whether it is connected, or what keeps it away

    def routes(self) -> list[web.AbstractRouteDef]:
        """What the platform reaches at our web server; none where the bot does the reaching."""
        ...

    async def start(self) -> None:
        """Begin to connect. Never raises because the platform is away or refuses us."""
        ...

    async def stop(self) -> None: ...

    async def sees(self, place: Place) -> bool | None:
        """Whether *place* is there for the bot; None where only trying would tell. Asks nobody."""
        ...
