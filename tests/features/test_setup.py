"""One form brings a community up, and a list says what is still lacking."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from bot.community.channels import PURPOSES
from bot.community.models import Audit, Community
from bot.features.moderation.commands.setup import _LACKING
from bot.kit.core import Core
from bot.kit.message import Place
from bot.kit.schedule import ScheduleChanged


def test_of_every_purpose_it_is_said_what_is_missing_without_a_channel():
    assert {p.value for p in PURPOSES} == _LACKING.keys()


async def test_the_form_holds_what_is_set_already(chat, bot):
    form = (await chat.say("moira", "/admin setup")).form
    held = {f.name: (f.kind, f.value, f.required) for f in form.fields}
    assert held["name"] == ("text", bot.settings.community, True)
    assert held["zone"] == ("text", bot.settings.timezone, True)
    assert held["results"] == ("channel", "", False)


async def test_one_form_sets_all_and_says_what_is_lacking(bot, chat):
    said = await chat.ask(
        "moira",
        "/admin setup",
        name="  Vision   Lab ",
        zone="berlin",
        moderators="#mods",
        results="results",
    )
    assert "How Vision Lab is set up" in said
    assert "check-ins are seen by nobody else" in said.replace("\\", "")
    assert "results are told to their owners alone" not in said
    async with bot.database.read() as session:
        community = (await session.scalars(select(Community))).one()
        noted = (await session.scalars(select(Audit.action).order_by(Audit.id))).all()
    assert (community.name, community.timezone) == ("Vision Lab", "Europe/Berlin")
    assert sorted(noted) == ["channel.set", "channel.set", "community.set"]
    assert [len(chat.to(c)) for c in ("mods", "results")] == [1, 1]


async def test_what_happens_by_itself_follows_the_new_zone(bot, chat):
    facts = []
    chat.core = Core(bot.database, bot.core.services, after_commit=facts.extend)
    for zone, told in (("Kathmandu", True), ("Kathmandu", False), ("Rome", True)):
        await chat.say("moira", "/admin setup", name="Lab", zone=zone)
        assert any(isinstance(f, ScheduleChanged) for f in facts) is told
        facts.clear()


async def test_what_is_left_empty_stays(chat):
    values = {"name": "Lab", "zone": "Rome"}
    await chat.say("moira", "/admin setup", **values, results="results")
    said = await chat.ask("moira", "/admin setup", **values, checkins="general")
    assert "results are told to their owners alone" not in said
    assert len(chat.to("results")) == 1  # nothing is said there a second time


async def test_the_list_grows_empty(chat):
    await chat.say("ada", "/bookwiz ping")
    await chat.say("moira", "/admin roles member:@ada role:moderator")
    purposes = (
        "moderators",
        "results",
        "general",
        "checkins",
        "papers",
        "announcements",
        "general",
    )
    said = await chat.ask(
        "moira", "/admin setup", name="Lab", zone="Rome", **dict.fromkeys(purposes, "general")
    )
    assert "Every kind of post has its channel" in said
    assert "❌" not in said
    assert said == await chat.ask("moira", "/admin config")


async def test_a_zone_that_is_none_is_shown_at_its_field_and_nothing_is_set(bot, chat):
    answer = await chat.say("moira", "/admin setup", name="Lab", zone="Berln", results="results")
    assert [f.name for f in answer.form.fields if f.problem] == ["zone"]
    assert chat.to("results") == []


async def test_a_channel_that_the_platform_does_not_show_the_bot_is_refused(bot, chat):
    async def sees(place):
        return place.channel != "secret"

    chat.core = Core(bot.database, replace(bot.core.services, sees=sees))
    answer = await chat.say("moira", "/admin setup", name="Lab", zone="Rome", papers="secret")
    assert (answer.code, [f.name for f in answer.form.fields if f.problem]) == (
        "E_CHANNEL",
        ["papers"],
    )
    assert (await chat.say("moira", "/admin channels papers secret")).code == "E_CHANNEL"
    assert not (await chat.say("moira", "/admin channels papers general")).refused


@pytest.mark.parametrize("line", ["/admin setup name:x zone:Rome", "/admin config"])
async def test_only_admins_set_it_up(chat, line):
    assert (await chat.say("ada", line)).code == "E_PERMISSION"


async def test_the_local_chat_sees_the_channels_it_has(bot):
    await bot.chat.add_channel("general", "")
    places = [
        Place(platform=p, channel=c)
        for p, c in (("local", "general"), ("local", "new"), ("irc", "x"))
    ]
    assert [await bot.core.services.sees(p) for p in places] == [True, None, None]
