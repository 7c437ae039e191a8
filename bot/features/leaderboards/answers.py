"""Takes what the desk answered to whoever in this feature asked, by the first word of the key."""

from collections.abc import Awaitable, Callable

import structlog

from bot.features.leaderboards import lost_files
from bot.features.leaderboards.declaration import feature
from bot.kit.errands import Answered
from bot.kit.work import Work

#: what follows the first word of the key is the second argument
Take = Callable[[Work, str, Answered], Awaitable[None]]
_ROUTES: dict[str, Take] = {}
_log = structlog.get_logger(__name__)


def to(prefix: str) -> Callable[[Take], Take]:
    """Declare who takes answers to errands with keys ``<prefix>:…``."""

    def register(take: Take) -> Take:
        assert prefix not in _ROUTES, f"two take answers to {prefix}"
        _ROUTES[prefix] = take
        return take

    return register


@feature.on(Answered)
async def take(work: Work, answered: Answered) -> None:
    if answered.feature != feature.name:
        return
    prefix, _, rest = answered.key.partition(":")
    if answered.failure is not None:
        _log.warning("errand.failed", key=answered.key, reason=answered.failure.code)
        if answered.failure.code == lost_files.LOST:
            await lost_files.tell(work, answered, answered.failure)
    await _ROUTES[prefix](work, rest, answered)
