"""``bookwiz demo``: a small community with real benchmarks, on this machine, with no account.

Everything is made through the same doors as in real life: datasets by the runner, check-ins by
commands, baselines by the line that members' models wait in.
"""

import asyncio
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click
from sqlalchemy import func, select

from bot.alone import alone_in
from bot.app import Bot
from bot.community.members import set_setting, setting, the_community
from bot.config import Settings
from bot.datasets import child
from bot.demo_boards import DIGITS, SHAPES, DemoBoard, open_board
from bot.features.leaderboards.models import WAITING, Submission
from bot.kit import log
from bot.kit import migrate as migrations
from bot.kit.command import Role
from bot.kit.core import Invocation
from bot.kit.db import Database
from bot.kit.message import Place
from bot.serve import running, until_told

SEEDED = "demo.seeded"


@dataclass(frozen=True)
class Someone:
    """One of the people one can speak as."""

    handle: str
    name: str
    timezone: str
    role: Role = Role.MEMBER
    done: str = ""
    next: str = ""


#: Two circles' worth of members, each with a lead, and a moderator. The first one is the admin.
PEOPLE = (
    Someone("moira", "Moira", "Europe/Dublin", Role.ADMIN),
    Someone(
        "ada",
        "Ada",
        "Europe/London",
        done="Trained a small CNN on digits",
        next="Export it to ONNX and submit it",
    ),
    Someone(
        "bob",
        "Bob",
        "America/New_York",
        done="Read the ViT paper",
        next="Write down where it fails",
    ),
    Someone(
        "chen",
        "Chen",
        "Asia/Shanghai",
        Role.LEAD,
        done="Labelled 200 night images",
        next="Train on them",
    ),
    Someone("dina", "Dina", "Africa/Cairo"),
    Someone(
        "emeka",
        "Emeka",
        "Africa/Lagos",
        done="Augmentation: rotation helps, flips do not",
        next="Try mixup",
    ),
    Someone("fatima", "Fatima", "Asia/Karachi", Role.LEAD),
    Someone("gael", "Gaël", "Europe/Paris", Role.MODERATOR),
    Someone(
        "hana",
        "Hana",
        "Asia/Tokyo",
        done="Finished the calibration notebook",
        next="Explain ECE to the circle",
    ),
    Someone("ines", "Inês", "America/Sao_Paulo"),
    Someone("jorge", "Jorge", "America/Mexico_City"),
)
CHANNELS = {
    "check-ins": "How everybody's week went",
    "moderators": "What moderators look at; in this demo everybody can read it",
}


async def run(settings: Settings) -> None:
    """Make the demo's data where it is not there yet, start everything, say what to try."""
    log.set_up("warning", settings.log.form)
    own_files_alone(settings)
    started = time.monotonic()
    with alone_in(settings.data):  # let go in between, for `running` to take it
        database = Database(settings.database)
        await migrations.upgrade(database)
        await database.close()
    async with running(settings) as bot:
        if not await _is_seeded(bot):
            click.echo(f"First start: making a small community in {settings.data}")
            await _seed(bot, settings)
        _say_hello(bot, time.monotonic() - started, waiting=await _waiting(bot))
        await until_told()


def own_files_alone(settings: Settings) -> None:
    """Where nobody else can reach it, all files are the owner's: without walls they run, marked."""
    if settings.web.loopback:
        os.environ.setdefault("RUNNER_UNSAFE", "1")
        settings.own_files = True


async def _is_seeded(bot: Bot) -> bool:
    async with bot.database.read() as session:
        community = await the_community(session)
        return bool(await setting(session, community.id, SEEDED, default=False))


async def _seed(bot: Bot, settings: Settings) -> None:
    """Every step can be repeated: a start that was cut off goes on where it was."""
    with tempfile.TemporaryDirectory() as folder:
        click.echo("  digits and shapes: data, and two baseline models for each task …")
        await _people(bot)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_boards(bot, settings, Path(folder) / "digits", (DIGITS,)))
            tasks.create_task(_boards(bot, settings, Path(folder) / "shapes", SHAPES))
    await _check_ins(bot)
    async with bot.core.work("demo") as work:
        community = await the_community(work.session)
        await set_setting(work.session, community.id, SEEDED, value=True)


async def _boards(
    bot: Bot, settings: Settings, folder: Path, boards: tuple[DemoBoard, ...]
) -> None:
    """Have the runner make what lies in *folder*, and open each of *boards* on it."""
    await child(folder.name, "--out", str(folder))
    async with asyncio.TaskGroup() as tasks:
        for board in boards:
            tasks.create_task(open_board(bot, settings, board, folder))


async def _people(bot: Bot) -> None:
    people = bot.core.services.people
    for name, topic in CHANNELS.items():
        await bot.chat.add_channel(name, topic)
    async with bot.core.work("demo") as work:
        community = await the_community(work.session)
        for someone in PEOPLE:
            account = await people.account(
                work.session, platform="local", handle=someone.handle, name=someone.name
            )
            account.member.row.timezone, account.member.row.role = (
                someone.timezone,
                int(someone.role),
            )
        for purpose, channel in (
            ("checkins", "check-ins"),
            ("leaderboards", "results"),
            ("moderators", "moderators"),
        ):
            place = Place(platform="local", channel=channel).model_dump()
            await set_setting(work.session, community.id, f"channel.{purpose}", place)


async def _waiting(bot: Bot) -> int:
    """How many models are not scored yet: those of a first start, or whoever waited at the last end."""
    async with bot.database.read() as session:
        found = select(func.count()).select_from(Submission).where(Submission.state.in_(WAITING))
        return await session.scalar(found) or 0


async def _check_ins(bot: Bot) -> None:
    for someone in PEOPLE:
        if someone.done:
            await bot.core.handle(
                Invocation(
                    "local",
                    someone.handle,
                    someone.name,
                    Place(platform="local", channel="check-ins"),
                    command="checkin now",
                    values={"done": someone.done, "next": someone.next},
                    submitted=True,
                )
            )


def _say_hello(bot: Bot, seconds: float, *, waiting: int) -> None:
    click.echo(
        f"""
Bookwiz is up ({seconds:.1f} s):  {bot.web.url}

Three things to try there, or from another terminal:
  bookwiz say --as ada "/leaderboard show digits"
  bookwiz say --as ada "/checkin now" --form done="Read a paper" --form next="Reproduce it"
  bookwiz say --as ada "/model submit benchmark:digits" --file MODEL.onnx --wait

{f"{waiting} models are still being scored; the boards show them as they come. " if waiting else ""}Ctrl-C stops it; what was said is kept in {bot.settings.data}."""
    )
