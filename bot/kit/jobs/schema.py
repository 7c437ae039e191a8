"""The job database's tables, which are Procrastinate's, and what a runner's role may do with them."""

from pathlib import Path

import psycopg
from procrastinate.schema import SchemaManager
from psycopg import sql

from runner.engine_connector import BOT_QUEUE

_TRACKED = "CREATE TABLE IF NOT EXISTS jobs_migration (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
_ONE_AT_A_TIME = "SELECT pg_advisory_lock(hashtext('jobs_migration'))"


async def apply_schema(url: str) -> None:
    """Apply those of Procrastinate's SQL files that the database has not seen, in order.

    Procrastinate itself keeps no account of them. Each file is a transaction of its own: a later
    one may use enum values that an earlier one added.
    """
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(_ONE_AT_A_TIME)  # gone with the connection
        await connection.execute(_TRACKED)
        cursor = await connection.execute("SELECT name FROM jobs_migration")
        known = {row[0] for row in await cursor.fetchall()}
        for file in (f for f in _files() if f.name not in known):
            async with connection.transaction():
                await connection.execute(file.read_bytes())
                await connection.execute(
                    "INSERT INTO jobs_migration (name) VALUES (%s)", [file.name]
                )


def _files() -> list[Path]:
    return sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))


def grants(
    role: str,
    *,
    database: str,
    community: str = "",
    connection: psycopg.Connection | None = None,
) -> str:
    """The SQL that lets the existing *role* run jobs of *database*, and nothing else.

    With the *community*'s database, where it is on the same server, it shuts that as well: as
    Postgres makes databases, every role may connect to each.

    A runner reads all jobs, since Procrastinate's locks look across queues. It may change how far
    a job of a runner's queue is, not what it says, and add reports to the bot's queue: such as are
    taken at once and hold up nobody's jobs.
    """
    given = _GRANTS.format(
        role=sql.Identifier(role), database=sql.Identifier(database), bot=sql.Literal(BOT_QUEUE)
    )
    if community:
        given = _SHUT.format(database=sql.Identifier(community)) + given
    return given.as_string(connection)


_SHUT = sql.SQL("REVOKE CONNECT ON DATABASE {database} FROM PUBLIC;\n")


_GRANTS = sql.SQL("""\
REVOKE CONNECT ON DATABASE {database} FROM PUBLIC;
GRANT CONNECT ON DATABASE {database} TO {role};
GRANT SELECT, INSERT ON procrastinate_jobs TO {role};
GRANT UPDATE (status, worker_id, attempts, abort_requested) ON procrastinate_jobs TO {role};
GRANT INSERT ON procrastinate_events TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON procrastinate_workers TO {role};
GRANT USAGE ON SEQUENCE procrastinate_jobs_id_seq, procrastinate_events_id_seq TO {role};
ALTER TABLE procrastinate_jobs ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS runners_see ON procrastinate_jobs;
DROP POLICY IF EXISTS runners_work ON procrastinate_jobs;
DROP POLICY IF EXISTS runners_report ON procrastinate_jobs;
CREATE POLICY runners_see ON procrastinate_jobs FOR SELECT TO PUBLIC USING (true);
CREATE POLICY runners_work ON procrastinate_jobs FOR UPDATE TO PUBLIC
  USING (queue_name <> {bot}) WITH CHECK (queue_name <> {bot});
CREATE POLICY runners_report ON procrastinate_jobs FOR INSERT TO PUBLIC
  WITH CHECK (queue_name = {bot} AND task_name IN ('hello', 'progress', 'outcome')
    AND lock IS NULL AND scheduled_at IS NULL AND status = 'todo');
""")
