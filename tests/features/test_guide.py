async def test_help_lists_only_what_the_member_may_do(chat):
    assert "/admin" not in await chat.ask("ada", "/bookwiz help")


async def test_a_bare_group_explains_its_commands(chat):
    assert "/model submit" in (await chat.ask("ada", "/model")).replace("\\", "")


async def test_ping_says_the_version_and_that_no_runner_is_up(chat):
    text = await chat.ask("ada", "/bookwiz ping")
    assert "is up" in text
    assert "No runner is up" in text


async def test_a_mistyped_command_is_answered_with_the_nearest_ones(chat):
    answer = await chat.say("ada", "/bookwiz pin")
    assert answer.refused
    assert answer.code == "E_COMMAND"
    assert "/bookwiz ping" in answer.message.plain().replace("\\", "")
    assert answer.message.private
