from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from bot.community.models import Member
from bot.community.zones import find, matching, nearest
from bot.kit import clock
from bot.kit.core import Invocation
from bot.kit.message import Place

ZONES = clock.zones()


async def member(chat, name):
    async with chat.core.database.read() as session:
        return await session.scalar(select(Member).filter_by(name=name))


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("Berlin", "Europe/Berlin"),
        ("new york", "America/New_York"),
        ("America/New York", "America/New_York"),
        ("kathmandu", "Asia/Kathmandu"),
        ("lord howe", "Australia/Lord_Howe"),
        ("UTC", "UTC"),
        ("EST", None),  # wrong for half of the year
        ("UTC+2", None),
        ("", None),
        ("Atlantis", None),
    ],
)
def test_a_zone_is_found_by_its_name_or_its_city(typed, zone):
    assert find(typed, ZONES) == zone


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("Europe/Berln", "Europe/Berlin"),
        ("Berln", "Europe/Berlin"),
        ("America/New_Yrok", "America/New_York"),
        ("Kolkatta", "Asia/Kolkata"),
        ("Argentina", "America/Argentina/Buenos_Aires"),
    ],
)
def test_a_typo_is_answered_with_the_zone_that_was_meant(typed, near):
    assert near in nearest(typed, ZONES)


@given(st.sampled_from(ZONES), st.data())
def test_any_part_of_a_name_finds_the_zone(zone, data):
    start = data.draw(st.integers(0, len(zone) - 1))
    part = zone[start : data.draw(st.integers(start + 1, len(zone)))].upper().replace("_", " ")
    if part.strip() and part == part.strip():
        assert zone in matching(part, ZONES)


@given(st.text(max_size=60))
def test_whatever_is_typed_gets_an_answer(text):
    assert len(nearest(text, ZONES)) <= 3
    assert find(text, ZONES) in (None, *ZONES)


async def test_changing_the_zone_says_what_time_it_is_there(chat):
    text = await chat.ask("ada", "/profile timezone asia/kathmandu")
    assert "Asia/Kathmandu" in text
    assert "Monday, 14\\:45" in text
    assert (await member(chat, "Ada")).timezone == "Asia/Kathmandu"


async def test_a_mistyped_zone_is_refused_with_the_nearest_and_nothing_is_kept(chat):
    answer = await chat.say("ada", "/profile timezone Europe/Berln")
    assert (answer.refused, answer.code) == (True, "E_TIMEZONE")
    assert "Europe/Berlin" in answer.message.plain().replace("\\", "")
    assert await member(chat, "Ada") is None


async def test_zones_are_offered_while_typing_with_their_time(chat):
    place = Place(platform="local", channel="general")
    asked = Invocation("local", "ada", "Ada", place, command="profile timezone")
    offered = await chat.core.suggest(asked, "zone", "new y")
    assert [(c.value, c.label) for c in offered] == [
        ("America/New_York", "America/New_York · 04:00 now")
    ]
    assert len(await chat.core.suggest(asked, "zone", "")) == 25


async def test_show_tells_all_that_is_known_and_only_to_the_member(chat):
    await chat.say("ada", "/profile timezone Lord Howe")
    answer = await chat.say("ada", "/profile show")
    assert answer.message.private
    pairs = dict(answer.message.blocks[1].pairs)
    assert pairs["Time zone"] == "Australia/Lord\\_Howe"
    assert pairs["Your clock"] == "Monday, 23 November, 20\\:00"
    assert pairs["Role"] == "member"
    assert pairs["Accounts"] == "ada on local"
    assert "23 Nov 2026" in pairs["Here since"]


async def test_show_says_when_the_zone_is_only_the_communitys(chat):
    assert "you chose none" in await chat.ask("ada", "/profile show")


async def test_the_clock_shown_follows_summer_time(chat):
    await chat.say("ada", "/profile timezone Europe/Berlin")
    chat.clock.moment = datetime(2027, 6, 1, 9, tzinfo=UTC)
    assert "11\\:00" in await chat.ask("ada", "/profile show")


async def test_a_name_can_be_changed_and_never_pings(chat):
    assert "\\@everyone" in await chat.ask("ada", "/profile edit", name="  @everyone   else ")
    assert (await member(chat, "@everyone else")) is not None


@pytest.mark.parametrize("name", ["bob", "BOB", "x", "\u200b\u202e", "n" * 81])
async def test_a_name_that_is_taken_or_none_is_refused(chat, name):
    await chat.say("bob", "/profile edit", name="Robert")  # bob stays his handle
    answer = await chat.say("ada", "/profile edit", name=name)
    assert answer.refused
    assert [f.name for f in answer.form.fields if f.problem] == ["name"]


async def test_every_command_of_the_profile_is_private(chat):
    for line in ("/profile show", "/profile timezone Rome", "/profile edit Ada L", "/profile"):
        assert (await chat.say("ada", line)).message.private, line


@pytest.mark.parametrize("name", ["Bookwiz", "EVERYONE"])
async def test_nobody_goes_by_the_bots_name(chat, name):
    assert (await chat.say("ada", f"/profile edit name:{name}")).code == "E_NAME"
