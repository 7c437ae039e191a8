"""The declarative base, the column types every feature shares, and the two databases."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import DateTime, Dialect, MetaData, TypeDecorator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase

from bot.kit import sqlite

_RACES = {"40001", "40P01"}  # serialization failure, deadlock
# Seconds for which a command waits for a connection. A crowd that submits at once on a small host
# waits its turn: a command that was acknowledged has minutes on every platform.
_PATIENCE = 180


class UTCDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime. SQLite forgets the zone; this puts it back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            msg = f"naive datetime {value!r}: every instant here carries its zone"
            raise ValueError(msg)
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    # Named constraints, or Alembic cannot drop them on SQLite.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UTCDateTime}  # noqa: RUF012


class Database:
    """An engine and the two ways to use it: ``write`` and ``read``.

    On SQLite there is one writer at a time. Writers queue here, in order, instead of polling the
    file's lock, and begin with BEGIN IMMEDIATE, so that a transaction never fails half-way through
    because another one wrote first.
    """

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite and self.url.database not in (None, "", ":memory:"):
            Path(str(self.url.database)).parent.mkdir(parents=True, exist_ok=True)
        options: dict[str, Any] = (
            {"async_creator": sqlite.creator(self.url)}
            if self.is_sqlite
            else {"pool_pre_ping": True, "pool_size": 10, "pool_timeout": _PATIENCE}
        )
        # An error's text is logged in places: it must not carry what members wrote.
        self.engine: AsyncEngine = create_async_engine(self.url, hide_parameters=True, **options)
        if self.is_sqlite:
            sqlite.teach(self.engine)
        self._reading = async_sessionmaker(self.engine, expire_on_commit=False)
        self._writing = async_sessionmaker(
            self.engine.execution_options(immediate=True), expire_on_commit=False
        )
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed at the end of the block, rolled back on any exception."""
        if not self.is_sqlite:
            async with self._writing.begin() as session:
                yield session
            return
        async with self._turn, self._writing.begin() as session:
            yield session

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session for looking. What is changed in it is thrown away."""
        async with self._reading() as session:
            yield session

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncSession]:
        """A session for looking long: all of it at the moment of the first look."""
        async with self._reading() as session:
            if not self.is_sqlite:  # there, any transaction is one
                await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    async def close(self) -> None:
        await self.engine.dispose()


def is_race(error: DBAPIError) -> bool:
    """Tell whether doing it all again may help: somebody else was first, nothing is broken."""
    if isinstance(error, IntegrityError):
        return True
    state = getattr(error.orig, "sqlstate", None)
    return state in _RACES or "database is locked" in str(error.orig)
