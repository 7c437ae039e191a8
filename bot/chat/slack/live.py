"""Tries the bot at the Slack that the settings name: logs in, looks what it may, says one thing."""

import logging
import secrets
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.exc import SQLAlchemyError

from bot.chat.finding import Finding, printable
from bot.chat.slack.manifest import SCOPES
from bot.chat.slack.sending import Sending
from bot.chat.slack.workspaces import Many
from bot.config import SlackSettings
from bot.kit.command import Retry
from bot.kit.db import Database
from bot.kit.files import FileStore
from bot.kit.message import Message, Place
from bot.kit.outbox import Undeliverable

_APPS = "https://api.slack.com/apps"
_SECONDS = 15
_BOT_TOKEN = (
    f"at {_APPS} choose your app, OAuth & Permissions, and copy the Bot User OAuth Token to"
    " BOOKWIZ_SLACK__BOT_TOKEN"
)
_INSTALL = (
    "open BOOKWIZ_WEB__PUBLIC_URL/slack/install in a browser while bookwiz up runs, and approve it"
)
_APP_TOKEN = (
    f"at {_APPS} choose your app, Basic Information, App-Level Tokens: one with the scope"
    " connections:write"
)
_TROUBLES = (SlackApiError, aiohttp.ClientError, TimeoutError, OSError, ValueError)
#: what Slack says of a token, in words
_WHY = {
    "invalid_auth": "that is no token of Slack's, or not any more",
    "not_authed": "there is no token",
    "token_revoked": "the token was revoked",
    "token_expired": "the token has expired",
    "account_inactive": "the app was removed from the workspace",
    "not_allowed_token_type": "that is a token of another kind, or Socket Mode is off",
    "missing_scope": "the token lacks the scope that this needs",
}


async def live(
    settings: SlackSettings, database: Database, hello: Message, *, to: str = ""
) -> AsyncIterator[Finding]:
    """Log in, say where the bot is and what it lacks, try the way in, and greet *to*.

    Writes nothing else, neither there nor here.
    """
    if settings.bot_token is not None:
        tokens, fix = [settings.bot_token.get_secret_value()], _BOT_TOKEN
    else:
        tokens, fix = await _installed(settings, database), _INSTALL
        if not tokens:
            yield Finding(False, "Slack: no workspace has installed the app yet", _INSTALL)
    for token in tokens:
        client = _client(settings, token)
        try:
            who = await client.auth_test()
        except _TROUBLES as error:
            yield _trouble("does not let the bot in", error, fix)
            continue
        name, team = printable(str(who["user"])), printable(str(who["team"]))
        yield Finding(True, f"Slack: logged in as {name} in {team} ({who['team_id']})")
        yield _scopes(str(who.headers.get("x-oauth-scopes", "")))
        if len(tokens) == 1:
            yield await _greeting(client, hello, to)
    if len(tokens) > 1:
        yield Finding(
            True,
            "Slack: no private message was tried, since an id is of one workspace alone",
            "type /bookwiz ping in each of them",
            left_out=True,
        )
    if settings.app_token is not None:
        yield await _socket(settings, settings.app_token.get_secret_value())
    else:
        yield Finding(
            True,
            "Slack: by HTTP, and whether Slack reaches the bot is seen from there alone",
            f"while bookwiz up runs: {_APPS}, your app, Event Subscriptions, Retry",
            left_out=True,
        )


async def _installed(settings: SlackSettings, database: Database) -> list[str]:
    assert settings.client_id is not None
    many = Many(database, settings.client_id, lambda token: _client(settings, token))
    try:
        return await many.store.tokens()
    except SQLAlchemyError:  # which the doctor has said already
        return []


def _client(settings: SlackSettings, token: str) -> AsyncWebClient:
    quiet = logging.getLogger("slack_sdk.doctor")
    quiet.setLevel(logging.CRITICAL)  # what is wrong is said in our words, without tokens
    client = AsyncWebClient(
        token=token.strip(), base_url=settings.api_base, timeout=_SECONDS, logger=quiet
    )
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=2))
    return client


def _scopes(header: str) -> Finding:
    given = {scope.strip() for scope in header.split(",")}
    missing = sorted(set(SCOPES) - given)
    if not missing:
        return Finding(True, "Slack: has every scope that the manifest asks for")
    why = "; ".join(f"{scope} ({SCOPES[scope]})" for scope in missing)
    return Finding(
        False,
        f"Slack: lacks scopes: {why}",
        f"at {_APPS}, your app, App Manifest: paste what bookwiz manifest slack prints; then"
        " Install App, Reinstall to Workspace",
    )


async def _socket(settings: SlackSettings, token: str) -> Finding:
    try:
        await _client(settings, token).apps_connections_open(app_token=token.strip())
    except _TROUBLES as error:
        return _trouble("gives no socket", error, f"{_APP_TOKEN}; Socket Mode must be on")
    return Finding(True, "Slack: gives the bot a socket (Socket Mode)")


async def _greeting(client: AsyncWebClient, hello: Message, to: str) -> Finding:
    if not to:
        return Finding(
            True,
            "Slack: no private message was tried",
            "give --to YOUR-ID: your picture in Slack, Profile, the three dots, Copy member ID",
            left_out=True,
        )

    async def only(_team: str) -> AsyncWebClient:
        return client

    place = Place(platform="slack", channel=f"@{to}", private_to=to)
    with tempfile.TemporaryDirectory() as nothing_in_it:
        sending = Sending(only, FileStore(Path(nothing_in_it), cap=0))
        try:
            await sending.send(place, hello, key=secrets.token_hex(8))
        except (Undeliverable, Retry) as error:
            return _unsaid(to, str(error))
        except SlackApiError as error:
            return _unsaid(to, _said(error))
    return Finding(True, f"Slack: a private message went to {to}: look whether it is there")


def _unsaid(to: str, why: str) -> Finding:
    return Finding(
        False,
        f"Slack: no private message went to {to}: {why}",
        "is that your member ID in this workspace, and may people write to the app (App Home,"
        " Messages Tab)?",
    )


def _trouble(what: str, error: Exception, fix: str) -> Finding:
    if isinstance(error, SlackApiError):
        return Finding(False, f"Slack: {what}: {_said(error)}", fix)
    if isinstance(error, ValueError):  # it does not even fit into a request
        return Finding(False, f"Slack: {what}: {_WHY['invalid_auth']}", fix)
    return Finding(
        False,
        f"Slack: cannot be reached: {type(error).__name__}",
        "can this machine reach BOOKWIZ_SLACK__API_BASE? Else try again later:"
        " https://slack-status.com",
    )


def _said(error: SlackApiError) -> str:
    data = getattr(error.response, "data", None)
    if not isinstance(data, dict):
        return f"HTTP {getattr(error.response, 'status_code', '?')}"
    word = str(data.get("error", ""))
    needed = f" ({data['needed']})" if "needed" in data else ""
    return _WHY.get(word, printable(word)) + needed
