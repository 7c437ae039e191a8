"""Slack as a platform of the bot: comes up, stays up, and says in words why not."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.slack.address import parse
from bot.chat.slack.answering import Answering
from bot.chat.slack.doors import Doors, InstallDoors
from bot.chat.slack.events import Events
from bot.chat.slack.files import Downloads
from bot.chat.slack.incoming import Incoming
from bot.chat.slack.oauth import flow_for
from bot.chat.slack.sending import Sending
from bot.chat.slack.workspaces import Many, One
from bot.config import SlackSettings
from bot.kit.core import Core
from bot.kit.message import Message, MessageRef, Place
from bot.kit.outbox import Undeliverable

_log = structlog.get_logger(__name__)
_PAUSES = (1, 2, 5, 15, 60)  # seconds between tries to connect; the last one stays
_CALL_SECONDS = 15
_HOPELESS = {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "missing_scope"}


class SlackChat:
    """The kit's ``Sends`` on Slack, and what listens there.

    ``state`` says in words how it is: whether it is connected, or what keeps it away.
    """

    lanes = 8  #: channels that are written to at once

    def __init__(self, core: Core, settings: SlackSettings, *, public_url: str = "") -> None:
        self._core, self._settings, self._public_url = core, settings, public_url
        self._logger = logging.getLogger("slack_bolt.bookwiz")
        self._logger.setLevel(logging.ERROR)  # its warnings repeat what people wrote
        token = settings.bot_token.get_secret_value() if settings.bot_token else None
        # What listens may wait when Slack says so; what sends does not: the courier has others.
        self._patient = self._client(token, patient=True)
        if token is None:
            assert settings.client_id is not None
            self.workspaces: One | Many = Many(
                core.database, settings.client_id, partial(self._client, patient=False)
            )
        else:
            self.workspaces = One(self._client(token, patient=False))
        self.sending = Sending(self.workspaces.client_for, core.services.files)
        loopback = urlsplit(settings.api_base).hostname in {"127.0.0.1", "localhost"}
        downloads = Downloads(core.services.files, host=settings.file_host, plain_http=loopback)
        self.incoming = Incoming(
            core, Answering(core, self.sending), downloads, single=token is not None
        )
        self.app = self._app()
        self.incoming.listen(self.app)
        Events(self.incoming, self.workspaces).listen(self.app)
        self._state = "not started"
        self._handler: AsyncSocketModeHandler | None = None
        self._connecting: asyncio.Task[None] | None = None

    @property
    def state(self) -> str:
        trouble = self.workspaces.trouble
        return f"{self._state} ({trouble})" if trouble else self._state

    def routes(self) -> list[web.AbstractRouteDef]:
        """Where Slack reaches the bot, unless by a socket, and where admins install it."""
        settings = self._settings
        routes = []
        if settings.app_token is None and settings.signing_secret is not None:
            routes += Doors(self.app).routes()
        if isinstance(self.workspaces, Many) and settings.client_secret is not None:
            flow = flow_for(
                self._core, settings, self.workspaces, self._patient, public_url=self._public_url
            )
            routes += InstallDoors(flow).routes()
        return routes

    async def start(self) -> None:
        """Begin to connect. Comes back at once: Slack may be away."""
        if self._settings.app_token is not None:
            self._connecting = asyncio.create_task(self._connect(), name="slack")
        elif self._settings.signing_secret is not None:
            self._state = "listens for Slack's requests"
        else:
            self._state = (
                "Slack cannot reach the bot: there is neither app token nor signing secret"
            )

    async def stop(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        if self._handler is not None:
            await self._handler.close_async()
        self._state = "stopped"

    async def send(
        self, place: Place, message: Message, *, key: str, since: datetime | None = None
    ) -> MessageRef:
        async with self._noticing(place.private_to or place.channel):
            return await self.sending.send(place, message, key=key, since=since)

    async def edit(self, ref: MessageRef, message: Message) -> MessageRef:
        async with self._noticing(ref.channel):
            return await self.sending.edit(ref, message)

    async def sees(self, place: Place) -> bool | None:  # noqa: ARG002 - Slack sends no list of channels
        return None

    @asynccontextmanager
    async def _noticing(self, where: str) -> AsyncIterator[None]:
        """Notice from what cannot be said that the bot is not there any more."""
        try:
            yield
        except Undeliverable as error:
            await self.workspaces.noticed(parse(where).team, error)
            raise

    def _app(self) -> AsyncApp:
        secret = self._settings.signing_secret
        many = self.workspaces if isinstance(self.workspaces, Many) else None

        async def authorize(team_id: str) -> AuthorizeResult | None:
            assert many is not None
            return await many.authorize(team_id)

        return AsyncApp(
            client=self._patient,
            signing_secret=secret.get_secret_value() if secret else "unused-in-socket-mode",
            authorize=authorize if many else None,
            logger=self._logger,
        )

    def _client(self, token: str | None, *, patient: bool) -> AsyncWebClient:
        """A client; one that is not *patient* tries nothing again by itself.

        By default slack_sdk repeats a call whose connection broke: a message that had arrived would
        stand there twice.
        """
        client = AsyncWebClient(
            token=token,
            base_url=self._settings.api_base,
            timeout=_CALL_SECONDS,
            retry_handlers=None if patient else [],
            logger=self._logger,  # or it would write down answers, and tokens are among them
        )
        if patient:
            client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=3))
        return client

    async def _connect(self) -> None:
        """Open the socket; from then on bolt keeps it open."""
        assert self._settings.app_token is not None
        for tried in range(1_000_000):
            try:
                who = await self._who()
                self._handler = AsyncSocketModeHandler(
                    self.app, self._settings.app_token.get_secret_value(), logger=self.app.logger
                )
                await self._handler.connect_async()
            except SlackApiError as error:
                said = error.response["error"]
                self._state = f"Slack refuses the bot: {said}"
                if said in _HOPELESS:
                    _log.error("slack.refused", error=said, fix="bookwiz doctor")
                    return
            except Exception as error:  # noqa: BLE001 - the network, in all its forms
                self._state = f"cannot reach Slack: {type(error).__name__}"
            else:
                self._state = f"connected to {who}"
                _log.info("slack.connected", team=who)
                return
            pause = _PAUSES[min(tried, len(_PAUSES) - 1)]
            _log.warning("slack.not_connected", why=self._state, again_in=pause)
            await asyncio.sleep(pause)

    async def _who(self) -> str:
        """Whom we are with: a workspace that lets us in, or whichever installed the bot."""
        if isinstance(self.workspaces, Many):
            return "Slack"
        return str((await self._patient.auth_test())["team"])
