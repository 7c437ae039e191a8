"""A member shows a message to the moderators."""

from sqlalchemy import select

from bot.community.models import Audit
from bot.kit.command import Quote
from bot.kit.core import Invocation
from bot.kit.message import Place

SPAM = Quote(
    text="@everyone buy *my*\n`course` now", author="bob", link="https://chat.example/archives/7"
)


async def reported(bot, chat, quote=SPAM, who="ada", **more):
    """Use the menu *Report* on a message."""
    place = Place(platform="local", channel="general")
    values = {"message": quote, **more}
    asked = Invocation("local", who, who.title(), place, command="bookwiz report", values=values)
    answer = await bot.core.handle(asked)
    await chat.deliver()
    return answer


async def noted(bot):
    async with bot.database.read() as session:
        rows = await session.scalars(select(Audit).filter_by(action="message.report"))
        return [(r.subject.partition(":")[0], r.reason) for r in rows]


async def test_moderators_see_who_reports_whom_and_the_words_ping_nobody(bot, chat):
    await chat.say("moira", "/admin channels moderators mods")
    await chat.say("bob", "/bookwiz ping")
    answer = await reported(bot, chat, why="sells things")
    assert answer.message.private
    assert "The moderators see it now" in answer.message.plain()
    said = chat.to("mods")[-1].text
    assert [word in said for word in ("Ada", "Bob", "sells things")] == [True] * 3
    assert "\\@everyone buy \\*my\\*" in said
    assert "https://chat.example/archives/7" in said.replace("\\", "")
    assert await noted(bot) == [("member", "sells things")]


async def test_the_same_message_is_shown_once(bot, chat):
    await chat.say("moira", "/admin channels moderators mods")
    for _ in range(2):
        await reported(bot, chat)
    assert len([s for s in chat.to("mods") if "shows you a message" in s.text]) == 1


async def test_without_a_channel_each_moderator_is_told(bot, chat):
    await reported(bot, chat)
    [told] = chat.to("@moira")
    assert told.place.private_to == "moira"
    assert "shows you a message" in told.text


async def test_words_can_be_typed_where_there_is_no_menu(chat):
    assert "see it now" in await chat.ask("ada", "/bookwiz report buy my course", message="x")


async def test_five_an_hour_are_enough(bot, chat):
    for number in range(5):
        assert not (await reported(bot, chat, Quote(text=f"{number}"))).refused
    assert (await reported(bot, chat, Quote(text="6"))).code == "E_REFUSED"
    await chat.wait(hours=1)
    assert not (await reported(bot, chat, Quote(text="6"))).refused
