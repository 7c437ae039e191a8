"""A bell that rings at every change in the fake, and a clock that tests can turn."""

import asyncio
import time


class NeverHappened(AssertionError):  # noqa: N818 - a fact, as tests read it
    """What a test waited for did not come about."""


class Bell:
    """Wakes whoever waits for something to become true."""

    def __init__(self):
        self._rung = asyncio.Event()

    def ring(self):
        self._rung.set()
        self._rung = asyncio.Event()

    async def until(self, true, *, within=3.0, what="what the test waits for"):
        """Give what *true* gives, as soon as that is true; it is asked at every change."""
        try:
            async with asyncio.timeout(within):
                while not (value := true()):
                    await self._rung.wait()
        except TimeoutError:
            raise NeverHappened(f"{what} did not happen within {within} s") from None
        return value


class Clock:
    """A platform's time: the real one, and what tests added. Slack's signatures have the real one."""

    def __init__(self):
        self._turned = 0.0

    def now(self):
        return time.time() + self._turned

    def turn(self, seconds):
        self._turned += seconds
