import pytest

from bot.kit.message import Message, Place, Text
from bot.kit.outbox import Undeliverable


async def test_a_member_speaks_and_everybody_reads_it_as_it_was_written(town):
    await town.say("ada", "Good *morning*\n@everyone <script>")
    assert await town.seen("bob") == ["Good *morning*\n@everyone <script>"]


async def test_a_public_answer_stands_under_what_was_typed(town):
    said = await town.say("ada", "/trial shout hello")
    assert said["refused"] is False
    assert said["message"]["blocks"] == [{"kind": "text", "markdown": "hello"}]
    assert await town.seen("bob") == ["/trial shout hello", "hello"]


async def test_a_private_answer_and_its_echo_are_for_the_speaker_alone_and_on_no_disk(town):
    await town.say("ada", "/trial secret 123456789")
    assert await town.seen("ada") == ["/trial secret 123456789", "123456789"]
    assert await town.seen("bob") == []
    async with town.bot.database.read() as session:
        from sqlalchemy import func, select

        from bot.chat.local.models import LocalMessage

        assert await session.scalar(select(func.count(LocalMessage.id))) == 0


async def test_a_refusal_is_private_and_has_its_code(town):
    said = await town.say("ada", "/trial refuse")
    assert (said["refused"], said["code"]) == (True, "E_NO")
    assert await town.seen("bob") == []


async def test_a_defect_is_a_sentence_with_a_code(town):
    said = await town.say("ada", "/trial break")
    assert said["refused"]
    assert said["code"].startswith("BUG-")


async def test_a_line_that_lacks_something_opens_a_form_and_says_nothing(town):
    said = await town.say("ada", "/trial diary")
    assert [f["name"] for f in said["form"]["fields"]][:2] == ["done", "next"]
    assert await town.seen("ada") == []


async def test_a_form_that_came_back_wrong_opens_again_and_shows_nothing_in_the_channel(town):
    values = {"done": "much", "next": "more", "hours": "500"}
    said = await town.say("ada", command="trial diary", values=values, submitted=True)
    fields = {f["name"]: f for f in said["form"]["fields"]}
    assert said["refused"]
    assert fields["done"]["value"] == "much"
    assert fields["hours"]["problem"] == "A week has fewer hours than that."
    assert await town.seen("ada") == []


async def test_what_a_form_was_filled_with_is_not_shown_as_typed(town):
    values = {"done": "much", "next": "more"}
    await town.say("ada", "/trial diary", values=values, submitted=True)
    echo, answer = await town.seen("bob")
    assert echo == "/trial diary"
    assert answer.startswith("much / more / 5")


async def test_a_file_goes_with_the_line(town):
    upload = await town.upload("model.onnx", b"weights")
    said = await town.say("ada", "/trial pick apple", uploads=[upload])
    assert said["message"]["blocks"][0]["markdown"] == "apple, good, model\\.onnx"
    assert (await town.seen("bob"))[0] == "/trial pick apple [model.onnx]"


async def test_a_file_goes_into_a_forms_field(town):
    upload = await town.upload("plot.png", b"\x89PNG\r\n\x1a\n....")
    values = {"done": "a", "next": "b", "plot": upload}
    await town.say("ada", command="trial diary", values=values, submitted=True)
    assert (await town.seen("ada"))[-1].endswith("plot.png")


async def test_a_file_nobody_uploaded_is_refused(town):
    upload = {"sha256": "0" * 64, "name": "x", "size": 3}
    said = await town.say("ada", "/trial pick apple", status=400, uploads=[upload])
    assert said["code"] == "E_NO_FILE"


async def test_a_pressed_button_shows_no_typed_line(town):
    await town.say("ada", "/trial shout pressed", pressed=True)
    assert await town.seen("bob") == ["pressed"]


async def test_replies_stand_in_their_thread_and_are_counted(town):
    root = await town.say("ada", "Who reads with me?")
    await town.say("bob", "I do", thread=root["id"])
    await town.say("bob", "/trial shout here", thread=root["id"])
    assert await town.seen("ada") == ["Who reads with me?"]
    assert await town.seen("ada", thread=root["id"]) == [
        "Who reads with me?",
        "I do",
        "/trial shout here",
        "here",
    ]
    listed = await town.get("/api/messages", **{"as": "ada", "channel": "general"})
    assert listed["messages"][0]["replies"] == 3


async def test_the_same_key_is_posted_once(town):
    place, message = Place(platform="local", channel="general"), _words("once")
    first = await town.chat.send(place, message, key="digest:1")
    again = await town.chat.send(place, message, key="digest:1")
    assert first == again
    assert await town.seen("bob") == ["once"]


async def test_sends_of_one_key_at_the_same_moment_post_once(town):
    import asyncio

    place = Place(platform="local", channel="general")
    sent = await asyncio.gather(
        *(town.chat.send(place, _words("once"), key="digest:2") for _ in range(5))
    )
    assert len({ref.id for ref in sent}) == 1
    assert await town.seen("bob") == ["once"]


async def test_a_message_is_changed_where_it_stands(town):
    ref = await town.chat.send(
        Place(platform="local", channel="general"), _words("half"), key="live:1"
    )
    await town.chat.edit(ref, _words("whole"))
    assert await town.seen("bob") == ["whole"]


async def test_a_thread_that_is_not_there_takes_nothing(town):
    place = Place(platform="local", channel="general", thread="4711")
    with pytest.raises(Undeliverable):
        await town.chat.send(place, _words("lost"), key="lost")


async def test_a_direct_message_reaches_its_addressee_alone(town):
    place = Place(platform="local", channel="@ada", private_to="ada")
    await town.chat.send(place, _words("psst"), key="direct:1")
    assert await town.seen("ada", channel="@ada") == ["psst"]
    assert await town.seen("bob", channel="@ada") == []
    refused = await town.say("bob", "hello", status=400, channel="@ada")
    assert refused["code"] == "E_CHANNEL"


async def test_what_a_command_causes_is_followed_by_its_key(town):
    said = await town.say("ada", "/trial run name:r1")
    assert said["follow"] == ["trial:r1"]
    query = {"as": "ada", "key": "trial:r1"}
    assert (await town.get("/api/messages/by-key", **query))["pending"] is True
    await town.say("ada", "/trial step name:r1 share:1")
    done = await town.get("/api/messages/by-key", **query)
    assert (done["pending"], done["failed"], done["version"]) == (False, False, 2)
    assert (await town.get("/api/messages/by-key", 404, **{**query, "key": "no"}))[
        "code"
    ] == "E_NOT_YET"


async def test_somebody_new_joins(town):
    joined = await town.post("/api/people", 201, handle="Grace", name="Grace Hopper")
    assert joined == {"handle": "grace", "name": "Grace Hopper", "role": "member"}
    assert [p["handle"] for p in await town.get("/api/people")] == ["moira", "ada", "bob", "grace"]


async def test_a_channel_is_made_once(town):
    await town.post("/api/channels", 201, name="circle-a", topic="Segmentation")
    await town.post("/api/channels", 409, name="circle-a", topic="")
    names = [c["name"] for c in await town.get("/api/channels", **{"as": "ada"})]
    assert names[-2:] == ["circle-a", "@ada"]


async def test_commands_are_those_a_person_may_use(town):
    def names(groups):
        return {c["name"] for g in groups for c in g["commands"]}

    assert "trial rule" not in names(await town.get("/api/commands", **{"as": "ada"}))
    groups = await town.get("/api/commands", **{"as": "moira"})
    assert "trial rule" in names(groups)
    [pick] = [c for g in groups for c in g["commands"] if c["name"] == "trial pick"]
    assert [(a["name"], a["type"], a["required"], a["completes"]) for a in pick["arguments"]] == [
        ("fruit", "text", True, True),
        ("mood", "choice", False, False),
        ("model", "file", False, False),
    ]


async def test_values_are_suggested_while_typing(town):
    asked = {"as": "ada", "command": "trial pick", "argument": "fruit", "text": "ap"}
    assert [c["value"] for c in await town.post("/api/suggest", **asked)] == ["apple", "apricot"]


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("/api/messages", {"channel": "general"}, "E_REQUEST"),
        ("/api/messages", {"as": "ada"}, "E_REQUEST"),
        ("/api/messages", {"as": "../ada", "channel": "general"}, "E_REQUEST"),
        ("/api/messages", {"as": "ada", "channel": "general", "after": "x"}, "E_REQUEST"),
        ("/api/messages", {"as": "ada", "channel": "general", "thread": "9" * 40}, "E_REQUEST"),
    ],
)
async def test_a_wrong_question_gets_a_sentence(town, path, query, code):
    answer = await town.get(path, 400, **query)
    assert answer["code"] == code
    assert answer["problem"].endswith(".")


@pytest.mark.parametrize(
    "body",
    [
        {"as": "ada", "text": "x", "channel": "nowhere"},
        {"as": "ada", "text": "  "},
        {"as": "ada", "text": "x" * 9000},
        {"as": "ada", "text": "x", "thread": "12"},
        {"as": "ada", "text": "x", "strange": 1},
        {"as": "ada", "command": "trial pick", "values": {"fruit": "x", "model": "text"}, "submitted": True},
    ],
)  # fmt: skip
async def test_a_wrong_line_writes_nothing(town, body):
    async with town.client.post(town.url + "/api/say", json=body) as response:
        answer = await response.json()
        assert response.status == 400 or answer["refused"]
    assert await town.seen("bob") == []


async def test_a_body_that_is_not_json_gets_a_sentence(town):
    headers = {"Content-Type": "application/json"}
    async with town.client.post(town.url + "/api/say", data=b"{", headers=headers) as response:
        assert response.status == 400
        assert "problem" in await response.json()


def _words(text):
    return Message(blocks=(Text(markdown=text),))
