"""How much a platform lets through: some at once, and then one every so often."""

from collections import OrderedDict
from collections.abc import Callable

_MOST_KEYS = 10_000


class Gate:
    """A leaky bucket for each key, such as a channel. Waits for nobody: it says how long to wait."""

    def __init__(self, *, every: float, burst: int, now: Callable[[], float]) -> None:
        """Make it.

        Args:
            every: Seconds after which one more may pass.
            burst: How many may pass at once.
            now: A clock that only goes forward, in seconds.
        """
        self._every, self._burst, self._now = every, burst, now
        self._until: OrderedDict[str, float] = OrderedDict()  # when each bucket is empty again

    def enter(self, key: str) -> float:
        """0.0 and one is let through; else the seconds until one may be, and none is."""
        now = self._now()
        until = max(now, self._until.get(key, now))
        wait = until - now - self._every * (self._burst - 1)
        if wait > 0:
            return wait
        self._until[key] = until + self._every
        self._until.move_to_end(key)
        while len(self._until) > _MOST_KEYS:
            self._until.popitem(last=False)
        return 0.0

    def close(self, key: str, seconds: float) -> None:
        """Let nobody through for so long: the platform said so itself."""
        self._until[key] = self._now() + seconds + self._every * (self._burst - 1)
