"""300 models of 30 members at once through real cells, by two strangers' runners that are killed at random."""

import asyncio
import os
import random
import tempfile
import time
from collections import Counter
from pathlib import Path

import psycopg

from bench.figures import Figure
from bot.features.leaderboards.models import State
from bot.kit.jobs.distributed import apply_schema
from tests.jobs.burst import WHOLE, Burst, is_live
from tests.jobs.server import Server

_ALL = WHOLE.models


def measure() -> list[Figure]:
    if os.getuid() != 0:
        return [Figure("burst by runners of another user", "not measured: needs root", "", None)]
    server = Server()
    try:
        with tempfile.TemporaryDirectory() as folder:
            return asyncio.run(_burst(Path(folder), server.url))
    finally:
        server.remove()


async def _burst(folder: Path, url: str) -> list[Figure]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE bookwiz_jobs")
    jobs_url = psycopg.conninfo.make_conninfo(url, dbname="bookwiz_jobs")
    await apply_schema(jobs_url)
    server = url.replace("://", "+psycopg://")
    burst = Burst(folder, server, jobs_url, size=WHOLE, program="tests.jobs.holding", draws=True)
    await burst.world.open()
    try:
        began = time.monotonic()
        await burst.submit_all()
        accepted = time.monotonic() - began
        await burst.finish(random.Random(7))
        wall = time.monotonic() - began
        rows = await burst.world.rows()
        posts = [n for key, n in burst.world.room.posts.items() if is_live(key)]
        refused = await asyncio.to_thread(_refused, burst)
    finally:
        await burst.close()
    ends = Counter(row.state for row in rows)
    again = sum(row.attempt - 1 for row in rows)
    drawn = sum(row.page is not None for row in rows)
    scored = ends[State.SCORED]
    return [
        Figure(
            f"burst of {_ALL} models by {WHOLE.members} members, real cells, 2 runners: scored once",
            f"{scored} rows, {len(posts)} messages, {sum(posts) - len(posts)} twice",
            f"{_ALL} rows, {_ALL} messages, 0 twice",
            (scored, len(posts), sum(posts)) == (_ALL, _ALL, _ALL),
        ),
        Figure(
            "… runners killed with -9 meanwhile; models that were run again",
            f"{burst.killed}; {again}",
            f"{WHOLE.kills} killed",
            burst.killed == WHOLE.kills,
        ),
        Figure(
            "… until all were accepted; until all were told",
            f"{accepted:.0f} s; {wall:.0f} s ({60 * _ALL / wall:.0f} jobs/min, {drawn} reports drawn by then)",
            "",
            None,
        ),
        Figure(
            "… the runners' role at the community's database",
            "refused" if refused else "let in",
            "refused",
            refused,
        ),
    ]


def _refused(burst: Burst) -> bool:
    """Whether the runners' role cannot connect to the members' database."""
    stranger = psycopg.conninfo.make_conninfo(burst.runner_url, dbname="bookwiz_burst")
    try:
        psycopg.connect(stranger).close()
    except psycopg.OperationalError as error:
        return "permission denied for database" in str(error)
    return False
