"""Which servers and workspaces belong here, and what their people may do by what they are there."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from bot.community.models import Account, Member, Space
from bot.kit.core import Invocation
from bot.kit.message import Place
from bot.kit.work import Standing

LAB = Standing(space="100", space_name="Vision Lab")
ELSEWHERE = Standing(space="200", space_name="Elsewhere")
ALONE = Standing()
BOSS = replace(LAB, administers=True)
MODS = replace(LAB, roles=frozenset({"7"}))


@pytest.fixture
def on(bot, chat):
    """Has somebody say a line on Discord or Slack, as what they are there."""

    async def say(who, line, standing=LAB, platform="discord"):
        place = Place(platform=platform, channel="5")
        answer = await bot.core.handle(
            Invocation(platform, who, who.title(), place, standing, line=line)
        )
        await chat.deliver()
        return answer

    return say


async def rows(bot, model):
    async with bot.database.read() as session:
        return (await session.scalars(select(model))).all()


async def test_the_first_server_belongs_here_and_who_speaks_first_is_no_admin(bot, on):
    assert (await on("ada", "/admin jobs")).code == "E_PERMISSION"
    assert not (await on("ada", "/bookwiz ping")).refused
    [space] = await rows(bot, Space)
    assert (space.name, space.admitted_at) == ("Vision Lab", bot.clock.now())


async def test_another_server_is_refused_and_nobody_of_it_is_kept(bot, on):
    await on("ada", "/bookwiz ping")
    answer = await on("eve", "/bookwiz ping", replace(ELSEWHERE, administers=True))
    assert (answer.refused, answer.code) == (True, "E_SPACE")
    assert "/admin spaces space:discord/200 action:admit" in answer.message.plain()
    assert "eve" not in {a.handle for a in await rows(bot, Account)}
    # Nor is anything suggested there, of members least of all.
    place = Place(platform="discord", channel="5")
    asked = Invocation("discord", "eve", "Eve", place, ELSEWHERE, command="profile timezone")
    assert await bot.core.suggest(asked, "zone", "ber") == []


async def test_each_platform_has_a_first_one(on):
    await on("ada", "/bookwiz ping")
    assert not (await on("U1", "/bookwiz ping", Standing("T1", "Lab"), platform="slack")).refused
    assert (await on("U2", "/bookwiz ping", Standing("T2"), platform="slack")).code == "E_SPACE"


async def test_a_server_that_asks_is_shown_once_and_admitted_by_a_button(chat, on):
    await chat.say("moira", "/admin channels moderators mods")
    await on("ada", "/bookwiz ping")
    for _ in range(2):
        await on("eve", "/bookwiz ping", ELSEWHERE)
    [asks] = [s for s in chat.to("mods") if "Elsewhere asks" in s.text]
    assert (await chat.press("ada", asks.message, "Admit")).code == "E_PERMISSION"
    answer = await chat.press("moira", asks.message, "Admit")
    assert "Elsewhere belongs to the community now" in answer.message.plain()
    assert not (await on("eve", "/bookwiz ping", ELSEWHERE)).refused


async def test_a_server_is_put_out_again_and_its_admins_are_none_any_more(chat, on):
    await on("boss", "/bookwiz ping", BOSS)
    assert not (await on("boss", "/admin jobs", ALONE)).refused
    shown = (await chat.say("moira", "/admin spaces")).message
    await chat.press("moira", shown, "Refuse Vision Lab")
    for standing in (BOSS, ALONE):
        assert (await on("boss", "/bookwiz ping", standing)).code == "E_SPACE"
    # It does not come back by being the only one.
    assert (await on("eve", "/bookwiz ping", ELSEWHERE)).code == "E_SPACE"


async def test_nobody_puts_out_the_server_they_speak_from(on):
    answer = await on("boss", "/admin spaces discord/100 refuse", BOSS)
    assert answer.code == "E_SPACE"
    assert not (await on("boss", "/admin jobs", BOSS)).refused


async def test_alone_with_the_bot_only_who_is_known_is_answered(on):
    assert (await on("ada", "/bookwiz ping", ALONE)).code == "E_SPACE"
    await on("ada", "/bookwiz ping")
    assert not (await on("ada", "/bookwiz ping", ALONE)).refused


async def test_who_administers_the_server_is_an_admin_until_they_do_not(on):
    assert not (await on("boss", "/admin jobs", BOSS)).refused
    assert not (await on("boss", "/admin jobs", ALONE)).refused
    assert (await on("boss", "/admin jobs", LAB)).code == "E_PERMISSION"
    assert (await on("boss", "/admin jobs", ALONE)).code == "E_PERMISSION"


async def test_where_the_platform_does_not_say_what_it_said_last_holds(on):
    await on("boss", "/bookwiz ping", BOSS)
    assert not (await on("boss", "/admin jobs", replace(LAB, known=False))).refused
    assert (await on("ada", "/admin jobs", replace(LAB, known=False))).code == "E_PERMISSION"


async def test_what_a_platform_said_is_believed_for_a_week(bot, chat, on):
    await on("boss", "/admin jobs", BOSS)
    await chat.wait(days=6)
    assert not (await on("boss", "/admin jobs", ALONE)).refused
    await chat.wait(days=2)
    assert (await on("boss", "/admin jobs", ALONE)).code == "E_PERMISSION"
    assert not (await on("boss", "/admin jobs", BOSS)).refused


async def test_a_discord_role_makes_moderators_while_they_bear_it(chat, on):
    await on("ada", "/bookwiz ping", MODS)
    assert (await on("ada", "/mod audit", MODS)).code == "E_PERMISSION"
    said = await on("boss", "/admin roles group:<@&7> role:moderator", BOSS)
    assert "Who bears discord/7 is moderator here" in said.message.plain()
    assert not (await on("ada", "/mod audit", MODS)).refused
    assert "by their role on the platform" in await chat.ask("moira", "/admin roles")
    assert (await on("ada", "/mod audit", LAB)).code == "E_PERMISSION"


async def test_a_role_that_was_given_by_hand_stays(on):
    await on("boss", "/admin roles group:7 role:moderator", BOSS)
    await on("ada", "/mod audit", MODS)
    await on("boss", "/admin roles member:@ada role:lead", BOSS)
    said = await on("boss", "/admin roles member:@ada role:moderator", BOSS)
    assert "before: lead" in said.message.plain()
    assert not (await on("ada", "/mod audit", LAB)).refused
    await on("boss", "/admin roles group:discord/7 role:member", BOSS)
    assert not (await on("ada", "/mod audit", MODS)).refused
    said = await on("boss", "/admin roles member:@boss role:lead", BOSS)
    assert "makes them admin all the same" in said.message.plain()


@pytest.mark.parametrize("group", ["slack/7", "discord/S7", "nobody", "<@7>"])
async def test_what_is_no_role_of_a_platform_is_refused(on, group):
    answer = await on("boss", f"/admin roles group:{group} role:moderator", BOSS)
    assert answer.code == "E_GROUP"


async def test_the_last_admin_by_hand_may_step_down_where_a_server_has_admins(chat, on):
    assert (await chat.say("moira", "/admin roles @moira member")).code == "E_LAST_ADMIN"
    await on("boss", "/bookwiz ping", BOSS)
    assert not (await chat.say("moira", "/admin roles @moira member")).refused


async def test_who_is_first_in_the_local_chat_is_an_admin_also_after_others(bot, on):
    """The host may come to the local chat long after the community began elsewhere."""
    assert {m.role for m in await rows(bot, Member)} == {3}  # moira, by the fixture
    await on("ada", "/bookwiz ping")
    assert sorted(m.role for m in await rows(bot, Member)) == [0, 3]
