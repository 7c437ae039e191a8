"""How long interactions live, and what may answer them."""

import pytest

from tests.fakes.discord import CannotDo
from tests.fakes.discord.asking import ask

NO_PINGS = {"allowed_mentions": {"parse": []}}
EPHEMERAL = 64
MESSAGE, DEFER, DEFER_UPDATE, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9
COMMANDS = [
    {"name": "model", "description": "Models"},
    {"name": "ban", "description": "Ban", "default_member_permissions": 4},
    {"name": "here", "description": "Here", "contexts": [0]},
]
FORM = {
    "title": "Form",
    "custom_id": "form",
    "components": [
        {
            "type": 18,
            "label": "Name",
            "component": {"type": 4, "custom_id": "name", "style": 1, "value": "typed before"},
        },
        {
            "type": 18,
            "label": "Mentor",
            "component": {"type": 5, "custom_id": "mentor", "required": False},
        },
        {
            "type": 18,
            "label": "Files",
            "component": {"type": 19, "custom_id": "files", "max_values": 2, "required": False},
        },
    ],
}


@pytest.fixture
async def general(discord):
    general = discord.channel(discord.guild("Book Club"), "general")
    await ask(discord, "PUT", f"/applications/{discord.app_id}/commands", COMMANDS)
    return general


@pytest.fixture
def ada(discord, general):
    return discord.member(general.guild, "Ada")


async def answer(discord, deed, kind, data=None, **query):
    body = {"type": kind} | ({"data": data} if data else {})
    path = f"/interactions/{deed.id}/{deed.token}/callback"
    status, answer = await ask(discord, "POST", path, body, **query)
    return status, (answer or {}).get("code") if status >= 400 else answer


async def by_token(discord, deed, method, tail="", body=None):
    path = f"/webhooks/{discord.app_id}/{deed.token}{tail}"
    status, answer = await ask(discord, method, path, body)
    return status, answer.get("code") if status >= 400 else answer


async def test_nobody_answers_after_three_seconds(discord, general, ada):
    deed = await discord.command(ada, general, "/model")
    discord.pass_minutes(0.06)
    assert deed.failed
    assert await answer(discord, deed, MESSAGE, {"content": "late", **NO_PINGS}) == (404, 10062)
    assert not general.said


async def test_nothing_is_answered_twice(discord, general, ada):
    deed = await discord.command(ada, general, "/model")
    said = {"content": "one", **NO_PINGS}
    assert (await answer(discord, deed, MESSAGE, said))[0] == 204
    assert await answer(discord, deed, MESSAGE, said) == (400, 40060)
    assert await answer(discord, deed, MODAL, FORM) == (400, 40060)
    assert [m.content for m in general.said] == ["one"]
    assert deed.acked_after < 3


async def test_a_modal_cannot_follow_a_defer(discord, general, ada):
    deed = await discord.command(ada, general, "/model")
    await answer(discord, deed, DEFER)
    assert await answer(discord, deed, MODAL, FORM) == (400, 40060)
    assert deed.modal is None
    assert general.last.loading


@pytest.mark.parametrize(("first", "then"), [(EPHEMERAL, 0), (0, EPHEMERAL)])
async def test_who_sees_the_answer_is_fixed_when_it_is_deferred(discord, general, ada, first, then):
    deed = await discord.command(ada, general, "/model")
    await answer(discord, deed, DEFER, {"flags": first})
    body = {"content": "done", "flags": then, **NO_PINGS}
    assert (await by_token(discord, deed, "POST", body=body))[0] == 200
    assert deed.message.ephemeral is bool(first)
    body |= {"flags": EPHEMERAL}
    await by_token(discord, deed, "POST", body=body)
    assert deed.followups[0].ephemeral


async def test_the_first_answer_is_read_changed_and_deleted_by_the_token(discord, general, ada):
    deed = await discord.command(ada, general, "/model")
    assert await by_token(discord, deed, "GET", "/messages/@original") == (404, 10015)
    _, told = await answer(
        discord, deed, MESSAGE, {"content": "one", **NO_PINGS}, with_response="true"
    )
    message = general.last
    assert told["resource"]["message"]["id"] == str(message.id)
    edit = {"content": "two", **NO_PINGS}
    await by_token(discord, deed, "PATCH", "/messages/@original", edit)
    _, read = await by_token(discord, deed, "GET", f"/messages/{message.id}")
    assert read["content"] == "two"
    await by_token(discord, deed, "DELETE", "/messages/@original")
    assert not general.said
    assert await by_token(discord, deed, "GET", "/messages/@original") == (404, 10008)


async def test_a_token_lives_for_fifteen_minutes(discord, general, ada):
    deed = await discord.command(ada, general, "/model")
    await answer(discord, deed, MESSAGE, {"content": "one", **NO_PINGS})
    message = general.last
    discord.pass_minutes(14)
    edit = {"content": "two", **NO_PINGS}
    assert (await by_token(discord, deed, "PATCH", "/messages/@original", edit))[0] == 200
    discord.pass_minutes(2)
    assert await by_token(discord, deed, "PATCH", "/messages/@original", edit) == (401, 50027)
    path = f"/channels/{general.id}/messages/{message.id}"
    status, _ = await ask(discord, "PATCH", path, {"content": "three", **NO_PINGS})
    assert (status, message.content) == (200, "three")


async def test_an_ephemeral_message_is_in_no_history(discord, general, ada):
    deed = await discord.command(ada, general, "/model")
    said = {"content": "psst", "flags": EPHEMERAL, **NO_PINGS}
    await answer(discord, deed, MESSAGE, said)
    assert (await ask(discord, "GET", f"/channels/{general.id}/messages"))[1] == []
    path = f"/channels/{general.id}/messages/{deed.message.id}"
    assert (await ask(discord, "GET", path))[1]["code"] == 10008
    assert discord.seen_by(ada) == [deed.message]


async def test_a_modal_carries_what_was_filled_in_and_what_was_there(discord, general, ada):
    bo = discord.member(general.guild, "Bo")
    deed = await discord.command(ada, general, "/model")
    await answer(discord, deed, MODAL, FORM)
    modal = await deed.opened()
    assert "Mentor" in modal.text
    files = [discord.file("a.txt", b"a"), discord.file("b.txt", b"b")]
    for wrong in ({"Name": ""}, {"Files": [*files, files[0]]}, {"Colour": "red"}, {"Files": "a"}):
        with pytest.raises(CannotDo):
            await discord.submit(ada, modal, wrong)
    with pytest.raises(CannotDo):
        await discord.submit(bo, modal, {})
    sent = await discord.submit(ada, modal, {"Mentor": bo, "files": files})
    data = sent.payload["data"]
    name, mentor, given = (part["component"] for part in data["components"])
    assert name["value"] == "typed before"
    assert mentor["values"] == [str(bo.id)]
    assert given["values"] == [str(f.id) for f in files]
    assert set(data["resolved"]) == {"users", "members", "attachments"}


async def test_commands_are_offered_to_whom_and_where_they_are_meant_for(discord, general, ada):
    with pytest.raises(CannotDo):
        await discord.command(ada, general, "/ban")
    moira = discord.member(general.guild, "Moira", admin=True)
    assert await discord.command(moira, general, "/ban")
    dm = discord.direct(ada)
    deed = await discord.command(ada, dm, "/model")
    assert deed.payload["context"] == 1
    assert deed.payload["user"]["id"] == str(ada.id)
    with pytest.raises(CannotDo):
        await discord.command(ada, dm, "/here")
    secret = discord.channel(general.guild, "secret", closed=True)
    with pytest.raises(CannotDo):
        await discord.command(ada, secret, "/model")


async def test_a_select_is_chosen_from_and_a_grey_button_is_not_pressed(discord, general, ada):
    options = [{"label": name, "value": name.lower()} for name in ("One", "Two")]
    select = {"type": 3, "custom_id": "which", "placeholder": "Which?", "options": options}
    grey = {"type": 2, "style": 1, "label": "Grey", "custom_id": "grey", "disabled": True}
    link = {"type": 2, "style": 5, "label": "Link", "url": "https://example.org"}
    rows = [{"type": 1, "components": [select]}, {"type": 1, "components": [grey, link]}]
    body = {"content": "x", "components": rows, **NO_PINGS}
    await ask(discord, "POST", f"/channels/{general.id}/messages", body)
    message = general.last
    deed = await discord.choose(ada, message, "Which?", "Two")
    assert deed.payload["data"]["values"] == ["two"]
    for wrong in ("Grey", "Link"):
        with pytest.raises(CannotDo):
            await discord.press(ada, message, wrong)
    with pytest.raises(CannotDo):
        await discord.choose(ada, message, "which", "One", "Two")
    assert (await answer(discord, deed, DEFER_UPDATE))[0] == 204
    await by_token(discord, deed, "PATCH", "/messages/@original", {"content": "y", **NO_PINGS})
    assert (await deed.updated()).content == "y"


async def test_only_who_has_nitro_gives_files_over_the_limit(discord, general, ada):
    option = {"type": 11, "name": "file", "description": "File", "required": True}
    commands = [{"name": "model", "description": "Models", "options": [option]}]
    await ask(discord, "PUT", f"/applications/{discord.app_id}/commands", commands)
    large = {"file": discord.file("large.onnx", bytes(general.guild.file_limit + 1))}
    with pytest.raises(CannotDo):
        await discord.command(ada, general, "/model", large)
    ada.user.nitro = True
    deed = await discord.command(ada, general, "/model", large)
    assert deed.payload["attachment_size_limit"] == general.guild.file_limit
