"""A board as a file for a spreadsheet."""

import csv
import io
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.leaderboards.models import Submission
from bot.features.leaderboards.ranking import Placed

_HEAD = (
    "rank", "tied", "who", "submission", "value", "low", "high", "p50_ms", "size_bytes",
    "memory_mb", "pareto_front", "config",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def as_csv(session: AsyncSession, placed: Iterable[Placed]) -> bytes:
    """The rows of a board with what their members attached, in UTF-8 with a byte order mark."""
    rows = list(placed)
    found = await session.execute(
        select(Submission.id, Submission.config).where(
            Submission.id.in_([p.entry.submission for p in rows])
        )
    )
    configs: dict[str, str] = {row.id: row.config for row in found}
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_HEAD)
    for row in rows:
        e = row.entry
        writer.writerow(
            (row.rank, row.tied, _text(e.who), e.submission, e.value, e.low, e.high, e.p50_ms,
             e.size, e.memory_mb, row.front, _text(configs.get(e.submission, "")))
        )  # fmt: skip
    return out.getvalue().encode("utf-8-sig")


def _text(said: str) -> str:
    """What a member wrote, so that no spreadsheet runs it as a formula."""
    return f"'{said}" if said.startswith(_FORMULA) else said
