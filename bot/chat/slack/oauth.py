"""Installing by OAuth: from the page that sends to Slack, back to one that says how it went."""

from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urljoin

from slack_bolt.oauth.async_callback_options import (
    AsyncCallbackOptions,
    AsyncFailureArgs,
    AsyncSuccessArgs,
)
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_bolt.response import BoltResponse
from slack_sdk.oauth.state_store.sqlalchemy import AsyncSQLAlchemyOAuthStateStore
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.slack.manifest import INSTALL_PATH, REDIRECT_PATH, SCOPES
from bot.chat.slack.workspaces import Many, OurEngine
from bot.config import SlackSettings
from bot.kit.core import Core

_STATE_SECONDS = 600
_AUTHORIZE_PATH = "/oauth/v2/authorize"  # beside the Web API's address
# No script runs in our pages, and nobody may frame them.
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_START_AGAIN = "Start again, in one browser, and approve within ten minutes."
_WHY = {
    "access_denied": ("Nothing was installed", "You said no at Slack. That is fine."),
    "invalid_browser": ("This did not begin in this browser", _START_AGAIN),
    "invalid_state": ("That took too long, or was done already", _START_AGAIN),
    "missing_code": ("Slack sent nothing to go on with", _START_AGAIN),
    "invalid_code": ("Slack did not take its own code", _START_AGAIN),
}
_NEXT = (
    "Say hello: /bookwiz start shows what there is. Where it shall write, invite it with /invite,"
    " and tell it with /admin channels what goes where."
)
_ELSE = ("Slack did not let the bot in", _START_AGAIN)


def flow_for(
    core: Core,
    settings: SlackSettings,
    workspaces: Many,
    client: AsyncWebClient,
    *,
    public_url: str,
) -> AsyncOAuthFlow:
    """slack-bolt's flow, with our database and our pages."""
    assert settings.client_secret is not None
    pages = _Pages(core)
    options = AsyncOAuthSettings(
        client_id=settings.client_id,
        client_secret=settings.client_secret.get_secret_value(),
        scopes=sorted(SCOPES),
        user_scopes=[],
        redirect_uri=f"{public_url.rstrip('/')}{REDIRECT_PATH}" if public_url else None,
        install_path=INSTALL_PATH,
        install_page_rendering_enabled=False,  # straight on to Slack, which asks anyway
        redirect_uri_path=REDIRECT_PATH,
        authorization_url=urljoin(settings.api_base, _AUTHORIZE_PATH),
        callback_options=AsyncCallbackOptions(success=pages.success, failure=pages.failure),
        installation_store=workspaces.store,
        installation_store_bot_only=True,
        state_store=AsyncSQLAlchemyOAuthStateStore(
            _STATE_SECONDS,
            OurEngine(core.database),  # type: ignore[arg-type] # as much of one as it uses
            logger=workspaces.store.logger,
        ),
        state_expiration_seconds=_STATE_SECONDS,
        logger=workspaces.store.logger,
    )
    return AsyncOAuthFlow(client=client, logger=workspaces.store.logger, settings=options)


class _Pages:
    """What an admin's browser shows at the end."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def success(self, args: AsyncSuccessArgs) -> BoltResponse:
        installed = args.installation
        there = urlencode({"app": installed.app_id, "team": installed.team_id})
        return self._page(
            HTTPStatus.OK,
            title=f"The bot is in {installed.team_name or 'your workspace'}",
            lines=[_NEXT],
            link=f"https://slack.com/app_redirect?{there}",
            label="Open it in Slack",
        )

    async def failure(self, args: AsyncFailureArgs) -> BoltResponse:
        title, fix = _WHY.get(args.reason, _ELSE)
        status = HTTPStatus(args.suggested_status_code)
        return self._page(
            status, title=title, lines=[fix], link=INSTALL_PATH, label="Add it to Slack"
        )

    def _page(self, status: HTTPStatus, **values: Any) -> BoltResponse:
        words = self._core.services.renderer.page("kit/notice.html.j2", values)
        return BoltResponse(status=status, headers=dict(_HEADERS), body=words)
