"""What is reached by HTTP: by Slack, where there is no socket, and by who installs the bot."""

from http import HTTPStatus

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.chat.slack.manifest import EVENTS_PATH, INSTALL_PATH, REDIRECT_PATH

_log = structlog.get_logger(__name__)
_MOST_BYTES = 1_000_000  # a form of Slack's with every field full is a third of it


class Doors:
    """Takes what Slack sends, if it is signed with our secret and no older than five minutes.

    slack-bolt looks at the signature, before anything else. What it does not know it refuses.
    """

    def __init__(self, app: AsyncApp) -> None:
        self._app = app

    def routes(self) -> list[web.AbstractRouteDef]:
        return [web.post(EVENTS_PATH, self._events)]

    async def _events(self, request: web.Request) -> web.Response:
        try:
            body = (await _read(request)).decode()
        except UnicodeDecodeError:
            return web.Response(status=HTTPStatus.BAD_REQUEST)
        answer = await self._app.async_dispatch(
            AsyncBoltRequest(body=body, query=request.query_string, headers=dict(request.headers))
        )
        if answer.status == HTTPStatus.UNAUTHORIZED:
            _log.warning("slack.not_signed", fix="is BOOKWIZ_SLACK__SIGNING_SECRET this app's?")
        return await to_aiohttp_response(answer)


class InstallDoors:
    """Lets admins of workspaces install the bot."""

    def __init__(self, flow: AsyncOAuthFlow) -> None:
        self._flow = flow

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get(INSTALL_PATH, self._install, allow_head=False),
            web.get(REDIRECT_PATH, self._redirect, allow_head=False),
        ]

    async def _install(self, request: web.Request) -> web.Response:
        asked = await to_bolt_request(request)
        return await to_aiohttp_response(await self._flow.handle_installation(asked))

    async def _redirect(self, request: web.Request) -> web.Response:
        asked = await to_bolt_request(request)
        return await to_aiohttp_response(await self._flow.handle_callback(asked))


async def _read(request: web.Request) -> bytes:
    """The body of *request*, which is kept in memory: so not just any size.

    Raises:
        web.HTTPRequestEntityTooLarge: It is more than Slack ever sends.
    """
    kept = bytearray()
    async for chunk in request.content.iter_any():
        kept += chunk
        if len(kept) > _MOST_BYTES:
            raise web.HTTPRequestEntityTooLarge(max_size=_MOST_BYTES, actual_size=len(kept))
    return bytes(kept)
