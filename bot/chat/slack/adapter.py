"""Slack as a platform of the bot: comes up, stays up, and says in words why not."""

import asyncio
import logging
from datetime import datetime
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.slack.answering import Answering
from bot.chat.slack.doors import Doors
from bot.chat.slack.events import Events
from bot.chat.slack.files import Downloads
from bot.chat.slack.incoming import Incoming
from bot.chat.slack.sending import Sending
from bot.config import SlackSettings
from bot.kit.core import Core
from bot.kit.message import Message, MessageRef, Place

_log = structlog.get_logger(__name__)
_PAUSES = (1, 2, 5, 15, 60)  # seconds between tries to connect; the last one stays
_CALL_SECONDS = 15
_HOPELESS = {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "missing_scope"}


class SlackChat:
    """The kit's ``Sends`` on Slack, and what listens there.

    ``state`` says in words how it is: whether it is connected, or what keeps it away.
    """

    lanes = 8  #: channels that are written to at once

    def __init__(self, core: Core, settings: SlackSettings) -> None:
        self._settings = settings
        base = settings.api_base
        token = settings.bot_token.get_secret_value() if settings.bot_token else None
        # What listens may wait when Slack says so; what sends does not: the courier has others.
        self._patient = _client(token, base, patient=True)
        self._sender = _client(token, base, patient=False)
        self.sending = Sending(self._client_for, core.services.files)
        loopback = urlsplit(base).hostname in {"127.0.0.1", "localhost"}
        downloads = Downloads(core.services.files, host=settings.file_host, plain_http=loopback)
        self.incoming = Incoming(
            core, Answering(core, self.sending), downloads, single=token is not None
        )
        secret = settings.signing_secret.get_secret_value() if settings.signing_secret else ""
        logger = logging.getLogger("slack_bolt.bookwiz")
        logger.setLevel(logging.ERROR)  # its warnings repeat what people wrote
        self.app = AsyncApp(
            client=self._patient,
            token=token,
            signing_secret=secret or "unused-in-socket-mode",
            logger=logger,
        )
        self.incoming.listen(self.app)
        Events(self.incoming).listen(self.app)
        self.state = "not started"
        self._handler: AsyncSocketModeHandler | None = None
        self._connecting: asyncio.Task[None] | None = None

    def routes(self) -> list[web.AbstractRouteDef]:
        """Where Slack reaches the bot, unless the bot reaches Slack by a socket."""
        by_socket = self._settings.app_token is not None
        if by_socket or self._settings.signing_secret is None:
            return []
        return Doors(self.app).routes()

    async def start(self) -> None:
        """Begin to connect. Comes back at once: Slack may be away."""
        if self._settings.app_token is not None:
            self._connecting = asyncio.create_task(self._connect(), name="slack")
        elif self._settings.signing_secret is not None:
            self.state = "listens for Slack's requests"
        else:
            self.state = "Slack cannot reach the bot: there is neither app token nor signing secret"

    async def stop(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        if self._handler is not None:
            await self._handler.close_async()
        self.state = "stopped"

    async def send(
        self, place: Place, message: Message, *, key: str, since: datetime | None = None
    ) -> MessageRef:
        return await self.sending.send(place, message, key=key, since=since)

    async def edit(self, ref: MessageRef, message: Message) -> MessageRef:
        return await self.sending.edit(ref, message)

    async def sees(self, place: Place) -> bool | None:  # noqa: ARG002 - Slack sends no list of channels
        return None

    async def _client_for(self, _team: str) -> AsyncWebClient:
        return self._sender

    async def _connect(self) -> None:
        """Open the socket; from then on bolt keeps it open."""
        assert self._settings.app_token is not None
        for tried in range(1_000_000):
            try:
                who = await self._patient.auth_test()
                self._handler = AsyncSocketModeHandler(
                    self.app, self._settings.app_token.get_secret_value(), logger=self.app.logger
                )
                await self._handler.connect_async()
            except SlackApiError as error:
                said = error.response["error"]
                self.state = f"Slack refuses the bot: {said}"
                if said in _HOPELESS:
                    _log.error("slack.refused", error=said, fix="bookwiz doctor")
                    return
            except Exception as error:  # noqa: BLE001 - the network, in all its forms
                self.state = f"cannot reach Slack: {type(error).__name__}"
            else:
                self.state = f"connected to {who['team']}"
                _log.info("slack.connected", team=who["team"])
                return
            pause = _PAUSES[min(tried, len(_PAUSES) - 1)]
            _log.warning("slack.not_connected", why=self.state, again_in=pause)
            await asyncio.sleep(pause)


def _client(token: str | None, base: str, *, patient: bool) -> AsyncWebClient:
    """A client; one that is not *patient* tries nothing again by itself.

    By default slack_sdk repeats a call whose connection broke: a message that had arrived would
    stand there twice.
    """
    client = AsyncWebClient(
        token=token, base_url=base, timeout=_CALL_SECONDS, retry_handlers=None if patient else []
    )
    if patient:
        client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=3))
    return client
