import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from bot.community import audit
from bot.community.facts import JobLine, JobLines
from bot.community.models import Audit, Member, Setting
from bot.features.moderation import roles
from bot.features.moderation.schedules import in_words
from bot.kit.command import Refusal, Role, Schedule
from bot.kit.feature import Feature
from bot.kit.schedule import ScheduleChanged, ScheduleRow

WEEKLY = "probe.weekly"
SWEEP = "probe.sweep"


@pytest.fixture
async def probe(bot, monkeypatch):
    """A feature with a weekly schedule (Mondays at 12:00) and a sweep, that also listens."""
    feature = Feature("probe", "Listens", "tests")
    feature.fired, feature.changed, feature.jobs = [], [], []

    @feature.schedule("weekly", "Posts the probe", cron="0 12 * * mon")
    async def weekly(work):
        feature.fired.append(work.now)

    @feature.schedule("sweep", "Looks for probes", every=timedelta(minutes=5))
    async def sweep(work):
        """Nothing is ever found."""

    @feature.on(ScheduleChanged)
    async def changed(work, fact):
        feature.changed.append(fact.name)

    @feature.on(JobLines)
    async def asked(work, fact):
        fact.lines.extend(feature.jobs)

    services = bot.core.services
    monkeypatch.setitem(services.features, "probe", feature)
    for name, schedule in feature.schedules.items():
        monkeypatch.setitem(services.schedules, name, schedule)
    await bot.core.catch_up()
    return feature


@pytest.fixture
async def ada(chat):
    """Ada, who is a member."""
    await chat.say("ada", "/profile show")
    return await member_called(chat, "Ada")


async def member_called(chat, name):
    async with chat.core.database.read() as session:
        return await session.scalar(select(Member).filter_by(name=name))


async def role_of(chat, name):
    return Role((await member_called(chat, name)).role)


async def log(chat):
    async with chat.core.database.read() as session:
        rows = await session.scalars(select(Audit).order_by(Audit.id))
        return [(r.action, r.subject, r.reason) for r in rows]


COMMANDS = [
    "/mod audit",
    "/admin roles",
    "/admin roles @ada admin",
    "/admin channels checkins general",
    f"/admin schedule {WEEKLY} pause",
    "/admin jobs",
    "/admin runners",
]


@pytest.mark.parametrize("line", COMMANDS)
async def test_a_member_is_refused_and_nothing_is_written(chat, ada, probe, line):
    answer = await chat.say("ada", line)
    assert (answer.refused, answer.code) == (True, "E_PERMISSION")
    assert answer.message.private
    assert await log(chat) == []
    assert await role_of(chat, "Ada") == Role.MEMBER
    assert probe.changed == []
    async with chat.core.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Setting)) == 0
        assert (await session.get_one(ScheduleRow, WEEKLY)).enabled


async def test_a_moderator_reads_the_log_but_is_no_admin(chat, ada):
    await chat.say("moira", "/admin roles @ada moderator")
    assert not (await chat.say("ada", "/mod audit")).refused
    for line in COMMANDS[1:]:
        assert (await chat.say("ada", line)).code == "E_PERMISSION", line


async def test_a_role_is_given_listed_and_noted(chat, ada):
    answer = await chat.say("moira", "/admin roles member:@ada role:Moderator")
    assert "Ada is moderator now" in answer.message.plain()
    assert answer.message.private
    assert await log(chat) == [("role.give", f"member:{ada.id}", "member to moderator")]
    table = (await chat.say("moira", "/admin roles")).message.blocks[1]
    assert [row[1] for row in table.rows] == ["admin", "moderator"]


async def test_giving_the_role_somebody_has_changes_and_notes_nothing(chat, ada):
    assert "already" in await chat.ask("moira", "/admin roles @ada member")
    assert await log(chat) == []


async def test_the_last_admin_stays_one(chat, ada):
    answer = await chat.say("moira", "/admin roles @moira member")
    assert (answer.refused, answer.code) == (True, "E_LAST_ADMIN")
    assert await role_of(chat, "Moira") == Role.ADMIN
    assert await log(chat) == []
    await chat.say("moira", "/admin roles @ada admin")
    assert not (await chat.say("moira", "/admin roles @moira member")).refused


async def test_two_admins_who_step_down_at_once_leave_one(bot, chat, ada):
    await chat.say("moira", "/admin roles @ada admin")
    moira = await member_called(chat, "Moira")

    async def step_down(member):
        async with bot.database.write() as session:
            await roles.give(session, 1, member, Role.MEMBER, now=bot.clock.now())

    async with bot.database.write() as session:
        second = asyncio.create_task(step_down(ada))
        await roles.give(session, 1, moira, Role.MEMBER, now=bot.clock.now())
        await asyncio.sleep(0.2)  # the second is under way, and has to wait for the first
        assert not second.done()
    with pytest.raises(Refusal, match="last admin"):
        await second
    assert await role_of(chat, "Ada") == Role.ADMIN


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("/admin roles member:@ada", "E_MISSING"),
        ("/admin roles role:lead", "E_MISSING"),
        ("/admin roles @nobody lead", "E_MEMBER"),
        ("/admin roles @ada queen", "E_ARGUMENT"),
        ("/admin channels purpose:checkins", "E_MISSING"),
        ("/admin channels channel:general", "E_MISSING"),
        ("/admin channels birthdays general", "E_ARGUMENT"),
        ("/admin channels checkins two words", "E_CHANNEL"),
        ("/admin schedule nonsense", "E_SCHEDULE"),
        ("/admin schedule action:pause", "E_MISSING"),
        (f"/admin schedule {WEEKLY} set", "E_MISSING"),
        (f"/admin schedule {WEEKLY} set 0 9 * * 1", "E_SCHEDULE"),
        (f"/admin schedule {WEEKLY} set 0 25 * * mon", "E_SCHEDULE"),
        (f"/admin schedule {WEEKLY} set every monday", "E_SCHEDULE"),
        (f"/admin schedule {WEEKLY} set 0 9,17 * * mon", "E_SCHEDULE"),
        (f"/admin schedule {WEEKLY} set */5 * * * *", "E_SCHEDULE"),
        (f"/admin schedule {WEEKLY} set 0 9 31 feb *", "E_SCHEDULE"),
        (f"/admin schedule {SWEEP} set 0 9 * * mon", "E_SCHEDULE"),
    ],
)
async def test_bad_input_is_refused_with_its_code_and_not_noted(chat, ada, probe, line, code):
    answer = await chat.say("moira", line)
    assert (answer.refused, answer.code) == (True, code)
    assert await log(chat) == []
    assert probe.changed == []


async def test_a_channel_is_chosen_tried_out_noted_and_given_up(bot, chat):
    text = await chat.ask("moira", "/admin channels checkins #wins")
    assert "#wins" in text.replace("\\", "")
    assert "from now on" in chat.to("wins")[0].text
    await chat.say("ada", "/checkin now", done="A", next="B")
    assert len(chat.to("wins")) == 2
    listed = (await chat.say("moira", "/admin channels")).message.blocks[1]
    assert [row[1] for row in listed.rows] == [
        "[#wins](channel:local/wins) on local",
        *["nowhere yet"] * 5,
    ]
    await chat.say("moira", "/admin channels checkins off")
    async with bot.database.read() as session:
        assert await bot.core.services.people.channel(session, 1, "checkins") is None
    assert [entry[1:] for entry in await log(chat)] == [
        ("checkins", "local wins"),
        ("checkins", "off"),
    ]


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 9 * * mon", "Mondays at 09:00, Europe/Berlin"),
        ("30 18 * * *", "every day at 18:30, Europe/Berlin"),
        ("5 7 * * tue,fri", "Tuesdays and Fridays at 07:05, Europe/Berlin"),
        ("0 9 1 * *", "0 9 1 * *, Europe/Berlin"),
        ("0 9 * * mon-fri", "0 9 * * mon-fri, Europe/Berlin"),
    ],
)
def test_a_cron_line_is_said_in_words_where_there_are_plain_ones(cron, words):
    schedule = Schedule(None, "x", "", None, cron=cron)
    assert in_words(schedule, None, "Europe/Berlin") == words


async def test_every_schedule_is_listed_with_its_next_time(chat, probe):
    table = (await chat.say("moira", "/admin schedule")).message.blocks[1]
    rows = {row[0].replace("\\", ""): [c.replace("\\", "") for c in row] for row in table.rows}
    assert rows[WEEKLY][2:4] == ["Mondays at 12:00, UTC", "yes"]
    assert "Mon 23 Nov 2026, 12:00 UTC" in rows[WEEKLY][5]
    assert rows[SWEEP][2] == "every 5 min"
    assert "checkins.remind" in rows


async def test_a_paused_schedule_does_not_fire_and_makes_up_for_nothing(bot, chat, probe):
    shown = (await chat.say("moira", f"/admin schedule {WEEKLY}")).message
    paused = (await chat.press("moira", shown, "Pause")).message
    assert "is paused" in paused.plain()
    chat.clock.moment += timedelta(hours=3)
    await bot.core.fire(probe.schedules[WEEKLY], chat.now)
    chat.clock.moment += timedelta(hours=30)  # too late to be caught up: nothing to report either
    assert await bot.core.catch_up() == []
    assert "on again" in (await chat.press("moira", paused, "Resume")).message.plain()
    assert await bot.core.catch_up() == []
    assert probe.fired == []
    chat.clock.moment += timedelta(weeks=1)
    await bot.core.fire(probe.schedules[WEEKLY], chat.now)
    assert len(probe.fired) == 1
    assert [a for a, *_ in await log(chat)] == ["schedule.pause", "schedule.resume"]
    assert probe.changed == [WEEKLY, WEEKLY]


async def test_a_schedule_is_moved_and_the_alarm_told(bot, chat, probe):
    line = f'/admin schedule name:{WEEKLY} action:set cron:"30 18 * * TUE"'
    text = (await chat.ask("moira", line)).replace("\\", "")
    assert "Tuesdays at 18:30, UTC" in text
    assert "Tue 24 Nov 2026, 18:30 UTC" in text
    assert await log(chat) == [("schedule.set", WEEKLY, "30 18 * * TUE")]
    assert probe.changed == [WEEKLY]
    async with bot.database.read() as session:
        assert (await session.get_one(ScheduleRow, WEEKLY)).cron == "30 18 * * tue"


async def test_jobs_shows_what_features_say_and_what_could_not_be_sent(chat, probe):
    probe.jobs = [
        JobLine("Submissions on cpu", "queued 3 · running 1 · dead 0"),
        JobLine("ab12", "no runner for 3 h", stuck=True),
    ]
    chat.room.closed.add("gone")
    await chat.say("moira", "/admin channels checkins gone")
    raw = await chat.ask("moira", "/admin jobs")
    assert "**stuck**" in raw
    text = raw.replace("\\", "")
    assert "queued 3 · running 1 · dead 0" in text
    assert "Undeliverable: gone is gone" in text
    assert "0 messages" in text


async def test_jobs_and_runners_say_when_the_engine_is_away(chat):
    chat.engine.away = True
    for line in ("/admin jobs", "/admin runners"):
        assert "cannot be reached" in await chat.ask("moira", line)


async def test_the_log_shows_who_did_what_to_whom_and_can_be_narrowed(chat, ada):
    await chat.say("moira", "/admin roles @ada lead")
    await chat.say("moira", "/admin channels leaderboards general")
    table = (await chat.say("moira", "/mod audit")).message.blocks[0]
    told = [(row[1], row[2].replace("\\", ""), row[3]) for row in table.rows]
    assert told == [("Moira", "channel.set", "leaderboards"), ("Moira", "role.give", "Ada")]
    assert len((await chat.say("moira", "/mod audit 1")).message.blocks[0].rows) == 1
    narrowed = (await chat.say("moira", "/mod audit member:@ada")).message.blocks[0]
    assert len(narrowed.rows) == 1


async def test_what_the_bot_did_itself_is_in_the_log(bot, chat):
    async with bot.core.work("tests") as work:
        await audit.record_own(work, 1, "schedule.skipped", subject="x", reason="too late")
    assert "the bot" in await chat.ask("moira", "/mod audit")


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit SET reason = 'none'", "DELETE FROM audit", "DELETE FROM audit WHERE id = 1"],
)
async def test_the_log_can_be_neither_changed_nor_emptied(bot, chat, ada, statement):
    await chat.say("moira", "/admin roles @ada lead")
    before = await log(chat)
    with pytest.raises(DBAPIError, match="append-only"):
        async with bot.database.write() as session:
            await session.execute(text(statement))
    assert await log(chat) == before != []


async def test_a_display_name_does_not_take_anothers_handle(bot, chat, ada):
    await chat.say("eve", "/profile show")
    async with bot.core.work(
        "tests"
    ) as work:  # a platform's own display name is not ours to refuse
        (await work.session.scalar(select(Member).filter_by(name="Eve"))).name = "ada"
    await chat.say("moira", "/admin roles @ada moderator")
    assert await role_of(chat, "Ada") == Role.MODERATOR
    assert await role_of(chat, "ada") == Role.MEMBER
