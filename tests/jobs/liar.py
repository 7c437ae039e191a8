"""A runner that lies: it holds a runner's role, works by hand, and reports what a test wants."""

import asyncio
import io
import json

import numpy as np
import psycopg

from runner import blobs
from runner.contract import Evaluation, Outcome
from runner.engine_connector import outcome_lock
from tests.jobs.world import QUEUE, SPLITS

_TAKE = """
UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s WHERE id = (
    SELECT id FROM procrastinate_jobs WHERE queue_name = %s AND status = 'todo' ORDER BY id LIMIT 1)
RETURNING id, args
"""
_ENLIST = """
INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() + interval '1 hour') RETURNING id
"""
_REPORT = """
INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, args)
VALUES ('bot', 'outcome', %s, %s)
"""


class Liar:
    """Takes one job after another."""

    name = "liar"

    def __init__(self, url):
        self._url, self._worker = url, None

    def _run(self, query, *values):
        with psycopg.connect(self._url, autocommit=True) as connection:
            cursor = connection.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    async def take(self):
        """The next evaluation, once there is one."""
        if self._worker is None:
            [(self._worker,)] = await asyncio.to_thread(self._run, _ENLIST)
        for _ in range(600):
            if found := await asyncio.to_thread(self._run, _TAKE, self._worker, QUEUE):
                [(self._job, arguments)] = found
                return Evaluation.model_validate(arguments["evaluation"])
            await asyncio.sleep(0.05)
        raise AssertionError("no job came")

    async def send(self, evaluation, data, name):
        return await asyncio.to_thread(
            blobs.store, evaluation.artifacts, data, name=name, media_type="application/x-npy"
        )

    async def predict(self, evaluation, split, *, rows=None):
        if rows is None:
            rows = np.random.default_rng(3).normal(size=(SPLITS[split], 10)).astype(np.float32)
        out = io.BytesIO()
        np.save(out, rows, allow_pickle=False)
        return await self.send(evaluation, out.getvalue(), f"predictions-{split}.npy")

    async def honest(self, evaluation):
        """What would be believed."""
        return Outcome(
            submission=evaluation.submission,
            attempt=evaluation.attempt,
            token=evaluation.token,
            runner=self.name,
            tier="full",
            predictions=tuple([await self.predict(evaluation, s) for s in evaluation.splits]),
        )

    async def report(self, outcome):
        """Report it, or any JSON, and end the job."""
        said = outcome if isinstance(outcome, dict) else outcome.model_dump(mode="json")
        lock = outcome_lock(f"{said['submission']}:{said['attempt']}")
        await asyncio.to_thread(self._run, _REPORT, lock, json.dumps({"outcome": said}))
        done = "UPDATE procrastinate_jobs SET status = 'succeeded' WHERE id = %s"
        await asyncio.to_thread(self._run, done, self._job)
