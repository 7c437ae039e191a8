"""The bot on each platform, through its real client library, against the platform on loopback.

Bot and platform share one process and one core: what the platform costs is in the figures, too.
"""

import asyncio
import gc
import itertools
import logging
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import structlog

from bench.figures import Figure, percentile
from bot.app import Bot
from bot.config import DiscordSettings, Settings, SlackSettings
from bot.kit import migrate
from bot.kit.message import Message, Place, Text
from bot.kit.testing import StillEngine
from tests.fakes.discord import DiscordFake, schemas
from tests.fakes.slack import SlackFake

RATE, SECONDS, ACK_MS = 100, 20, 250.0
CHANNELS, MESSAGES = 40, 1_000  # as many to each channel, at the platform's real pace
MOST, MOST_SECONDS, WARM_UP = 50_000, 180, 0.2  # interactions, their time, and what does not count
GROWTH_MB = 25.0
_AT_ONCE = 50
_PATIENCE = 60.0
LINES = (
    ("/checkin", "streak"),
    ("/leaderboard", "list"),
    ("/model", "status"),
    ("/bookwiz", "help"),
    ("/profile", "show"),
)


class OnSlack:
    """A workspace on loopback, and the bot there by Socket Mode."""

    name = "Slack"

    async def start(self, bot: Bot) -> None:
        from bot.chat.slack.adapter import SlackChat

        self.fake = await SlackFake().start()
        self.people = [self.fake.person(f"P{n}") for n in range(50)]
        self.channels = [self.fake.channel(f"c{n}") for n in range(CHANNELS)]
        settings = SlackSettings(
            bot_token=self.fake.bot_token,
            app_token=self.fake.app_token.value,
            api_base=self.fake.api_base,
            file_host=self.fake.file_host,
        )
        bot.courier.chats["slack"] = self.chat = SlackChat(bot.core, settings)
        await self.chat.start()
        await self.fake.sockets.connected()

    async def stop(self) -> None:
        await self.chat.stop()
        await self.fake.stop()

    async def use(self, number: int) -> float:
        """Use a command and read its answer; gives the seconds until it was acknowledged."""
        person, channel = self.people[number % 50], self.channels[number % CHANNELS]
        group, action = LINES[number % len(LINES)]
        deed = await self.fake.slash(person, channel, group, action)
        await deed.acked(within=_PATIENCE)
        await deed.replied(within=_PATIENCE)
        return float(deed.ack.after)

    def place(self, number: int) -> Place:
        return Place(platform="slack", channel=self.channels[number % CHANNELS].id)

    def said(self) -> list[str]:
        return [m.words.strip() for c in self.channels for m in c.said if m.metadata]

    def refused(self) -> int:
        return sum(r.status == 429 for r in self.fake.requests)  # too fast

    def forget(self) -> None:
        """Let the fake's memory of what happened go, so that the bot's own is seen."""
        self.fake.deeds.clear()
        self.fake.api.seen.clear()
        self.fake.hooks._hooks.clear()  # noqa: SLF001 - nobody else needs to empty it
        self.fake.triggers._given.clear()  # noqa: SLF001 - nor this
        for channel in self.fake.team.channels:
            channel.messages.clear()


class OnDiscord:
    """A server on loopback, and the bot there by its gateway."""

    name = "Discord"

    async def start(self, bot: Bot) -> None:
        from bot.chat.discord.adapter import DiscordChat

        # To look each request up in Discord's OpenAPI costs more than all else; the tests do it.
        schemas.FILE = Path("not looked at")
        self.fake = await DiscordFake().start()
        guild = self.fake.guild("Book Club")
        self.people = [self.fake.member(guild, f"P{n}") for n in range(50)]
        self.channels = [self.fake.channel(guild, f"c{n}") for n in range(CHANNELS)]
        settings = DiscordSettings(
            token=self.fake.token, api_base=self.fake.api_base, gateway=self.fake.gateway
        )
        bot.courier.chats["discord"] = self.chat = DiscordChat(bot.core, settings)
        await self.chat.start()
        await self.fake.gateway_server.ready()

    async def stop(self) -> None:
        await self.chat.stop()
        await self.fake.stop()

    async def use(self, number: int) -> float:
        person, channel = self.people[number % 50], self.channels[number % CHANNELS]
        deed = await self.fake.command(person, channel, " ".join(LINES[number % len(LINES)]))
        await deed.replied(within=_PATIENCE)
        return float(deed.acked_after)

    def place(self, number: int) -> Place:
        return Place(platform="discord", channel=str(self.channels[number % CHANNELS].id))

    def said(self) -> list[str]:
        return [m.text.strip() for c in self.channels for m in c.said if m.text.startswith("word")]

    def refused(self) -> int:
        return int(self.fake.rates.refused)

    def forget(self) -> None:
        self.fake.deeds.clear()
        self.fake.by_token.clear()
        self.fake.requests.clear()
        for session in self.fake.gateway_server.sessions.values():
            session.log.clear()
        for channel in self.fake.channels_by_id.values():
            channel.messages.clear()


def measure() -> list[Figure]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    figures = []
    for stage in (OnSlack, OnDiscord):
        with tempfile.TemporaryDirectory() as folder:
            figures += asyncio.run(_on(stage(), Path(folder)))
    return figures


async def _on(stage: Any, folder: Path) -> list[Figure]:
    bot = Bot(Settings(_env_file=None, data=folder), StillEngine())
    await migrate.upgrade(bot.database)
    await bot.prepare()
    await stage.start(bot)
    gc.collect()
    gc.freeze()  # as the bot does when it has started
    try:
        await bot.courier.start()
        return [await _acks(stage), await _burst(bot, stage), await _memory(stage)]
    finally:
        await bot.courier.stop()
        await stage.stop()
        await bot.database.close()


async def _acks(stage: Any) -> Figure:
    for n in range(50):
        await stage.use(n)  # everybody is known by now
    started, pending = time.perf_counter(), []
    for n in range(RATE * SECONDS):
        await asyncio.sleep(max(0.0, started + n / RATE - time.perf_counter()))
        pending.append(asyncio.create_task(stage.use(n)))
    times = [1000 * after for after in await asyncio.gather(*pending)]
    p99 = percentile(times, 0.99)
    return Figure(
        f"{stage.name}: {RATE} interactions/s for {SECONDS} s, acknowledged, p99",
        f"{p99:.0f} ms (p50 {percentile(times, 0.5):.0f} ms)",
        f"≤ {ACK_MS:.0f} ms",
        p99 <= ACK_MS,
    )


async def _burst(bot: Bot, stage: Any) -> Figure:
    stage.forget()
    stage.fake.rates.on = True
    started = time.perf_counter()
    wanted = [f"word {n}" for n in range(MESSAGES)]
    for n, words in enumerate(wanted):
        message = Message(blocks=(Text(markdown=words),))
        await bot.core.post(stage.place(n), message, key=f"burst:{n}")
    async with asyncio.timeout(180):
        while len(stage.said()) < MESSAGES:
            await asyncio.sleep(0.2)
    seconds = time.perf_counter() - started
    stage.fake.rates.on = False
    said, refused = Counter(stage.said()), stage.refused()
    lost, twice = len(set(wanted) - said.keys()), sum(n > 1 for n in said.values())
    return Figure(
        f"{stage.name}: {MESSAGES:,} messages at once to {CHANNELS} channels, at the real pace",
        f"{lost} lost, {twice} twice, {refused} too fast ({seconds:.0f} s)",
        "0 lost, 0 twice, 0 too fast",
        lost == twice == refused == 0,
    )


async def _memory(stage: Any) -> Figure:
    process, started = psutil.Process(), time.perf_counter()
    before, done = 0, 0
    for done in itertools.count(_AT_ONCE, _AT_ONCE):
        await asyncio.gather(*(stage.use(done + n) for n in range(_AT_ONCE)))
        stage.forget()
        took = time.perf_counter() - started
        if not before and max(done / MOST, took / MOST_SECONDS) >= WARM_UP:
            gc.collect()
            before, warm = process.memory_info().rss, done
        if done >= MOST or took >= MOST_SECONDS:
            break
    gc.collect()
    grown = (process.memory_info().rss - before) / 1e6
    return Figure(
        f"{stage.name}: memory after {warm:,} and after {done:,} interactions"
        + ("" if done >= MOST else f" (all of {MOST_SECONDS} s)"),
        f"{grown:+.1f} MB",
        f"≤ +{GROWTH_MB:.0f} MB",
        grown <= GROWTH_MB,
    )
