"""What there is for a member now, and what they see of each other."""

import pytest

from bot.kit.command import Reply
from bot.kit.core import Invocation
from bot.kit.feature import Feature
from bot.kit.message import Place
from tests.features.boards import MANIFEST, MODEL
from tests.opening import open_benchmark


async def test_home_shows_what_every_feature_has_in_its_order(bot, chat, monkeypatch):
    feature = Feature("probe", "Has sections", "tests")

    @feature.section("Nothing today", order=5)
    async def nothing(ctx):
        return None

    monkeypatch.setitem(bot.core.services.features, "probe", feature)
    answer = await chat.say("ada", "/bookwiz home")
    text = answer.message.plain().replace("\\", "")
    assert answer.message.private
    assert text.index("# Ada") < text.index("My check-in") < text.index("My models")
    assert "This week is still open" in text
    assert "not submitted a model yet" in text
    assert "Nothing today" not in text
    assert "Check in" in [b.label for b in answer.message.buttons()]


async def test_home_shows_ones_own_alone(bot, chat):
    await open_benchmark(bot.core, MANIFEST, per_day=3)
    model = await chat.upload("net.onnx", MODEL)
    await chat.say("ada", "/model submit benchmark:digits", attach=[model])
    await chat.say("ada", "/checkin now", done="slides", next="train")
    text = await chat.ask("ada", "/bookwiz home")
    assert "net.onnx: dispatched" in text.replace("\\", "")
    assert "This week is done" in text
    assert "net" not in await chat.ask("bob", "/bookwiz home")


async def test_a_section_is_a_reply_of_its_feature(bot, chat, monkeypatch):
    """Its words are read as its own templates are: what a member wrote in them stays plain."""
    checkins = bot.core.services.features["checkins"]
    feature = Feature("checkins", "", "bot.features.checkins")

    @feature.section("Mine", order=1)
    async def mine(ctx):
        assert ctx.feature == "checkins"
        return Reply("history.md.j2", {"weeks": []})

    monkeypatch.setattr(checkins, "home", feature.home)
    assert "You have not checked in yet" in await chat.ask("ada", "/bookwiz home")


async def test_another_member_shows_name_and_role_alone_unless_they_open_it(chat):
    await chat.say("ada", "/profile timezone Kathmandu")
    closed = await chat.ask("bob", "/profile show @ada")
    assert "# Ada" in closed
    assert "keep the rest to themselves" in closed
    assert "Kathmandu" not in closed
    await chat.say("ada", "/profile open yes")
    opened = await chat.ask("bob", "/profile show @ada")
    assert "Asia/Kathmandu" in opened
    assert "ada on local" in opened
    await chat.say("ada", "/profile open no")
    assert await chat.ask("bob", "/profile show @ada") == closed


async def test_showing_oneself_by_name_shows_all(chat):
    assert await chat.ask("ada", "/profile show @ada") == await chat.ask("ada", "/profile show")


@pytest.mark.parametrize(
    ("command", "label"), [("profile show", "Show profile"), ("bookwiz report", "Report")]
)
async def test_what_is_pointed_at_has_a_menu(bot, command, label):
    assert bot.core.services.commands[command].menu == label


async def test_nobody_unknown_is_shown(bot, chat):
    place = Place(platform="local", channel="general")
    asked = Invocation(
        "local", "ada", "Ada", place, command="profile show", values={"member": "@4242"}
    )
    assert (await bot.core.handle(asked)).code == "E_MEMBER"
