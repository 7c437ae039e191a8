"""The fake itself: starting, stopping, sending, and what goes wrong on demand."""

import asyncio

from aiohttp import ClientError, web

from tests.fakes.hearing import Bell, Clock

from . import signed
from .answers import Answers
from .api import Api, Request
from .clicks import Clicks
from .deeds import Ack
from .doings import Doings
from .faults import Fault, Faults, Rates
from .files import Files
from .hooks import Hooks
from .installs import Installs
from .scenery import Scenery
from .screens import Screens, Triggers
from .sockets import Sockets
from .world import Ids, Token


class SlackFake(Scenery, Doings, Clicks, Answers):
    """A Slack on loopback; see the package's docstring for its verbs."""

    def __init__(self, *, bot_name="Bookwiz"):
        self.bell, self.clock, self.ids = Bell(), Clock(), Ids()
        self.bot_name = bot_name
        self.app_id = self.ids("A")
        self.client = ("11.22", "client-secret")
        self.signing_secret = "signing-secret"
        self.redirect_uri = ""
        self.teams, self.tokens, self.deeds = [], {}, []
        self.subscriptions = None  # or the names of the events the app asked for
        self.closed_to_bots = []  # people who cannot be written to
        self.suggested = {}
        self.app_token = Token("xapp-1-fake", "app", None, {"connections:write"})
        self.tokens[self.app_token.value] = self.app_token
        self.faults, self.rates = Faults(), Rates(self.clock)
        self.api, self.sockets = Api(self), Sockets(self)
        self.files, self.hooks, self.installs = Files(self), Hooks(self), Installs(self)
        self.screens, self.triggers = Screens(self), Triggers(self)
        self.stopping = False
        self.address = None  # or where to send by HTTP
        self._runners, self._tasks = [], set()
        self.team = self.workspace("Book Club", installed=True)

    async def start(self):
        """Listen: the Web API on one port, files on another, a stranger's host on a third."""
        self.origin = await self._listen(self._app())
        self.file_base = await self._listen(self.files.app("slack"))
        self.stranger_base = await self._listen(self.files.app("stranger"))
        return self

    async def stop(self):
        """Close everything; what the app still sends is refused."""
        self.stopping = True
        await self.sockets.drop()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for runner in self._runners:
            await runner.cleanup()

    def _app(self):
        app = web.Application(client_max_size=1 << 26)
        app.router.add_route("*", "/api/{method}", self.api.serve)
        app.router.add_get("/link/", self.sockets.serve)
        app.router.add_post("/response/{name:.*}", self.hooks.serve)
        app.router.add_get("/oauth/v2/authorize", self.installs.authorize)
        return app

    async def _listen(self, app):
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        self._runners.append(runner)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    @property
    def api_base(self):
        return f"{self.origin}/api/"

    @property
    def authorize_url(self):
        return f"{self.origin}/oauth/v2/authorize"

    @property
    def file_host(self):
        """Slack's file host, the only one that may be sent the token."""
        return self.file_base.removeprefix("http://")

    @property
    def bot_token(self):
        return self.team.token.value

    @property
    def requests(self):
        """Everything the app asked of the Web API, response_urls and uploads, in order."""
        return self.api.seen

    def calls(self, method):
        """Give the requests of one method."""
        return [r for r in self.api.seen if r.method == method]

    def record(self, method, args, headers, token):
        request = Request(method, args, dict(headers), self.clock.now(), token)
        self.api.seen.append(request)
        self.bell.ring()
        return request

    async def until(self, true, *, within=3.0, what="what the test waits for"):
        """Wait until *true* gives something true, and give that."""
        return await self.bell.until(true, within=within, what=what)

    # What goes wrong on demand.

    def storm(self, method, times=1, retry_after=1):
        """Answer the next calls of *method* (``*``: of any) with 429."""
        self.faults.plan(method, Fault("storm", times, retry_after))

    def lose_answer(self, method, times=1):
        """Do what the next calls of *method* ask, then cut the connection instead of answering."""
        self.faults.plan(method, Fault("lose", times))

    def slow(self, method, seconds, times=1):
        """Answer the next calls of *method* only after *seconds*."""
        self.faults.plan(method, Fault("slow", times, seconds))

    def break_down(self, method, times=1, status=500):
        """Answer the next calls of *method* with an internal error, and do nothing."""
        self.faults.plan(method, Fault("break", times, status=status))

    def revoke(self, team=None):
        """Revoke the app's token of a workspace."""
        (team or self.team).token.revoked = True

    # How what people do reaches the app.

    def by_http(self, url, signing_secret=None, *, forged=False, age=0.0, unsigned=False):
        """Send from now on by signed HTTP to *url*; *forged*, old or *unsigned* if a test says so."""
        secret = signing_secret or self.signing_secret
        self.address = signed.Address(url, secret, forged, age, unsigned)

    def by_socket(self):
        """Send from now on by Socket Mode, as at first."""
        self.address = None

    async def redeliver(self, deed, *, reason="timeout"):
        """Send *deed* once more, with the same event_id, as Slack does when it heard nothing."""
        return await self._send(deed, reason=reason)

    async def _send(self, deed, *, reason="timeout"):
        if self.address is None:
            await self.sockets.send(deed, reason=reason)
        else:
            self.spawn(self._post(deed, self.address, reason))
        return deed

    async def _post(self, deed, address, reason):
        try:
            status, payload = await signed.post(deed, address, reason=f"http_{reason}")
        except ClientError as gone:
            deed.trouble.append(f"dispatch_failed: {gone}")
            deed.refusals.append(Ack({}, self.clock.now() - deed.sent_at, 0))
        else:
            if status == 200:
                self.acknowledged(deed, payload)
            else:
                after = self.clock.now() - deed.sent_at
                deed.refusals.append(Ack(payload, after, status))
        self.bell.ring()

    def spawn(self, work):
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def file(self, name, content, *, person=None, mimetype="application/octet-stream", **more):
        """Make a file that a person gives; ``host=fake.stranger_base`` puts it on another host."""
        team = person.team if person else self.team
        file = self.files.announce(team, name, len(content), mimetype=mimetype, **more)
        file.content = content
        return file
