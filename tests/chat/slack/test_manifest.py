"""The manifest is what Slack takes, and asks for what the bot uses."""

import json
from functools import partial
from typing import Annotated

import jsonschema
import pytest
from click.testing import CliRunner

from bot.chat.slack.incoming import callback_of
from bot.chat.slack.manifest import EVENTS, SCOPES, manifest_for
from bot.cli import main
from bot.features import discover
from bot.kit.command import Arg, Quote
from bot.kit.feature import Feature, commands_of
from tests import real_inputs
from tests.fakes.slack.methods.declared import METHODS

URL = "https://book.example"
SCHEMAS = real_inputs.FOLDER.parent / "specs" / "slack-manifest-schema"


@pytest.fixture(params=["", URL], ids=["socket", "http"])
def made(request):
    return manifest_for(commands_of(discover()), name="Bookwiz", url=request.param)


@pytest.mark.real_inputs("../specs/slack-manifest-schema")
@pytest.mark.parametrize("version", ["1.0.0", "2.0.0"])
def test_slacks_own_schema_takes_it(made, version):
    schema = json.loads((SCHEMAS / f"schemas_manifest.schema.{version}.json").read_text())
    check = partial(jsonschema.Draft7Validator(schema).validate, made)
    check()
    made["features"]["slash_commands"][0]["command"] = "no slash"
    with pytest.raises(jsonschema.ValidationError):
        check()


def test_it_keeps_the_limits_that_slack_publishes(made):
    commands, shortcuts = made["features"]["slash_commands"], made["features"]["shortcuts"]
    about = made["display_information"]
    assert len(about["name"]) <= 35
    assert len(about["description"]) <= 140
    assert 175 <= len(about["long_description"]) <= 4000
    assert 0 < len(commands) <= 50
    assert 0 < len(shortcuts) <= 10
    for command in commands:
        assert 2 <= len(command["command"]) <= 32
        assert 0 < len(command["description"]) <= 2000
        assert 0 < len(command["usage_hint"]) <= 1000
    for shortcut in shortcuts:
        assert 0 < len(shortcut["name"]) <= 24
        assert 0 < len(shortcut["description"]) <= 150


def test_every_group_and_every_shortcut_is_there(made):
    commands = commands_of(discover())
    said = {c["command"]: c["usage_hint"].split(" | ") for c in made["features"]["slash_commands"]}
    assert {f"{g[1:]} {a}" for g, actions in said.items() for a in actions} == set(commands)
    shown = {s["callback_id"] for s in made["features"]["shortcuts"]}
    assert {callback_of(c) for c in commands.values() if c.shortcut} <= shown
    assert {"checkin_now", "model_submit"} <= shown


def test_by_socket_there_is_no_address_and_by_http_every_door_has_one():
    by_socket = json.dumps(manifest_for(commands_of(discover()), name="Bookwiz"))
    assert "http" not in by_socket
    made = manifest_for(commands_of(discover()), name="Bookwiz", url=URL)
    settings = made["settings"]
    doors = [
        settings["event_subscriptions"]["request_url"],
        settings["interactivity"]["request_url"],
        *(c["url"] for c in made["features"]["slash_commands"]),
    ]
    assert set(doors) == {f"{URL}/slack/events"}
    assert made["oauth_config"]["redirect_urls"] == [f"{URL}/slack/oauth_redirect"]
    assert not settings["socket_mode_enabled"]


def test_every_scope_opens_something_that_the_bot_uses():
    """What the tests of the adapter do runs with these alone; here none is there in vain."""
    for_events = {"app_mentions:read", "commands"}
    used = {scope for method in METHODS.values() for scope in method.scopes} | for_events
    assert set(SCOPES) <= used
    assert all(SCOPES.values())
    assert all(EVENTS.values())


def test_a_menu_on_messages_is_one_and_what_is_too_much_is_told():
    feature = Feature("odd", "Odd things", "tests")

    def declare(action, **more):
        async def run(_ctx, _message: Annotated[Quote, Arg("Which")]):
            """Nothing."""

        feature.command(f"odd {action}", "Say it is odd", **more)(run)

    declare("one", menu="This is odd")
    made = manifest_for(feature.commands, name="Bookwiz")
    assert made["features"]["shortcuts"] == [
        {"type": "message", "name": "This is odd", "callback_id": "odd_one",
         "description": "Say it is odd"}
    ]  # fmt: skip
    for number in range(10):
        declare(f"more{number}", menu="This is odd, too")
    with pytest.raises(ValueError, match="takes 10 shortcuts, and there are 11"):
        manifest_for(feature.commands, name="Bookwiz")


def test_the_program_prints_it_and_takes_no_address_that_slack_would_not():
    said = CliRunner().invoke(main, ["manifest", "slack", "--url", f"{URL}/"])
    assert json.loads(said.output) == manifest_for(commands_of(discover()), name="Bookwiz", url=URL)
    refused = CliRunner().invoke(main, ["manifest", "slack", "--url", "http://book.example"])
    assert refused.exit_code == 1
    assert "https:// alone" in refused.output
