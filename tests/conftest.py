"""A bot on an empty database, on SQLite and on Postgres, and a clock that the test can turn."""

import shutil
from functools import cache, partial

import hypothesis
import jinja2
import pytest
import structlog
from sqlalchemy.dialects.postgresql.psycopg import PGDialectAsync_psycopg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite

from bot import features
from bot.app import Bot
from bot.config import Settings
from bot.kit import db
from bot.kit.db import Base
from bot.kit.render import Renderer
from bot.kit.testing import Chat, StillEngine, TurnableClock
from tests import real_inputs
from tests.demo_worlds import digits, shapes, worlds  # noqa: F401 - fixtures
from tests.desk_here import DeskHere
from tests.postgres import postgres_server, postgres_url  # noqa: F401 - fixtures

# A timing is a benchmark, not a test.
hypothesis.settings.register_profile("bookwiz", deadline=None)
hypothesis.settings.load_profile("bookwiz")


@pytest.fixture(autouse=True)
def logs_as_before():
    """What a program that a test runs in this process makes of logging ends with the test."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture(autouse=True)
def _real_inputs(request):
    """Leave out, loudly, a test of real inputs where these are not."""
    mark = request.node.get_closest_marker("real_inputs")
    if mark and (why := real_inputs.why_missing(*mark.args)):
        pytest.skip(why)


class Remembered(jinja2.BytecodeCache):
    """Templates as code, by where they are and what stands in them."""

    def __init__(self):
        self.codes = {}

    def load_bytecode(self, bucket):
        bucket.code = self.codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket):
        self.codes[bucket.key, bucket.checksum] = bucket.code


@pytest.fixture(scope="session", autouse=True)
def _compiled_once():
    """Let all bots of a run share what was compiled or found: it was half of a test's time.

    Templates are code, and statements SQL, for every dialect object anew; here one is as good as
    another of its kind.
    """
    words, pages, made = Remembered(), Remembered(), Renderer.__init__

    def remembering(self, features):
        made(self, features)
        self._words.bytecode_cache, self._pages.bytecode_cache = words, pages

    with pytest.MonkeyPatch.context() as patch:
        for dialect in (PGDialectAsync_psycopg, SQLiteDialect_aiosqlite):
            patch.setattr(dialect, "__hash__", lambda self: hash(type(self)))
            patch.setattr(dialect, "__eq__", lambda self, other: type(self) is type(other))
        # Which packages are installed does not change meanwhile, and to read them all takes long.
        patch.setattr(features, "entry_points", cache(features.entry_points))
        engine = partial(db.create_async_engine, execution_options={"compiled_cache": {}})
        patch.setattr(db, "create_async_engine", engine)
        patch.setattr(Renderer, "__init__", remembering)
        yield


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request, tmp_path):
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/bookwiz.db"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
def settings(database_url, tmp_path):
    return Settings(_env_file=None, data=tmp_path, database_url=database_url, web={"port": 0})


@pytest.fixture
async def bot(settings, tmp_path_factory):
    """A bot whose schedules and courier the test drives."""
    desk = DeskHere(settings.data / "files", settings.data / "datasets")
    bot = Bot(settings, StillEngine(), clock=TurnableClock(), desk=desk)
    await set_up(bot.database, tmp_path_factory.getbasetemp() / "template.db")
    await bot.prepare()
    await bot.engine.start(bot.outcome, bot.progress)
    yield bot
    await empty(bot)


async def set_up(database, template):
    """Make the tables; on SQLite by copying a file in which they were made once."""
    tables = frozenset(Base.metadata.tables)
    template = template.with_suffix(f".{hash(tables)}.db")
    if database.is_sqlite and template.exists():
        shutil.copyfile(template, database.url.database)
        return
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    if database.is_sqlite:
        await database.close()  # brings all of it into the one file
        shutil.copyfile(database.url.database, template)


async def empty(bot):
    """Leave a shared database as it was found, and close it."""
    if not bot.database.is_sqlite:
        async with bot.database.engine.begin() as connection:
            raw = await connection.get_raw_connection()
            await raw.driver_connection.execute(_emptying(*Base.metadata.tables))
    await bot.database.close()


def _emptying(*tables):
    """Give the statements that delete all rows; without keys and triggers, of which order is asked.

    TRUNCATE would make new files of every table and index: 25 times as long for a few rows.
    """
    return "; ".join(
        (
            "SET LOCAL session_replication_role = replica",
            *(f'DELETE FROM "{name}"' for name in tables),
            "SELECT setval(format('%I.%I', schemaname, sequencename), 1, false) FROM pg_sequences",
        )
    )


@pytest.fixture
async def chat(bot):
    """Speaks to the bot. ``moira`` is the admin, since the first member is; the rest are members."""
    chat = Chat(bot.core, bot.courier, bot.clock, bot.engine, bot.clerk)
    async with bot.core.work("tests") as work:
        await bot.core.services.people.account(
            work.session, platform="local", handle="moira", name="Moira"
        )
    return chat
