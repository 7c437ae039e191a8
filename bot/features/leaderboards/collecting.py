"""Refused models leave the store after a while; their rows, and what was said of them, stay."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import select

from bot.community.members import the_community
from bot.features.leaderboards.declaration import feature
from bot.features.leaderboards.models import State, Submission
from bot.kit.outbox import OutboxJob
from bot.kit.references import is_named
from bot.kit.strays import StoreToSweep
from bot.kit.work import Work

KEPT = timedelta(days=30)  #: time for a member to ask why, and for moderators to look
_AT_ONCE = 200  #: files that are looked for in all tables in one go
_JUST_CAME = timedelta(days=1)
#: what names the file of a submission and nothing else: judged by how that ended
_OWN = (Submission.sha256, OutboxJob.payload)
_log = structlog.get_logger(__name__)


@feature.schedule(
    "collect", "Delete refused models, and files that nothing names", every=timedelta(hours=6)
)
async def collect(work: Work) -> None:
    """Delete the files of submissions that were refused long ago, if no other row names them.

    What no row names at all is looked for afterwards, since that takes longer.
    """
    await work.announce(StoreToSweep(since=(await the_community(work.session)).created_at))
    ended = await work.session.scalars(
        select(Submission).where(Submission.state == State.FAILED).order_by(Submission.finished_at)
    )
    old = {
        submission.sha256: submission
        for submission in ended.all()
        if _is_refused_long_ago(submission, now=work.now)
    }
    there = [sha256 for sha256 in old if work.services.files.path(sha256).exists()]
    for sha256 in there[:_AT_ONCE]:
        if await _is_held(work, sha256) or await is_named(work.session, sha256, but=_OWN):
            continue
        if await asyncio.to_thread(_delete_old, work.services.files.path(sha256), work.now):
            _log.info("file.collected", submission=old[sha256].id, size=old[sha256].size)


def _is_refused_long_ago(submission: Submission, *, now: datetime) -> bool:
    """Whether it ended by its own fault, longer ago than ``KEPT``. What failed by ours may be run again."""
    failure = submission.failure or {}
    ended = submission.finished_at
    return (
        submission.state == State.FAILED
        and failure.get("ours") is False
        and ended is not None
        and ended <= now - KEPT
    )


async def _is_held(work: Work, sha256: str) -> bool:
    """Whether another submission has the same file, for whatever but a refusal that is as old."""
    same = await work.session.scalars(select(Submission).where(Submission.sha256 == sha256))
    return not all(_is_refused_long_ago(one, now=work.now) for one in same.all())


def _delete_old(path: Path, now: datetime) -> bool:
    """Delete a file, unless it came again so lately that its new row may not be written yet."""
    if path.stat().st_mtime > (now - _JUST_CAME).timestamp():
        return False
    path.unlink()
    return True
