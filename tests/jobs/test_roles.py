"""What a runner's role may do with the job database, and what it is refused."""

import psycopg
import pytest
from procrastinate.schema import SchemaManager
from psycopg.errors import InsufficientPrivilege

from bot.kit.jobs.distributed import apply_schema, grants

pytestmark = pytest.mark.postgres

OUTCOME = (
    "INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES ('bot', 'outcome', '{}')"
)


@pytest.fixture
def runner_url(jobs_url):
    """The job database's address for a role that has a runner's grants, no more."""
    with psycopg.connect(jobs_url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS lent")
        connection.execute("CREATE ROLE lent LOGIN")
        for _ in range(2):  # a second time does no harm
            connection.execute(grants("lent", database="bookwiz_jobs"))
    yield psycopg.conninfo.make_conninfo(jobs_url, user="lent")
    with psycopg.connect(jobs_url, autocommit=True) as connection:
        connection.execute("DROP OWNED BY lent")
        connection.execute("DROP ROLE lent")


async def test_it_is_enough_to_work_with(desk_at, jobs_url, runner_url, staff):
    desk = await desk_at(jobs_url)
    worker = staff.hire(runner_url, "lent")
    await desk.give("a", "progress-5")
    await desk.ended("a")
    key = await desk.give("b", "silent")
    await desk.begun("b")
    await desk.engine.cancel(key)
    await desk.until(lambda: not desk.living() or desk.engine.cancel(key))
    await desk.give("c")
    await desk.ended("c")
    worker.terminate()
    assert worker.wait(10) == 0


@pytest.mark.parametrize(
    "forgery",
    [
        "INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('bot', 'evaluate')",
        "INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('cpu', 'evaluate')",
        "INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('cpu', 'outcome')",
        (
            "INSERT INTO procrastinate_jobs (queue_name, task_name, scheduled_at) "
            "VALUES ('bot', 'outcome', '9999-01-01')"
        ),
        (
            "INSERT INTO procrastinate_jobs (queue_name, task_name, lock) "
            "VALUES ('bot', 'outcome', 'cpu:1')"
        ),
        (
            "INSERT INTO procrastinate_jobs (queue_name, task_name, status) "
            "VALUES ('bot', 'outcome', 'doing')"
        ),
        "UPDATE procrastinate_jobs SET args = '{}'",
        "UPDATE procrastinate_jobs SET queue_name = 'bot'",
        "UPDATE procrastinate_jobs SET task_name = 'outcome'",
        "DELETE FROM procrastinate_jobs",
        "TRUNCATE procrastinate_jobs CASCADE",
        "SELECT * FROM jobs_migration",
        "CREATE TABLE mine (id int)",
        "ALTER TABLE procrastinate_jobs DISABLE ROW LEVEL SECURITY",
        "DELETE FROM procrastinate_events",
    ],
)
async def test_a_forgery_is_refused(forgery, desk_at, jobs_url, runner_url):
    with psycopg.connect(jobs_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('cpu', 'evaluate')"
        )
    with (
        psycopg.connect(runner_url, autocommit=True) as connection,
        pytest.raises(InsufficientPrivilege),
    ):
        connection.execute(forgery)


async def test_reports_of_others_are_out_of_reach(jobs_url, runner_url):
    with psycopg.connect(jobs_url, autocommit=True) as connection:
        connection.execute(OUTCOME)
    with psycopg.connect(runner_url, autocommit=True) as connection:
        done = connection.execute("UPDATE procrastinate_jobs SET status = 'failed'")
        assert done.rowcount == 0
        connection.execute(OUTCOME)  # a report of its own is welcome


def _shape(connection):
    """What the schema consists of, names and columns."""
    return {
        *connection.execute(
            "SELECT 'column', table_name::text || '.' || column_name::text "
            "FROM information_schema.columns WHERE table_schema = 'public'"
        ),
        *connection.execute(
            "SELECT 'function', p.oid::regprocedure::text FROM pg_proc p "
            "WHERE pronamespace = 'public'::regnamespace"
        ),
        *connection.execute(
            "SELECT 'trigger', tgname::text FROM pg_trigger WHERE NOT tgisinternal"
        ),
        *connection.execute(
            "SELECT 'index', indexname::text FROM pg_indexes WHERE schemaname = 'public'"
        ),
    }


async def test_the_files_in_order_make_the_schema_that_procrastinate_expects(jobs_url):
    await apply_schema(jobs_url)  # again: nothing to do
    with psycopg.connect(jobs_url, autocommit=True) as connection:
        ours = _shape(connection)
        connection.execute("DROP DATABASE IF EXISTS bookwiz_whole WITH (FORCE)")
        connection.execute("CREATE DATABASE bookwiz_whole")
    url = psycopg.conninfo.make_conninfo(jobs_url, dbname="bookwiz_whole")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SchemaManager.get_schema())
        whole = _shape(connection)
    assert whole - ours == set()
