import asyncio


async def test_a_member_speaks_and_everybody_reads_it(town):
    await town.say("ada", "Good *morning*\n@everyone <script>")
    assert await town.seen("bob") == ["Good *morning*\n@everyone <script>"]


async def test_a_public_answer_stands_under_what_was_typed(town):
    said = await town.say("ada", "/trial shout hello")
    assert said["refused"] is False
    assert said["message"]["blocks"] == [{"kind": "text", "markdown": "hello"}]
    assert await town.seen("bob") == ["/trial shout hello", "hello"]


async def test_a_private_answer_and_its_echo_are_for_the_speaker_alone(town):
    await town.say("ada", "/trial secret hush")
    assert await town.seen("ada") == ["/trial secret hush", "hush"]
    assert await town.seen("bob") == []
