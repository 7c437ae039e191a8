"""What goes wrong on demand, and how many calls Slack lets through."""

import asyncio
import math
from collections import defaultdict, deque
from dataclasses import dataclass, field

from . import limits


@dataclass
class Fault:
    """What happens to the next calls of a method."""

    kind: str  # storm, lose, slow or break
    times: int
    seconds: float = 0.0
    status: int = 500


@dataclass
class Faults:
    """What goes wrong with which method; ``*`` is any."""

    planned: dict = field(default_factory=lambda: defaultdict(deque))

    def plan(self, method, fault):
        self.planned[method].append(fault)

    def take(self, method):
        """Give the fault of this call, if there is one, and count it off."""
        for name in (method, "*"):
            queue = self.planned[name]
            if queue:
                fault = queue[0]
                fault.times -= 1
                if fault.times <= 0:
                    queue.popleft()
                return fault
        return None

    def clear(self):
        self.planned.clear()


class Rates:
    """Slack's rate limits by the fake's clock; off until a test says ``fake.rates.on = True``."""

    def __init__(self, clock):
        self.on = False
        self._clock = clock
        self._calls = defaultdict(deque)

    def wait_for(self, method, team, channel):
        """Give after how many seconds the call may come again, or None and count it."""
        if not self.on or method.tier == "special":
            return None
        if method.tier == "channel":
            key, most, span = (team, channel), limits.POSTS_AT_ONCE, limits.POSTS_AT_ONCE
        else:
            key, most, span = (team, method.name), limits.TIERS[method.tier], 60
        now, calls = self._clock.now(), self._calls[key]
        while calls and now - calls[0] >= span:
            calls.popleft()
        if len(calls) >= most:
            return max(1, math.ceil(calls[0] + span - now))
        calls.append(now)
        return None


async def cut(request):
    """End the connection of *request* without an answer."""
    if request.transport is not None:
        request.transport.abort()
    await asyncio.sleep(0)
