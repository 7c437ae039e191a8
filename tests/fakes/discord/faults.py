"""What goes wrong on demand."""

import asyncio
from collections import defaultdict, deque
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Fault:
    """What happens to the next requests of a route."""

    kind: str  # storm, lose, slow or break
    times: int
    seconds: float = 0.0
    status: int = 500
    via: bool = True
    everywhere: bool = False


@dataclass
class Faults:
    """What goes wrong with which route; ``*`` is any."""

    planned: dict = field(default_factory=lambda: defaultdict(deque))

    def plan(self, name, fault):
        self.planned[name].append(fault)

    def take(self, name):
        """Give the fault of this request, if there is one, and count it off."""
        for which in (name, "*"):
            queue = self.planned[which]
            if queue:
                fault = queue[0]
                fault.times -= 1
                if fault.times <= 0:
                    queue.popleft()
                return fault
        return None


class GoingWrong:
    """The verbs of what goes wrong. A route is named as in ``fake.calls``; ``*`` is any."""

    def storm(self, name, times=1, retry_after=0.05, *, via=True, everywhere=False):
        """Answer the next requests with 429: of one bucket, or of all of the bot (*everywhere*).

        Without ``Via`` it is as Cloudflare bans: discord.py raises it instead of waiting.
        """
        fault = Fault("storm", times, retry_after, via=via, everywhere=everywhere)
        self.faults.plan(name, fault)

    def lose_answer(self, name, times=1):
        """Do what the next requests ask, then cut the connection instead of answering."""
        self.faults.plan(name, Fault("lose", times))

    def slow(self, name, seconds, times=1):
        """Answer the next requests only after *seconds*."""
        self.faults.plan(name, Fault("slow", times, seconds))

    def break_down(self, name, times=1, status=500):
        """Answer the next requests with an internal error, and do nothing."""
        self.faults.plan(name, Fault("break", times, status=status))

    def no_more_faults(self):
        self.faults.planned.clear()

    async def revoke(self):
        """Let the token be of no use any more: 401, and the gateway closes with 4004."""
        self.revoked = True
        await self.gateway_server.drop(code=4004)

    async def go_away(self):
        """Be out of reach: connections are cut, new ones refused."""
        self.away = True
        self.gateway_server.refusing = True
        await self._site.stop()
        await self.gateway_server.drop()

    async def come_back(self):
        """Be within reach again, at the same address; sessions can be resumed."""
        self.away = self.gateway_server.refusing = False
        await self._listen_again()


async def cut(request):
    """End the connection of *request* without an answer."""
    if request.transport is not None:
        request.transport.abort()
    await asyncio.sleep(0)
    return web.Response()  # which nobody hears
