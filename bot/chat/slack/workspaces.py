"""The workspaces that the bot is in: whose token is for which, and what is known of those it lost."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import structlog
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.oauth.installation_store import Installation
from slack_sdk.oauth.installation_store.sqlalchemy import AsyncSQLAlchemyInstallationStore
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.kit.db import Database
from bot.kit.outbox import Undeliverable

_log = structlog.get_logger(__name__)
_AGAIN = "install the app again"
_NOT_THERE = "the bot is not installed in that workspace"
#: what Slack says of a token that opens nothing any more
_DEAD = {"account_inactive", "invalid_auth", "not_authed", "token_revoked", "token_expired"}


class One:
    """The workspace whose token is a setting. Its ids stand alone."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self.trouble = ""  #: in words, where something is wrong

    async def client_for(self, _team: str) -> AsyncWebClient:
        return self._client

    async def noticed(self, _team: str, error: Undeliverable) -> None:
        """Something could not be said: is it the token?"""
        if _is_dead(error) and not self.trouble:
            self.trouble = str(error)
            _log.error("slack.removed", why=self.trouble, fix=_AGAIN)

    async def lost(self, _team: str, why: str, *, at: float) -> None:  # noqa: ARG002 - there is no newer one
        """Slack says that the bot is not there any more."""
        self.trouble = why
        _log.error("slack.removed", why=why, fix=_AGAIN)


class Many:
    """The workspaces that installed the bot by OAuth, in the community's database."""

    def __init__(
        self, database: Database, client_id: str, made: Callable[[str], AsyncWebClient]
    ) -> None:
        """Prepare.

        Args:
            database: Has the installations.
            client_id: The app's: another app's installations are none of ours.
            made: Makes the client for a token.
        """
        self.store = Installations(client_id, OurEngine(database), self._installed)
        self._made = made
        self._clients: dict[str, AsyncWebClient] = {}
        self._lost: dict[str, str] = {}  # team → what became of it

    @property
    def trouble(self) -> str:
        return "; ".join(f"{team}: {why}" for team, why in sorted(self._lost.items()))

    async def client_for(self, team: str) -> AsyncWebClient:
        """Who speaks in that workspace.

        Raises:
            Undeliverable: The bot is not there, or not any more.
        """
        if team not in self._clients:
            bot = await self.store.async_find_bot(enterprise_id=None, team_id=team)
            if bot is None:
                raise Undeliverable(self._lost.get(team, _NOT_THERE))
            self._clients[team] = self._made(bot.bot_token)
        return self._clients[team]

    async def authorize(self, team: str) -> AuthorizeResult | None:
        """What slack-bolt must know of a workspace before it passes on what came from there."""
        bot = await self.store.async_find_bot(enterprise_id=None, team_id=team)
        return bot and AuthorizeResult(
            enterprise_id=None,
            team_id=team,
            bot_id=bot.bot_id,
            bot_user_id=bot.bot_user_id,
            bot_token=bot.bot_token,
        )

    async def noticed(self, team: str, error: Undeliverable) -> None:
        """Something could not be said there: is it the token?"""
        if _is_dead(error):
            await self._forget(team, str(error))

    async def lost(self, team: str, why: str, *, at: float) -> None:
        """Slack said, *at* that many seconds since 1970, that the bot is not there any more.

        It may say so late and repeatedly. Who has installed the bot since then keeps it.
        """
        bot = await self.store.async_find_bot(enterprise_id=None, team_id=team)
        if bot is None or int(bot.installed_at) <= at:  # Slack counts whole seconds
            await self._forget(team, why)

    async def _forget(self, team: str, why: str) -> None:
        self._clients.pop(team, None)
        self._lost[team] = why
        await self.store.async_delete_all(enterprise_id=None, team_id=team)
        _log.error("slack.removed", team=team, why=why, fix=_AGAIN)

    def _installed(self, team: str) -> None:
        self._clients.pop(team, None)
        self._lost.pop(team, None)
        _log.info("slack.installed", team=team)


class Installations(AsyncSQLAlchemyInstallationStore):
    """Slack's own store. A workspace is known by its team alone, also where a firm has several."""

    def __init__(self, client_id: str, engine: "OurEngine", then: Callable[[str], None]) -> None:
        quiet = logging.getLogger("slack_bolt.bookwiz")
        super().__init__(client_id, engine, logger=quiet)  # type: ignore[arg-type] # as much of one as it uses
        self._then = then

    async def tokens(self) -> list[str]:
        """The token of every workspace that has installed the bot."""
        of_ours = select(self.bots.c.bot_token).where(self.bots.c.client_id == self.client_id)
        async with self.engine.connect() as connection:
            return list(await connection.scalars(of_ours.order_by(self.bots.c.team_id)))

    async def async_save(self, installation: Installation) -> None:
        installation.enterprise_id = None
        assert installation.team_id is not None, (
            "the manifest allows no installing for a whole firm"
        )
        # A token that was replaced opens doors no longer, and need not lie about.
        await self.async_delete_all(enterprise_id=None, team_id=installation.team_id)
        await super().async_save(installation)
        self._then(installation.team_id)


class OurEngine:
    """What Slack's stores take for an engine: they write when it is their turn, as all here do."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        async with self._database.write() as session:
            yield await session.connection()

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        async with self._database.read() as session:
            yield await session.connection()


def _is_dead(error: Undeliverable) -> bool:
    said: Any = error.__cause__
    return isinstance(said, SlackApiError) and said.response["error"] in _DEAD
