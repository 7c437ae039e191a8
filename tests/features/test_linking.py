"""A member's accounts on several platforms become one member, and part again."""

import re
from datetime import date

import pytest
from sqlalchemy import select

from bot.community import joining
from bot.community.facts import MembersJoined, MemberSplit
from bot.community.models import Account, Audit, Member
from bot.features.checkins.models import CheckIn, Pause, ReminderTime
from bot.features.profile.models import LinkCode, LinkGuess
from bot.kit.core import Invocation
from bot.kit.db import Base
from bot.kit.feature import Feature
from bot.kit.message import Place
from bot.kit.work import Standing
from tests.features.boards import MANIFEST, MODEL
from tests.opening import open_benchmark

LAB = Standing(space="100", space_name="Vision Lab")
#: what becomes of each table that names members when two of them are one: a new table wants an answer
DECIDED = {
    "account": "all of both",
    "checkin": "of a week that both spoke of, what was said last",
    "checkin_pause": "all of both",
    "checkin_reminder": "the kept one's",
    "link_code": "the kept one's",
    "link_guess": "all of both",
    "submission": "all of both",
}
#: columns that hold a member's id without a foreign key, and why
LOOSE = {"audit.actor_id": "the log outlives members, and tells of the join itself"}


@pytest.fixture
def on_discord(bot, chat):
    async def say(line, who="42", standing=LAB):
        place = Place(platform="discord", channel="5")
        asked = Invocation("discord", who, "Ada on Discord", place, standing, line=line)
        answer = await bot.core.handle(asked)
        await chat.deliver()
        return answer

    return say


async def code_of(chat, who="ada"):
    said = await chat.ask(who, "/profile link")
    return re.search(r"[A-Z2-9]{4}-[A-Z2-9]{4}", said.replace("\\", ""))[0]


async def joined(chat, on_discord):
    """Join Ada's account here with hers on Discord."""
    code = await code_of(chat)
    asked = await on_discord(f"/profile link code:{code.lower()}")
    [button] = [b for b in asked.message.buttons() if b.label == "Join them"]
    answer = await on_discord(button.command)
    assert not answer.refused
    return asked, answer


async def rows(bot, what, **where):
    async with bot.database.read() as session:
        return (await session.scalars(select(what).filter_by(**where))).all()


def test_of_every_table_that_names_members_it_is_said_what_joining_does():
    named = {table.name for table, _ in joining.references()}
    assert named == DECIDED.keys()


def test_nothing_names_a_member_in_secret():
    """A column that holds a member's id bears the key by which joining finds it."""
    found = {f"{t.name}.{c.name}" for t, c in joining.references()}
    named = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if re.search(r"member|actor|author_id|owner_id|lead_id", column.name)
        and not re.search("_at$|members$", column.name)
    }
    assert named - found - LOOSE.keys() == set()


async def test_accounts_are_joined_by_a_code_that_was_shown_on_the_other(bot, chat, on_discord):
    await chat.say("ada", "/profile timezone Rome")
    await on_discord("/checkin now done:slides next:train")
    asked, answer = await joined(chat, on_discord)
    assert "ada on local" in asked.message.plain()
    assert "42 on discord" in asked.message.plain()
    assert answer.message.private
    [ada] = [m for m in await rows(bot, Member) if "Ada" in m.name]
    assert (ada.name, ada.timezone) == ("Ada", "Europe/Rome")
    assert {a.platform for a in await rows(bot, Account, member_id=ada.id)} == {"local", "discord"}
    assert "slides" in await chat.ask("ada", "/checkin history")
    noted = (await rows(bot, Audit, action="member.join"))[0]
    assert noted.subject == f"member:{ada.id}"


async def test_each_account_is_told_that_it_was_joined(chat, bot, on_discord):
    await chat.say("ada", "/bookwiz ping")
    bot.courier.chats["discord"] = chat.room
    await joined(chat, on_discord)
    for channel in ("@ada", "@42"):
        [told] = chat.to(channel)
        assert "Was that not you?" in told.text


async def test_a_code_is_good_once_and_for_ten_minutes_and_kept_as_a_hash(bot, chat, on_discord):
    code = await code_of(chat)
    [row] = await rows(bot, LinkCode)
    assert code.replace("-", "") not in repr(vars(row))
    await chat.wait(minutes=11)
    assert (await on_discord(f"/profile link code:{code}")).code == "E_CODE"
    old, code = await code_of(chat), await code_of(chat)
    assert (await on_discord(f"/profile link code:{old} sure:yes")).code == "E_CODE"
    assert not (await on_discord(f"/profile link code:{code} sure:yes")).refused
    assert (await on_discord(f"/profile link code:{code} sure:yes", who="43")).code == "E_CODE"


async def test_five_wrong_codes_are_enough_for_an_hour(bot, chat, on_discord):
    code = await code_of(chat)
    for _ in range(5):
        assert (await on_discord("/profile link code:AAAA-AAAA")).code == "E_CODE"
    assert len(await rows(bot, LinkGuess)) == 5
    assert (await on_discord(f"/profile link code:{code}")).code == "E_TRIES"
    assert not (await on_discord(f"/profile link code:{code}", who="43")).refused
    await chat.wait(hours=1)
    assert not (await on_discord(f"/profile link code:{await code_of(chat)}")).refused


async def test_nobody_joins_with_themselves(chat):
    assert (await chat.say("ada", f"/profile link code:{await code_of(chat)}")).code == "E_CODE"


async def test_what_both_have_is_settled_table_by_table(bot, chat, on_discord):
    await chat.say("ada", "/checkin now done:first next:x")
    await chat.say("ada", "/profile reminders day:friday hour:9")
    await chat.say("ada", "/checkin pause until:2026-12-20")
    await chat.wait(hours=1)
    await on_discord("/checkin now done:second next:y")
    await on_discord("/profile reminders day:monday hour:7")
    await on_discord("/checkin pause until:2026-12-24")
    await joined(chat, on_discord)
    assert [c.done for c in await rows(bot, CheckIn)] == ["second"]
    assert [r.hour for r in await rows(bot, ReminderTime)] == [9]
    assert {p.until for p in await rows(bot, Pause)} == {date(2026, 12, 20), date(2026, 12, 24)}


async def test_models_that_wait_go_on_for_the_one_member(bot, chat, on_discord):
    await open_benchmark(bot.core, MANIFEST, per_day=3)
    model = await chat.upload("net.onnx", MODEL)
    await chat.say("ada", "/model submit benchmark:digits", attach=[model])
    await joined(chat, on_discord)
    [evaluation] = bot.engine.jobs.values()
    assert evaluation.submission in (await on_discord("/model status")).message.plain()


async def test_the_higher_role_stays_and_the_web_names_who_wanted_it_twice(bot, chat, on_discord):
    await chat.say("ada", "/profile public yes")
    await on_discord("/bookwiz ping")
    await chat.say("moira", "/admin roles member:@42 role:lead")
    await joined(chat, on_discord)
    [ada] = await rows(bot, Member, name="Ada")
    assert (ada.role, ada.public) == (1, False)


async def test_an_account_is_parted_and_begins_anew(bot, chat, on_discord):
    await chat.say("ada", "/checkin now done:slides next:train")
    await joined(chat, on_discord)
    assert (await on_discord("/profile unlink account:elsewhere")).code == "E_CODE"
    asked = (await on_discord("/profile unlink account:discord")).message
    assert "Part 42 on discord" in asked.plain()
    assert len(await rows(bot, Member)) == 2  # nothing is done before they are sure
    await on_discord(next(b.command for b in asked.buttons() if b.label == "Part it"))
    assert len(await rows(bot, Member)) == 3
    assert "slides" not in (await on_discord("/checkin history")).message.plain()
    assert "slides" in await chat.ask("ada", "/checkin history")
    assert (await on_discord("/profile unlink account:discord sure:yes")).code == "E_CODE"
    assert [a.action for a in await rows(bot, Audit)][-1] == "member.part"


async def test_joining_and_parting_sheds_no_sanction(bot, chat, on_discord, monkeypatch):
    """A feature that keeps sanctions is told in time to keep the stricter, and to keep both halves."""
    feature = Feature("suspensions", "Keeps people out", "tests")
    days = {}

    @feature.on(MembersJoined)
    async def stricter(work, fact):
        days[fact.kept_id] = max(days.pop(fact.gone_id), days[fact.kept_id])

    @feature.on(MemberSplit)
    async def both_halves(work, fact):
        days[fact.new_id] = days[fact.member_id]

    monkeypatch.setitem(bot.core.services.features, "suspensions", feature)
    await chat.say("ada", "/bookwiz ping")
    await on_discord("/bookwiz ping")
    ids = {m.name: m.id for m in await rows(bot, Member)}
    days |= {ids["Ada"]: 7, ids["Ada on Discord"]: 90}
    await joined(chat, on_discord)
    assert days == {ids["Ada"]: 90}
    await on_discord("/profile unlink account:discord sure:yes")
    assert sorted(days.values()) == [90, 90]
