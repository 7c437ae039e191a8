"""What every platform offers a scenario, and what is compared between them."""

import re
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import select

from bot.kit.db import Base
from bot.kit.testing import StillEngine
from tests.features.scripted_desk import ScriptedDesk

#: what differs between platforms by nature: who is who there, and how far a message has come
_OWN = {
    "account",
    "member",
    "handled_request",
    "space",
    "standing_role",
    "outbox_message",
    "alembic_version",
}
_OWN_PREFIXES = ("local_", "discord_", "slack_")
_WORD = re.compile(r"(?<!\w)[^\W\d_]{3,}(?!\w)")
_ADDRESS = re.compile(r"https?://127[^\s)>]*")  # with secrets of its own
_WHEN = re.compile(r"\[([^\]]*)\]\(when:[^)]*\)")


@dataclass(frozen=True)
class Heard:
    """An answer as a member got it."""

    words: frozenset[str]  #: of letters, what stands for instants aside
    buttons: tuple[str, ...]
    private: bool
    text: str = ""  #: as it came, for whoever reads a failure


def words_of(text: str) -> frozenset[str]:
    """The words that a reader sees, whatever they are marked up with."""
    return frozenset(word.lower() for word in _WORD.findall(_ADDRESS.sub("", text)))


def of_message(message: Any) -> Heard:
    """What a neutral message says: the measure for all others."""
    text = re.sub(r"^\[(?:picture|file)\]", "", message.plain(), flags=re.MULTILINE)
    text = _ADDRESS.sub("", _WHEN.sub("", text).replace("\\", ""))
    text = re.sub(r"\]\(<?(?:/|blob:|member:|channel:|https?:)[^)]*\)", "]", text)
    labels = tuple(b.label for b in message.buttons())
    shown = re.sub(r"\[[^\]\n]*\](?:  \[[^\]\n]*\])*", _unless(labels), text)
    return Heard(words_of(shown), labels, message.private, shown)


def _unless(labels: tuple[str, ...]) -> Any:
    def keep(found: re.Match[str]) -> str:
        inner = re.findall(r"\[([^\]\n]*)\]", found[0])
        return "" if inner and all(i in labels for i in inner) else found[0]

    return keep


class World:
    """A community on one platform: moira administers, ada and bob are members."""

    platform = ""

    def __init__(self, bot: Any) -> None:
        self.bot, self.core = bot, bot.core
        self.engine: StillEngine = bot.engine
        bot.clerk.desk = self.desk = ScriptedDesk(bot.clerk.desk)

    @property
    def now(self) -> Any:
        return self.core.services.clock.now()

    async def start(self) -> None:
        """Bring the platform up, and moira in."""
        raise NotImplementedError

    async def stop(self) -> None:
        raise NotImplementedError

    async def say(
        self,
        who: str,
        command: str,
        *,
        attach: dict[str, tuple[str, bytes]] | None = None,
        **values: str,
    ) -> Heard:
        """Use *command* as the platform lets a person do it, forms included."""
        raise NotImplementedError

    async def deliver(self) -> None:
        await self.bot.clerk.round()
        await self.bot.courier.round()

    def names(self) -> dict[str, str]:
        """The platform's ids of people and channels, and what they are called in a scenario."""
        return {}

    async def without_ids(self, heard: Heard) -> Heard:
        """*heard*, where an id that is made of letters alone is no word."""
        async with self.core.database.read() as session:
            known = await self._known(session)
        text = _renamed(heard.text, known)
        return replace(heard, words=words_of(text) - words_of(" ".join(known)), text=text)

    async def effect(self) -> dict[str, list[str]]:
        """What stands in the database, without what is the platform's own."""
        effect: dict[str, list[str]] = {}
        async with self.core.database.read() as session:
            known = await self._known(session)
            for name, table in sorted(Base.metadata.tables.items()):
                if name in _OWN or name.startswith(_OWN_PREFIXES):
                    continue
                rows = (await session.execute(select(table))).mappings().all()
                told = [
                    repr(sorted((k, v) for k, v in row.items() if k not in _RANDOM)) for row in rows
                ]
                if told:
                    effect[name] = sorted(_renamed(row, known) for row in told)
            sent = Base.metadata.tables["outbox_message"]
            rows = (
                await session.execute(select(sent.c.key, sent.c.place, sent.c.body, sent.c.error))
            ).all()
            effect["said"] = sorted(
                _renamed(repr((r.key, r.place["channel"], r.body, r.error)), known) for r in rows
            )
        return effect

    async def _known(self, session: Any) -> dict[str, str]:
        submissions = Base.metadata.tables["submission"]
        order = (
            (await session.execute(select(submissions.c.id).order_by(submissions.c.position)))
            .scalars()
            .all()
        )
        tokens = (await session.scalars(select(submissions.c.token))).all()
        return {
            **{s: f"submission-{i}" for i, s in enumerate(order)},
            **dict.fromkeys(tokens, "token"),
            **dict.fromkeys(("local", "slack", "discord"), "platform"),
            **self.names(),
        }


_CHANCE = re.compile(r"(by-\d+-)[a-z0-9]+")
_RANDOM = {"token", "place", "secret_hash"}


def _renamed(text: str, known: dict[str, str]) -> str:
    for one, name in sorted(known.items(), key=lambda pair: -len(pair[0])):
        text = text.replace(one, name)
    return _CHANCE.sub(r"\1…", text)


def assert_same_effect(effect: dict[str, list[str]], wanted: dict[str, list[str]]) -> None:
    """The same rows stand in the same tables."""
    assert effect.keys() == wanted.keys()
    for table, rows in effect.items():
        for row, other in zip(rows, wanted[table], strict=True):
            at = next((i for i, (a, b) in enumerate(zip(row, other, strict=False)) if a != b), 0)
            assert row == other, (
                f"in {table}: …{row[at - 60 : at + 60]} != {other[at - 60 : at + 60]}"
            )


def assert_equivalent(heard: Heard, measure: Heard) -> None:
    """All words and buttons of the measure were heard, as privately."""
    assert heard.private == measure.private, heard.text
    assert heard.buttons == measure.buttons, heard.text
    if missing := measure.words - heard.words:
        pytest.fail(
            f"not heard: {sorted(missing)}\n--- heard\n{heard.text}\n--- of\n{measure.text}"
        )
