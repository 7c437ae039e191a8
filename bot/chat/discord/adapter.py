"""Discord as a platform of the bot: comes up, stays up, and says in words why not."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import aiohttp
import discord
import structlog
import yarl
from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from bot.chat.discord import invite, markup
from bot.chat.discord.answering import Answering, Interaction
from bot.chat.discord.commands import fingerprint, payload
from bot.chat.discord.incoming import Incoming
from bot.chat.discord.models import DiscordCommands
from bot.chat.discord.sending import Sending
from bot.config import DiscordSettings
from bot.kit.core import Core
from bot.kit.message import Message, MessageRef, Place

_log = structlog.get_logger(__name__)
_PAUSES = (1, 2, 5, 15, 60)  # seconds between tries to connect; the last one stays
_LONGEST_WAIT = 30.0  # seconds that a request waits when Discord says so; it takes no less
_BAD_TOKEN = 4004
_UNTOLD = "Discord does not tell the bot who leaves: turn on Server Members Intent"

# The bot says nothing aloud: an admin needs no warning that it could not.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False


class DiscordChat:
    """The kit's ``Sends`` on Discord, and what listens there.

    ``state`` says in words how it is: whether it is connected, or what keeps it away.
    """

    lanes = 8  #: channels that are written to at once

    def __init__(self, core: Core, settings: DiscordSettings) -> None:
        assert settings.token is not None
        self._core, self._settings = core, settings
        self._token = settings.token.get_secret_value()
        self.sending = Sending(lambda: self.client, core.services.files)
        self.incoming = Incoming(core, Answering(core, self.sending))
        self.state = "not started"
        self._members = True  #: whether we ask to be told of people who come and go
        self._commands_refused = ""
        self._running: asyncio.Task[None] | None = None
        self.client = self._made()

    def routes(self) -> list[web.AbstractRouteDef]:
        """None: the bot reaches Discord, and not the other way round."""
        return []

    async def start(self) -> None:
        """Begin to connect. Comes back at once: Discord may be away."""
        # discord.py keeps these for the whole process: there is one bot in it.
        discord.http.Route.BASE = self._settings.api_base.rstrip("/")
        discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(self._settings.gateway)
        self._running = asyncio.create_task(self._run(), name="discord")

    async def stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        await self.client.close()
        self.state = "stopped"

    async def send(
        self, place: Place, message: Message, *, key: str, since: datetime | None = None
    ) -> MessageRef:
        return await self.sending.send(place, message, key=key, since=since)

    async def edit(self, ref: MessageRef, message: Message) -> MessageRef:
        return await self.sending.edit(ref, message)

    async def sees(self, place: Place) -> bool | None:
        if not self.client.is_ready():
            return None
        id_ = place.channel
        return id_.isdigit() and self.client.get_channel(int(id_)) is not None

    async def _run(self) -> None:
        """Log in and stay: discord.py resumes by itself whatever can be resumed."""
        for tried in range(1_000_000):
            try:
                await self.client.start(self._token)
            except discord.LoginFailure:
                self._refused("Discord refuses the bot's token")
                return
            except discord.PrivilegedIntentsRequired:
                self._members = False
                self.state = _UNTOLD
                _log.warning("discord.no_members_intent", fix="bookwiz doctor")
            except discord.ConnectionClosed as error:
                if error.code == _BAD_TOKEN:
                    self._refused("Discord does not take the bot's token any more")
                    return
                self.state = f"Discord closed the connection: {error.code}"
            except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
                self.state = f"cannot reach Discord: {type(error).__name__}"
            await self.client.close()
            self.client = self._made()
            pause = _PAUSES[min(tried, len(_PAUSES) - 1)]
            _log.warning("discord.not_connected", why=self.state, again_in=pause)
            await asyncio.sleep(pause)

    def _refused(self, why: str) -> None:
        self.state = why
        _log.error("discord.refused", error=why, fix="bookwiz doctor")

    def _made(self) -> "_Client":
        intents = discord.Intents(guilds=True, members=self._members)
        return _Client(self, intents)

    def ready(self, guilds: Sequence[discord.Guild]) -> None:
        """It is connected, and knows where it is."""
        where = ", ".join(sorted(g.name for g in guilds if g.name)[:5]) or "no server yet"
        untold = "" if self._members else f", but {_UNTOLD}"
        self.state = f"connected to {where}{self._commands_refused}{untold}"
        _log.info("discord.connected", servers=len(guilds))
        if not guilds:
            link = invite.link(self.client.application_id or 0)
            _log.warning("discord.no_server", fix=f"Invite the bot: {link}")

    async def left(self, user: int, guild: int) -> None:
        """Somebody left a server, or was made to."""
        await self._core.left("discord", str(user), space=str(guild))

    async def logged_in(self) -> None:
        """Tell Discord of our commands, if they are not those it knows."""
        self._commands_refused = ""
        try:
            await self._tell_commands()
        except discord.HTTPException as error:
            self._commands_refused = f", but it refuses our commands: {error.status}"
            _log.error("discord.commands_refused", why=error.text[:500])
        except SQLAlchemyError as error:
            _log.error("discord.commands_not_told", error=type(error).__name__)

    async def _tell_commands(self) -> None:
        services = self._core.services
        registered = payload(services.commands, services.features)
        application, server = self.client.application_id, self._settings.test_server
        assert application is not None
        scope, now = f"{application}/{server or ''}", fingerprint(registered)
        async with self._core.database.read() as session:
            row = await session.get(DiscordCommands, scope)
        if row is not None and row.fingerprint == now:
            return
        if server is None:
            await self.client.http.bulk_upsert_global_commands(application, registered)
        else:
            await self.client.http.bulk_upsert_guild_commands(application, server, registered)
        async with self._core.database.write() as session:
            told = DiscordCommands(scope=scope, fingerprint=now, told_at=services.clock.now())
            await session.merge(told)
        _log.info("discord.commands_told", commands=len(registered))


class _Client(discord.Client):
    """Our ears. Whatever discord.py can keep in memory for nobody's use, it does not."""

    def __init__(self, chat: DiscordChat, intents: discord.Intents) -> None:
        super().__init__(
            intents=intents,
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            guild_ready_timeout=0.5,
            max_ratelimit_timeout=_LONGEST_WAIT,
        )
        self._chat = chat

    def dispatch(self, event: str, /, *args: object, **more: object) -> None:
        if not self.is_closed():  # nobody listens any more, and there is no loop to tell it in
            super().dispatch(event, *args, **more)

    async def setup_hook(self) -> None:
        await self._chat.logged_in()

    async def on_connect(self) -> None:
        self._chat.state = "connected"

    async def on_ready(self) -> None:
        self._chat.ready(self.guilds)

    async def on_resumed(self) -> None:
        self._chat.state = self._chat.state.removesuffix(" (the connection broke)")

    async def on_disconnect(self) -> None:
        if self._chat.state.startswith("connected"):
            self._chat.state = self._chat.state.removesuffix(" (the connection broke)")
            self._chat.state += " (the connection broke)"

    async def on_interaction(self, interaction: Interaction) -> None:
        await self._chat.incoming.hear(interaction)

    async def on_raw_member_remove(self, event: discord.RawMemberRemoveEvent) -> None:
        await self._chat.left(event.user.id, event.guild_id)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        _log.warning("discord.removed", server=guild.id, name=markup.harmless(guild.name))

    async def on_error(self, event: str, /, *_args: object, **_more: object) -> None:
        _log.exception("discord.event_failed", on=event)
