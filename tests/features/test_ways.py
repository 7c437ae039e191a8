"""Where a member is told: by the account they used last, and not where they left."""

import pytest
from sqlalchemy import select

from bot.community.models import Account, Member
from bot.kit.core import Invocation
from bot.kit.message import Place
from bot.kit.work import Standing

LAB = Standing(space="100", space_name="Vision Lab")


@pytest.fixture
async def ada(bot, chat):
    """Ada, who has an account in the local chat and one on Discord; gives her id."""
    await chat.say("ada", "/bookwiz ping")
    async with bot.database.write() as session:
        member = await session.scalar(select(Member).filter_by(name="Ada"))
        session.add(Account(member_id=member.id, platform="discord", handle="42", space=None))
    return member.id


async def on_discord(bot, standing=LAB):
    place = Place(platform="discord", channel="5")
    return await bot.core.handle(
        Invocation("discord", "42", "Ada", place, standing, line="/bookwiz ping")
    )


async def ways(bot, member_id):
    async with bot.database.read() as session:
        people = bot.core.services.people
        found = await people.ways(session, member_id)
        direct = await people.direct(session, member_id)
        assert direct == (found[0] if found else None)
        return [place.platform for place in found]


async def leave(bot, platform, handle, **more):
    async with bot.database.write() as session:
        await bot.core.services.people.left(session, platform, handle, **more)


async def test_the_account_that_was_used_last_comes_first(bot, chat, ada):
    await chat.wait(minutes=2)
    await on_discord(bot)
    assert await ways(bot, ada) == ["discord", "local"]
    await chat.wait(minutes=2)
    await chat.say("ada", "/bookwiz ping")
    assert await ways(bot, ada) == ["local", "discord"]


async def test_nothing_goes_to_an_account_that_left_until_it_speaks(bot, chat, ada):
    await chat.wait(minutes=2)
    await on_discord(bot)
    await leave(bot, "discord", "42")
    assert await ways(bot, ada) == ["local"]
    await on_discord(bot)
    assert await ways(bot, ada) == ["discord", "local"]


async def test_who_left_everywhere_is_gone_and_comes_back_by_speaking(bot, chat, ada):
    await leave(bot, "local", "ada")
    await leave(bot, "discord", "42")
    assert await ways(bot, ada) == []
    assert (await chat.say("moira", "/admin roles @ada lead")).code == "E_MEMBER"
    await chat.say("ada", "/bookwiz ping")
    assert await ways(bot, ada) == ["local"]
    assert not (await chat.say("moira", "/admin roles @ada lead")).refused


async def test_leaving_a_server_that_was_not_the_last_one_spoken_in_changes_nothing(bot, ada):
    await on_discord(bot)
    await leave(bot, "discord", "42", space="200")
    assert "discord" in await ways(bot, ada)
    await leave(bot, "discord", "42", space="100")
    assert await ways(bot, ada) == ["local"]


async def test_who_left_a_server_is_nothing_there_any_more(bot, ada):
    await on_discord(bot, Standing("100", "Vision Lab", administers=True))
    await leave(bot, "discord", "42", space="100")
    place = Place(platform="discord", channel="5")
    asked = Invocation("discord", "42", "Ada", place, line="/admin jobs")
    assert (await bot.core.handle(asked)).code == "E_PERMISSION"


async def test_somebody_unknown_may_leave(bot, chat):
    await leave(bot, "discord", "nobody")


async def test_nothing_is_written_in_a_space_that_was_put_out(bot, chat, ada):
    await on_discord(bot)
    await chat.say("moira", "/admin spaces discord/100 refuse")
    assert await ways(bot, ada) == ["local"]
