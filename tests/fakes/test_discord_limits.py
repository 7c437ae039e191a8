"""What Discord refuses, the Discord of the tests refuses, and does not forget."""

import pytest

from tests.fakes.discord import schemas
from tests.fakes.discord.asking import ask

NO_PINGS = {"parse": []}
V2 = 1 << 15


@pytest.fixture
def channel(discord):
    return discord.channel(discord.guild("Book Club"), "general")


def message(**more):
    return {"allowed_mentions": NO_PINGS, **more}


def button(**more):
    return {"type": 2, "style": 1, "label": "Go", "custom_id": "go", **more}


def row(*children):
    return {"type": 1, "components": list(children)}


def select(*options, **more):
    return {"type": 3, "custom_id": "which", "options": list(options), **more}


def option(value="a"):
    return {"label": value, "value": value}


def text(words="hello"):
    return {"type": 10, "content": words}


def v2(*components, **more):
    return message(flags=V2, components=list(components), **more)


WRONG_MESSAGES = {
    "content of 2,001 characters": message(content="x" * 2001),
    "a field nobody knows": message(content="x", colour=1),
    "eleven embeds": message(embeds=[{"title": "x"}] * 11),
    "embeds of 6,001 characters": message(embeds=[{"description": "x" * 3001}] * 2),
    "an embed's title of 257": message(embeds=[{"title": "x" * 257}]),
    "an embed's field without value": message(embeds=[{"fields": [{"name": "x"}]}]),
    "26 fields": message(embeds=[{"fields": [{"name": "x", "value": "y"}] * 26}]),
    "a field of an embed nobody knows": message(embeds=[{"titel": "x"}]),
    "a nonce of 26": message(content="x", nonce="n" * 26),
    "content beside components V2": v2(text(), content="x"),
    "embeds beside components V2": v2(text(), embeds=[{"title": "x"}]),
    "4,001 characters of text": v2(text("x" * 2001), text("y" * 2000)),
    "41 components": v2(*[row(button(custom_id=str(n))) for n in range(20)], text()),
    "an empty text": v2(text("")),
    "text without the flag": message(components=[text()]),
    "a container in a container": v2({"type": 17, "components": [{"type": 17}]}),
    "a section without accessory": v2({"type": 9, "components": [text()]}),
    "a file from elsewhere": v2({"type": 13, "file": {"url": "https://example.org/x.txt"}}),
    "a file that is not there": v2({"type": 13, "file": {"url": "attachment://x.txt"}}),
    "six rows": message(components=[row(button(custom_id=str(n))) for n in range(6)]),
    "six buttons": message(components=[row(*[button(custom_id=str(n)) for n in range(6)])]),
    "a button beside a select": message(components=[row(button(), select(option()))]),
    "a custom_id of 101": message(components=[row(button(custom_id="x" * 101))]),
    "a custom_id twice": message(components=[row(button(), button())]),
    "a label of 81": message(components=[row(button(label="x" * 81))]),
    "a button without words": message(components=[row(button(label=None))]),
    "a link without address": message(components=[row({"type": 2, "style": 5, "label": "x"})]),
    "26 options": message(components=[row(select(*[option(str(n)) for n in range(26)]))]),
    "an option twice": message(components=[row(select(option(), option()))]),
    "more to choose than there is": message(components=[row(select(option(), max_values=2))]),
}


@pytest.mark.parametrize("what", WRONG_MESSAGES)
async def test_a_message_that_discord_would_not_take_is_refused(discord, channel, what):
    path, body = f"/channels/{channel.id}/messages", WRONG_MESSAGES[what]
    status, answer = await ask(discord, "POST", path, body)
    assert (status, answer["code"]) == (400, 50035)
    assert not channel.said
    assert discord.violations
    discord.violations.clear()


FINE_MESSAGES = [
    message(content="x" * 2000),
    message(embeds=[{"description": "x" * 3000}] * 2),
    message(content="x", nonce="n" * 25),
    v2(*[row(button(custom_id=str(n))) for n in range(20)]),
    v2(text("x" * 2000), text("y" * 2000)),
    v2({"type": 9, "components": [text()], "accessory": button()}),
    v2({"type": 17, "accent_color": 1, "components": [text(), {"type": 14}, row(button())]}),
    message(components=[row(select(*[option(str(n)) for n in range(25)], max_values=25))]),
]


@pytest.mark.parametrize("number", range(len(FINE_MESSAGES)))
async def test_a_message_at_the_limit_is_taken(discord, channel, number):
    path = f"/channels/{channel.id}/messages"
    status, answer = await ask(discord, "POST", path, FINE_MESSAGES[number])
    assert status == 200, answer
    assert len(channel.said) == 1


async def test_the_errors_name_the_field(discord, channel):
    body = message(components=[row(button(label="x" * 81))])
    _, answer = await ask(discord, "POST", f"/channels/{channel.id}/messages", body)
    found = answer["errors"]["components"]["0"]["components"]["0"]["label"]["_errors"]
    assert found[0]["code"] == "BASE_TYPE_BAD_LENGTH"
    discord.violations.clear()


async def test_an_empty_message_is_refused(discord, channel):
    path = f"/channels/{channel.id}/messages"
    status, answer = await ask(discord, "POST", path, message(content=""))
    assert (status, answer["code"]) == (400, 50006)


@pytest.mark.parametrize(
    ("allowed", "pinged"),
    [(None, True), ({"parse": ["everyone"]}, True), ({"parse": [], "replied_user": True}, False)],
)
async def test_a_message_that_may_ping_goes_out_and_is_not_forgotten(
    discord, channel, allowed, pinged
):
    body = {"content": "hello @everyone"} | ({"allowed_mentions": allowed} if allowed else {})
    status, _ = await ask(discord, "POST", f"/channels/{channel.id}/messages", body)
    assert status == 200
    assert bool(discord.pinged) is pinged
    assert "allowed_mentions" in discord.violations.pop()


async def test_a_file_over_the_limit_of_the_server_is_too_large(discord, channel):
    path, body = f"/channels/{channel.id}/messages", message(content="x")
    most = channel.guild.file_limit
    status, answer = await ask(discord, "POST", path, body, files=[("a", b"x" * (most + 1))])
    assert (status, answer["code"]) == (413, 40005)
    assert discord.violations
    discord.violations.clear()
    channel.guild.tier = 2
    status, _ = await ask(discord, "POST", path, body, files=[("a", b"x" * (most + 1))])
    assert status == 200


async def test_eleven_files_are_too_many(discord, channel):
    files = [(f"{n}.txt", b"x") for n in range(11)]
    path = f"/channels/{channel.id}/messages"
    status, _ = await ask(discord, "POST", path, message(content="x"), files=files)
    assert status == 400
    assert discord.violations
    discord.violations.clear()


def command(**more):
    return {"name": "model", "description": "Models", "type": 1, **more}


def string(name="which", **more):
    return {"type": 3, "name": name, "description": "Which", **more}


WRONG_COMMANDS = {
    "a name with a capital": [command(name="Model")],
    "a name with a space": [command(name="my model")],
    "a name of 33": [command(name="x" * 33)],
    "no description": [command(description="")],
    "a description of 101": [command(description="x" * 101)],
    "101 commands": [command(name=f"n{n}") for n in range(101)],
    "six menus": [{"name": f"Report {n}", "type": 3} for n in range(6)],
    "a name twice": [command(), command()],
    "26 options": [command(options=[string(f"n{n}") for n in range(26)])],
    "26 choices": [
        command(options=[string(choices=[{"name": str(n), "value": str(n)} for n in range(26)])])
    ],
    "a choice's name of 101": [
        command(options=[string(choices=[{"name": "x" * 101, "value": "x"}])])
    ],
    "required after optional": [command(options=[string("a"), string("b", required=True)])],
    "an option twice": [command(options=[string(), string()])],
    "choices and autocomplete": [
        command(options=[string(autocomplete=True, choices=[{"name": "a", "value": "a"}])])
    ],
    "a subcommand beside an option": [command(options=[string(), string("s", type=1)])],
    "8,001 characters": [
        command(
            options=[
                string(f"n{n}", choices=[{"name": f"{c:060}", "value": f"{c:060}"} for c in "abc"])
                for n in range(25)
            ]
        )
    ],
    "a field nobody knows": [command(visible=True)],
}


@pytest.mark.parametrize("what", WRONG_COMMANDS)
async def test_commands_that_discord_would_not_take_are_refused(discord, what):
    path = f"/applications/{discord.app_id}/commands"
    status, answer = await ask(discord, "PUT", path, WRONG_COMMANDS[what])
    assert (status, answer["code"]) == (400, 50035)
    assert not discord.commands
    assert discord.violations
    discord.violations.clear()


async def test_a_hundred_commands_in_three_levels_are_taken_and_keep_their_ids(discord):
    inner = {"type": 1, "name": "one", "description": "One", "options": [string(required=True)]}
    group = {"type": 2, "name": "group", "description": "Group", "options": [inner]}
    body = [command(name=f"größe{n}", options=[group]) for n in range(100)]
    path = f"/applications/{discord.app_id}/commands"
    status, first = await ask(discord, "PUT", path, body)
    assert status == 200
    _, second = await ask(discord, "PUT", path, body)
    assert [c["id"] for c in first] == [c["id"] for c in second]


@pytest.mark.real_inputs("../specs")
async def test_discords_own_description_of_its_api_is_asked_as_well(discord, channel):
    assert schemas.FILE.exists()
    body = message(content="x", message_reference={"message_id": "no number"})
    await ask(discord, "POST", f"/channels/{channel.id}/messages", body)
    assert "message_reference.message_id" in discord.violations[0]
    discord.violations.clear()
