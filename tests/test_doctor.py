"""What the doctor says of Discord and Slack, from the settings alone."""

import base64

import discord
import pytest

from bot.chat.discord import invite
from bot.config import Settings
from bot.doctor.chats import chats

BOT = base64.urlsafe_b64encode(b"1234567890123456789").decode().rstrip("=")
TOKEN = f"{BOT}.GabcDE.xyz_secret"


def found(**settings):
    return list(chats(Settings(_env_file=None, **settings)))


def wrong(**settings):
    return [(f.what, f.next) for f in found(**settings) if not f.good]


def test_without_tokens_both_are_off_and_that_is_no_fault():
    assert wrong() == []
    assert [f.what.partition(".")[0] for f in found()] == ["Discord: off", "Slack: off"]


def test_a_token_tells_the_application_and_the_link_asks_for_what_is_needed_and_no_more():
    assert wrong(discord={"token": TOKEN}) == []
    [link] = [f.what for f in found(discord={"token": TOKEN}) if "invite" in f.what]
    assert "client_id=1234567890123456789&scope=bot+applications.commands" in link
    assert invite.lacking(invite.PERMISSIONS) == []
    assert not invite.PERMISSIONS.administrator
    assert not invite.PERMISSIONS.manage_messages
    assert invite.lacking(discord.Permissions.none())[0] == "View Channels"


@pytest.mark.parametrize("token", ["abc", "", "a.b", "!!!.b.c", "YWJj.b.c", f"{BOT}.only"])
def test_what_is_no_token_of_a_bot_is_told_without_repeating_it(token):
    [(what, next_)] = wrong(discord={"token": token})
    assert "not the token of a bot" in what
    assert "Reset Token" in next_
    assert not token or token not in what + next_


@pytest.mark.parametrize(
    ("slack", "words"),
    [
        ({"bot_token": "xapp-1", "app_token": "xapp-1"}, ["__BOT_TOKEN does not begin with xoxb-"]),
        ({"bot_token": "xoxb-1"}, ["no way for Slack to reach the bot"]),
        ({"app_token": "xapp-1"}, ["there is no BOOKWIZ_SLACK__BOT_TOKEN"]),
        ({"bot_token": "xoxb-1", "signing_secret": "s"}, ["(no public address)"]),
        ({"client_id": "1.2", "app_token": "xapp-1"}, ["installing by OAuth needs"]),
        ({"bot_token": "xoxb-1", "app_token": "xapp-1"}, []),
    ],
)
def test_slack_s_settings_are_looked_through(slack, words):
    said = wrong(slack=slack)
    assert len(said) == len(words)
    for (what, next_), expected in zip(said, words, strict=True):
        assert expected in what
        assert next_


def test_http_mode_needs_an_address_that_slack_reaches():
    slack = {"bot_token": "xoxb-1", "signing_secret": "s"}
    assert wrong(slack=slack, web={"public_url": "https://bot.example"}) == []
    assert wrong(slack=slack, web={"public_url": "http://bot.example"}) != []


def test_a_variable_that_holds_nothing_is_not_set(monkeypatch):
    monkeypatch.setenv("BOOKWIZ_DISCORD__TOKEN", "")
    monkeypatch.setenv("BOOKWIZ_SLACK__BOT_TOKEN", "")
    assert [f.what.partition(".")[0] for f in found()] == ["Discord: off", "Slack: off"]
