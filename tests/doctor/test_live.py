"""``bookwiz doctor --live`` against the tests' Discord and Slack, through the real libraries."""

import pytest
from click import ClickException
from slack_sdk.oauth.installation_store import Installation

from bot.chat.slack.manifest import SCOPES
from bot.chat.slack.workspaces import Many
from bot.config import Settings
from bot.doctor import examine
from bot.doctor.live import recipients, tried
from tests.fakes.discord.permissions import OF_THE_BOT, bits


def on_discord(fake, **more):
    given = {"token": fake.token, "api_base": fake.api_base, "gateway": fake.gateway}
    return Settings(_env_file=None, discord=given | more)


def on_slack(fake, **more):
    given = {
        "bot_token": fake.bot_token,
        "app_token": fake.app_token.value,
        "api_base": fake.api_base,
    }
    return Settings(_env_file=None, slack=given | more)


async def found(settings, *to):
    """What was found, and what of it is wrong."""
    findings = [finding async for finding in tried(settings, to)]
    assert not [f for f in findings if (not f.good or f.left_out) and not f.next]
    return [f.what for f in findings], [(f.what, f.next) for f in findings if not f.good]


async def test_on_discord_all_is_right_and_one_message_arrives(discord):
    ada = discord.member(discord.guild("Book Club"), "Ada")
    said, wrong = await found(on_discord(discord), str(ada.id))
    assert wrong == []
    assert said[0].startswith("Discord: logged in as Bookwiz")
    assert any("Book Club" in line and "every permission" in line for line in said)
    assert any("commands are registered everywhere" in line for line in said)
    assert discord.commands
    [message] = discord.direct(ada).said
    assert "Bookwiz can write to you" in message.text
    written = {r.name for r in discord.requests if r.method != "GET"}
    assert written == {
        "PUT /applications/{app}/commands",
        "POST /users/@me/channels",
        "POST /channels/{channel}/messages",
    }
    assert not discord.gateway_server.links


async def test_without_an_account_it_says_how_to_find_it_and_writes_to_nobody(discord):
    discord.guild("Book Club")
    findings = [f async for f in tried(on_discord(discord), ())]
    [left] = [f for f in findings if f.left_out]
    assert "no private message was tried" in left.what
    assert "Copy User ID" in left.next
    assert all(f.good for f in findings)
    assert not discord.calls("POST /users/@me/channels")


async def test_what_a_server_does_not_let_the_bot_do_is_named_as_discord_names_it(discord):
    discord.guild("Book Club", permissions=OF_THE_BOT & ~bits("manage_threads", "create_events"))
    discord.guild("Lab")
    _, [(what, fix)] = await found(on_discord(discord))
    assert "Book Club" in what
    assert what.partition("without the permissions ")[2] == "Manage Threads, Create Events"
    assert "oauth2/authorize" in fix


async def test_a_bot_in_no_server_is_given_its_invite_link(discord):
    _, [(what, fix)] = await found(on_discord(discord))
    assert what == "Discord: in no server yet"
    assert f"client_id={discord.app_id}" in fix


async def test_the_intent_that_is_off_is_told_and_the_rest_is_tried(discord):
    discord.guild("Book Club")
    discord.gateway_server.allowed.discard("members")
    said, [(what, fix)] = await found(on_discord(discord))
    assert "Server Members is off" in what
    assert "Privileged Gateway Intents" in fix
    assert any("commands are registered" in line for line in said)


@pytest.mark.parametrize("token", [None, "abc", "MTIz.bad\nline.token"])
async def test_a_token_that_discord_does_not_take_is_told_and_never_shown(discord, token):
    if token is None:
        await discord.revoke()
        token = discord.token
    _, [(what, fix)] = await found(on_discord(discord, token=token))
    assert what == "Discord: refuses the bot's token"
    assert "Reset Token" in fix
    assert token not in what + fix


async def test_a_discord_that_is_away_is_told(discord):
    await discord.go_away()
    _, [(what, fix)] = await found(on_discord(discord))
    assert what.startswith("Discord: cannot be reached")
    assert "discordstatus.com" in fix


async def test_commands_that_discord_does_not_take_are_told(discord):
    discord.guild("Book Club")
    discord.break_down("PUT /applications/{app}/commands", status=400)
    _, [(what, _)] = await found(on_discord(discord))
    assert what.startswith("Discord: refuses the commands: 400")


@pytest.mark.parametrize("why", ["closed", "stranger", "nobody"])
async def test_a_message_that_does_not_arrive_on_discord_is_told_with_the_reason(discord, why):
    ada = discord.member(discord.guild("Book Club"), "Ada", dms_closed=why == "closed")
    to = {
        "closed": ada.id,
        "stranger": discord.user("Stranger").id,
        "nobody": 123456789012345678,
    }[why]
    _, [(what, fix)] = await found(on_discord(discord), str(to))
    assert f"no private message went to {to}: " in what
    assert "Privacy" in fix


async def test_on_slack_all_is_right_and_one_message_arrives(slack):
    slack.team.token.scopes = set(SCOPES)
    ada = slack.person("Ada")
    said, wrong = await found(on_slack(slack), ada.id)
    assert wrong == []
    assert "Book Club" in said[0]
    assert "Slack: has every scope that the manifest asks for" in said
    assert "Slack: gives the bot a socket (Socket Mode)" in said
    [message] = slack.direct(ada).said
    assert "Bookwiz can write to you" in message.words
    assert {r.method for r in slack.requests} == {
        "auth.test",
        "conversations.open",
        "chat.postMessage",
        "apps.connections.open",
    }


async def test_scopes_that_slack_did_not_grant_are_named_with_what_they_are_for(slack):
    slack.team.token.scopes = set(SCOPES) - {"files:read", "users:read"}
    _, [(what, fix)] = await found(on_slack(slack))
    assert "files:read (models and datasets that members attach)" in what
    assert "users:read" in what
    assert "Reinstall" in fix


@pytest.mark.parametrize("token", [None, "xoxb-wrong", "xoxb-a\nb"])
async def test_a_token_that_slack_does_not_take_is_told_and_never_shown(slack, token):
    if token is None:
        slack.revoke()
        token = slack.bot_token
    _, [(what, fix)] = await found(on_slack(slack, bot_token=token))
    assert what.startswith("Slack: does not let the bot in: ")
    assert "Bot User OAuth Token" in fix
    assert token not in what + fix


@pytest.mark.parametrize("wrong_one", ["xapp-wrong", "off"])
async def test_a_socket_that_slack_does_not_give_is_told(slack, wrong_one):
    slack.team.token.scopes = set(SCOPES)
    slack.sockets.enabled = wrong_one != "off"
    token = slack.app_token.value if wrong_one == "off" else wrong_one
    _, [(what, fix)] = await found(on_slack(slack, app_token=token))
    assert what.startswith("Slack: gives no socket: ")
    assert "connections:write" in fix


async def test_a_message_that_does_not_arrive_on_slack_is_told_with_the_reason(slack):
    slack.team.token.scopes = set(SCOPES)
    ada = slack.person("Ada")
    slack.closed_to_bots.append(ada)
    _, [(what, _)] = await found(on_slack(slack), ada.id)
    assert "direct messages to the bot are turned off" in what


async def test_a_slack_that_is_away_is_told(slack):
    settings = on_slack(slack, api_base="http://127.0.0.1:1/api/")
    _, wrong = await found(settings)
    assert all(what.startswith("Slack: cannot be reached") for what, _ in wrong)
    assert wrong


async def test_with_neither_platform_there_is_nothing_to_try():
    _, [(what, fix)] = await found(Settings(_env_file=None))
    assert "neither Discord nor Slack is on" in what
    assert fix == "docs/self-hosting.md"


def test_accounts_are_told_apart_by_their_ids():
    assert recipients(["U012AB3CD", "123456789012345678"]) == {
        "slack": "U012AB3CD",
        "discord": "123456789012345678",
    }
    for wrong in (["ada"], ["U012AB3CD", "W0AB12CD3"], ["1"]):
        with pytest.raises(ClickException, match="--to takes the id"):
            recipients(wrong)


async def test_the_program_shows_no_token_and_ends_with_1_where_something_is_lacking(
    discord, slack, capsys, tmp_path
):
    discord.guild("Book Club")
    slack.team.token.scopes = set(SCOPES) - {"commands"}
    settings = Settings(
        _env_file=None,
        data=tmp_path,
        discord=on_discord(discord).discord,
        slack=on_slack(slack).slack,
    )
    assert await examine(settings, live=True) == 1
    shown = capsys.readouterr().out
    assert "LOOK  Slack: lacks scopes: commands" in shown
    assert "left  Discord: no private message was tried" in shown
    for secret in (discord.token, slack.bot_token, slack.app_token.value):
        assert secret not in shown
    assert not (tmp_path / "files").exists()


async def test_every_workspace_that_installed_the_app_by_oauth_is_tried(slack, bot):
    second = slack.workspace("Second", installed=True)
    given = {"bot_token": None, "app_token": None, "signing_secret": "s", "client_id": "11.22"}
    settings = on_slack(slack, **given).model_copy(update={"database_url": bot.settings.database})
    _, wrong = await found(settings)
    assert [what for what, _ in wrong] == ["Slack: no workspace has installed the app yet"]
    store = Many(bot.database, "11.22", lambda token: None).store
    for team in (slack.team, second):
        at = {"app_id": slack.app_id, "user_id": "U1", "bot_id": "B1", "bot_user_id": "U2"}
        token = team.token.value
        await store.async_save(Installation(team_id=team.id, bot_token=token, **at))
    slack.revoke(second)
    said, wrong = await found(settings)
    assert any("in Book Club" in line for line in said)
    assert [what for what, _ in wrong] == ["Slack: does not let the bot in: the token was revoked"]
    assert "/slack/install" in wrong[0][1]
