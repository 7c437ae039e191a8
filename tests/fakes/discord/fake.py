"""The fake itself: starting, stopping, finding things, sending interactions."""

import asyncio
import base64

from aiohttp import web

from tests.fakes.hearing import Clock, NeverHappened

from . import permissions
from .api import Api
from .cdn import Cdn
from .crowd import Crowd
from .faults import Faults, GoingWrong
from .gateway import Gateway
from .people import People
from .rates import Rates
from .refusals import Refused
from .scenery import Scenery
from .screens import Screens
from .world import Ids, User


class DiscordFake(Scenery, People, Screens, GoingWrong):
    """A Discord on loopback; see the package's docstring for its verbs."""

    def __init__(self, *, bot_name="Bookwiz"):
        self.clock = Clock()
        self.ids = Ids(self.clock)
        self.app_id = self.ids()
        self.bot_user = User(self.app_id, bot_name, bot=True)
        self.developer = User(self.ids(), "Developer")
        name = base64.urlsafe_b64encode(str(self.app_id).encode()).decode().rstrip("=")
        self.token = f"{name}.fake.token-of-the-bot"
        self.revoked = self.away = False
        self.users = {user.id: user for user in (self.bot_user, self.developer)}
        self.guilds, self.directs, self.channels_by_id = [], {}, {}
        self.by_token, self.nonces = {}, {}
        self.commands, self.deeds, self.modals, self.typing = [], {}, [], []
        self.unknown_requests, self.violations = [], []
        self.faults, self.rates, self.crowd = Faults(), Rates(self.clock), Crowd(self)
        self.api, self.gateway_server, self.cdn = Api(self), Gateway(self), Cdn(self)
        self._runners, self._site, self._port = [], None, 0

    async def start(self):
        """Listen: REST and gateway on one port, the CDN on another."""
        app = web.Application(client_max_size=1 << 30)
        app.router.add_get("/gw", self.gateway_server.serve)
        self.api.add_to(app)
        self._runner = await self._running(app)
        await self._listen_again()
        cdn = await self._running(self.cdn.app())
        await web.TCPSite(cdn, "127.0.0.1", 0).start()
        self.cdn.base = f"http://127.0.0.1:{cdn.addresses[0][1]}"
        self.gateway_server.start()
        return self

    async def stop(self):
        """Close everything; what the bot still sends is refused."""
        await self.gateway_server.stop()
        for runner in self._runners:
            await runner.cleanup()

    async def _running(self, app):
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        self._runners.append(runner)
        return runner

    async def _listen_again(self):
        """Listen at the port that was found free at first."""
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await self._site.start()
        self._port = self._runner.addresses[0][1]
        self.origin = f"http://127.0.0.1:{self._port}"

    @property
    def api_base(self):
        return f"{self.origin}/api/v10"

    @property
    def gateway(self):
        return f"{self.origin.replace('http', 'ws', 1)}/gw"

    @property
    def requests(self):
        """Everything the bot asked by REST, in order."""
        return self.api.seen

    def calls(self, name):
        """Give the requests of one route: ``POST /channels/{channel}/messages``."""
        return [r for r in self.api.seen if r.name == name]

    async def until(self, true, *, within=5.0, what="what the test waits for"):
        """Wait until *true* gives something true, of the fake or of the bot, and give that."""
        try:
            async with asyncio.timeout(within):
                while not (value := true()):
                    await asyncio.sleep(0.002)
        except TimeoutError:
            raise NeverHappened(f"{what} did not happen within {within} s") from None
        return value

    def pass_minutes(self, minutes):
        """Let so much time pass for tokens of interactions, links to files, and events."""
        self.clock.turn(60 * minutes)

    def file(self, name, content, *, mimetype=None):
        """Make a file that a person gives."""
        return self.cdn.keep(name, content, mimetype=mimetype)

    # Finding things.

    def find_guild(self, guild_id):
        return next((g for g in self.guilds if g.id == int(guild_id)), None)

    def find_user(self, user_id):
        return self.users.get(int(user_id))

    @property
    def channels(self):
        """Every channel and thread of all servers, and all direct messages."""
        return [*(c for g in self.guilds for c in g.channels), *self.directs.values()]

    def find_channel(self, channel_id):
        return self.channels_by_id.get(int(channel_id))

    def bot_sees(self, channel):
        if channel.guild is None:
            return True
        return channel.guild.bot is not None and permissions.sees(channel.guild.bot, channel)

    def check_direct(self, user):
        """Refuse a direct message that would not arrive."""
        shared = [g for g in self.guilds if g.bot is not None and user.id in g.members]
        if not shared:
            why = "Cannot send messages to this user due to having no mutual guilds"
            raise Refused(403, 50278, why)
        if user.dms_closed or user.deleted:
            raise Refused(403, 50007, "Cannot send messages to this user")
        self.crowd.check_direct(self.direct(user))

    def file_limit_at(self, parts):
        """Give how large a file may be where a request sends it."""
        if "channel" in parts and parts["channel"].isdigit():
            return self.file_limit(self.find_channel(parts["channel"]))
        deed = self.by_token.get(parts.get("token"))
        return self.file_limit(deed and deed.channel)
