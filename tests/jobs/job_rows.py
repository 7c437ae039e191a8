"""What stands in the job database, asked beside the engine."""

import asyncio

import psycopg


def rows(url, query, *values):
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query, values).fetchall()


async def change(url, query, *values):
    """Run what may have to wait for a row that the engine, in this loop, holds."""
    return await asyncio.to_thread(rows, url, query, *values)


def statuses(url):
    return dict(rows(url, "SELECT queueing_lock, status::text FROM procrastinate_jobs"))
