"""Storage that fails: told apart from defects, said in a sentence, told once."""

import errno
import sqlite3

import psycopg
import pytest
from sqlalchemy import text

from bot.kit.partial import NotKept
from bot.kit.storage import Trouble, Troubles, refusal_of, trouble_of


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (OSError(errno.ENOSPC, "no space"), Trouble.FULL),
        (OSError(errno.EDQUOT, "quota"), Trouble.FULL),
        (OSError(errno.EROFS, "read-only"), Trouble.GONE),
        (FileNotFoundError(errno.ENOENT, "gone"), Trouble.GONE),
        (PermissionError(errno.EACCES, "not yours"), Trouble.GONE),
        (psycopg.errors.DiskFull(), Trouble.FULL),
        (psycopg.errors.IoError(), Trouble.GONE),
        (psycopg.errors.AdminShutdown(), Trouble.AWAY),
        (psycopg.errors.TooManyConnections(), Trouble.AWAY),
        (psycopg.OperationalError("connection refused"), Trouble.AWAY),
        (psycopg.errors.UniqueViolation(), None),
        (psycopg.errors.SerializationFailure(), None),
        (ConnectionResetError("a member's line broke"), None),
        (ConnectionError("the job database cannot be used"), None),
        (ValueError("a defect"), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_an_error_says_of_our_storage(error, trouble):
    assert trouble_of(error) == trouble
    around = NotKept(OSError("around it"))
    around.__cause__ = error
    assert trouble_of(around) == trouble


def test_a_member_reads_whose_fault_it_is():
    for trouble in Trouble:
        refusal = refusal_of(trouble)
        assert refusal.problem.startswith("Our ")
        assert "our fault and cost you nothing" in refusal.fix


async def full(session):
    """Have the database say, in its own way, that the disk is full."""
    if session.bind.dialect.name == "sqlite":
        pages = (await session.execute(text("PRAGMA page_count"))).scalar_one()
        await session.execute(text(f"PRAGMA max_page_count = {pages}"))
        await session.execute(text("CREATE TABLE ballast AS SELECT zeroblob(1000000) AS b"))
    words = "RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'"
    await session.execute(text(f"DO $$ BEGIN {words}; END $$"))


async def test_a_full_database_is_a_full_disk_on_both(bot):
    with pytest.raises(Exception, match=r"full|extend file") as failed:
        async with bot.database.write() as session:
            await full(session)
    assert trouble_of(failed.value) == Trouble.FULL


def test_a_database_file_that_is_none_is_storage_that_is_gone(tmp_path):
    (tmp_path / "none").write_bytes(b"no database at all" * 100)
    with pytest.raises(sqlite3.DatabaseError) as failed:
        sqlite3.connect(tmp_path / "none").execute("SELECT * FROM sqlite_master")
    assert trouble_of(failed.value) == Trouble.GONE


async def test_moderators_hear_of_it_as_soon_as_that_can_be_written():
    told, away = [], True

    async def tell(trouble):
        if away:
            raise OSError(errno.ENOSPC, "still")
        told.append(trouble)

    troubles = Troubles(tell)
    assert troubles.met(OSError(errno.ENOSPC, "full")).code == "E_STORAGE"
    assert troubles.met(OSError(errno.ENOSPC, "full")) is not None
    assert troubles.met(ValueError()) is None
    with pytest.raises(OSError, match="still"):
        await troubles.round()
    away = False
    await troubles.round()
    await troubles.round()
    assert told == [Trouble.FULL]
