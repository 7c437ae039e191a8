"""Runs the bot until it is told to stop, and brings its databases up to date."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import click
import structlog
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from bot.alone import Waits, alone_in, alone_on, in_turn_in
from bot.app import Bot
from bot.config import Settings
from bot.datasets import be_current
from bot.kit import log
from bot.kit import migrate as migrations
from bot.kit.db import Database

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def running(settings: Settings, *, waits: Waits | None = None) -> AsyncIterator[Bot]:
    """The whole bot, started, and stopped at the end of the block.

    Where another one leads, this one is refused; with *waits*, which is told so, it takes over
    when that one ends.
    """
    url = make_url(settings.database)
    shared = url.get_backend_name() == "postgresql"
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    async with AsyncExitStack() as stack:
        if waits is None:
            stack.enter_context(alone_in(settings.data))
        else:
            await stack.enter_async_context(in_turn_in(settings.data, waits))
        if shared:
            await stack.enter_async_context(alone_on(plain, waits=waits))
        yield await stack.enter_async_context(_started(Bot(settings), settings))


@asynccontextmanager
async def _started(bot: Bot, settings: Settings) -> AsyncIterator[Bot]:
    try:
        await be_current(bot.database)
        await bot.start()
    except OSError as error:
        await bot.stop()
        raise click.ClickException(
            f"Port {settings.web.port} cannot be taken ({error.strerror or error}). Choose another: --port 0 takes a free one."
        ) from error
    except SQLAlchemyError as error:
        await bot.stop()
        raise click.ClickException(
            f"The database cannot be used: {getattr(error, 'orig', error)}. Look with: bookwiz doctor"
        ) from error
    except BaseException:
        await bot.stop()
        raise
    try:
        yield bot
    finally:
        await bot.stop()


async def until_told() -> None:
    """Wait for Ctrl-C or a polite kill."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, told.set)
    await told.wait()


def _say_waiting(where: str) -> None:
    click.echo(f"Another bot leads {where}. I wait, and take over when it ends.")
    _log.warning("waiting", leads=where, fix="stop this one if there should be only one")


async def serve(settings: Settings) -> None:
    log.set_up(settings.log.level, settings.log.form)
    async with running(settings, waits=_say_waiting) as bot:
        click.echo(f"Bookwiz is up: {bot.web.url}")
        await until_told()
        _log.info("stopping")


async def migrate(settings: Settings) -> None:
    """Bring the community's database, and the job database where there is one, up to date."""
    database = Database(settings.database)
    try:
        before, after = await migrations.upgrade(database)
    except SQLAlchemyError as error:
        raise click.ClickException(f"The database cannot be brought up to date: {error}") from error
    finally:
        await database.close()
    click.echo(f"database: {before or 'empty'} → {after}")
    if settings.jobs.url:
        from bot.kit.jobs.distributed import apply_schema

        await apply_schema(settings.jobs.url)
        click.echo("job database: up to date")
