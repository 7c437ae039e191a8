"""``bookwiz doctor``: what is on, what is missing, and what to type next.

Changes nothing, and asks nobody outside this installation but with ``--live``.
"""

import json
import shutil
from collections.abc import AsyncIterator, Callable, Sequence

import click
from sqlalchemy.exc import SQLAlchemyError

from bot.chat.finding import Finding
from bot.config import Settings
from bot.datasets import child
from bot.doctor.chats import chats
from bot.doctor.live import recipients, tried
from bot.kit import migrate as migrations
from bot.kit.db import Database

_GOOD_SPACE = 2_000_000_000  # bytes: room for a few large uploads


async def examine(settings: Settings, *, live: bool = False, to: Sequence[str] = ()) -> int:
    """Print a line a finding. Returns 1 when something has to be done.

    With *live*, the platforms are tried as well, and the accounts in *to* are written to.
    """
    recipients(to)
    all_good = True
    async for finding in _findings(settings):
        _show(finding)
        all_good &= finding.good
    if live:
        click.echo("\nTried live:")
        async for finding in tried(settings, to):
            _show(finding)
            all_good &= finding.good
    return 0 if all_good else 1


def _show(finding: Finding) -> None:
    mark = "left" if finding.left_out else "ok  " if finding.good else "LOOK"
    click.echo(f"{mark}  {finding.what}")
    if finding.left_out or not finding.good:
        click.echo(f"      → {finding.next}")


async def _findings(settings: Settings) -> AsyncIterator[Finding]:
    yield Finding(True, f"data folder {settings.data.absolute()}")
    if settings.data.exists():
        free = shutil.disk_usage(settings.data).free
        yield Finding(
            free > _GOOD_SPACE,
            f"{free / 1e9:.1f} GB free there",
            "free some space, or set BOOKWIZ_DATA to another folder",
        )
    yield await _database(settings)
    if settings.jobs.url:
        yield await _job_database(settings.jobs.url)
    else:
        yield Finding(
            True, "models are scored by this process' own runner (BOOKWIZ_JOBS__URL is not set)"
        )
    yield await _runner()
    yield Finding(
        settings.web.loopback,
        f"listens on {settings.web.host}:{settings.web.port}",
        "the local chat has no login: set BOOKWIZ_WEB__HOST=127.0.0.1",
    )
    for finding in chats(settings):
        yield finding


async def _database(settings: Settings) -> Finding:
    database = Database(settings.database)
    shown = database.url.render_as_string(hide_password=True)
    try:
        current = await migrations.is_current(database)
    except (SQLAlchemyError, OSError) as error:
        return Finding(
            False,
            f"database {shown} does not answer: {type(error).__name__}",
            "start it, or mend BOOKWIZ_DATABASE_URL",
        )
    finally:
        await database.close()
    return Finding(current, f"database {shown}", "bookwiz migrate")


async def _job_database(url: str) -> Finding:
    import psycopg

    try:
        async with await psycopg.AsyncConnection.connect(url, connect_timeout=3) as connection:
            cursor = await connection.execute("SELECT to_regclass('procrastinate_jobs')")
            row = await cursor.fetchone()
    except psycopg.Error as error:
        return Finding(
            False,
            f"job database does not answer: {type(error).__name__}",
            "start it, or mend BOOKWIZ_JOBS__URL",
        )
    return Finding(bool(row and row[0]), "job database", "bookwiz migrate")


async def _runner() -> Finding:
    try:
        said = json.loads(await child("probe", "--quick", "--json"))
    except (click.ClickException, ValueError):
        return Finding(False, "the runner does not start", "pip install 'bookwiz[runner]'")
    tier = said["tier"]
    words: Callable[[str], str] = {
        "full": "sandbox tier full: namespaces around Landlock, seccomp and limits all hold",
        "reduced": "sandbox tier reduced: Landlock, seccomp and limits all hold",
    }.get
    return Finding(
        tier != "none",
        f"runner: {words(tier) or 'no sandbox holds on this machine'}",
        "a Linux kernel from 5.13 with Landlock is needed; bookwiz-runner probe shows what failed. "
        "Until then RUNNER_UNSAFE=1 runs what moderators hand in, unsandboxed and marked so",
    )
