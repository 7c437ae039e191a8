"""response_urls: five uses within thirty minutes, then none."""

from dataclasses import dataclass

from aiohttp import web

from . import limits
from .blocks import check_blocks, too_long
from .deeds import Deed


@dataclass(eq=False)
class Hook:
    """One response_url."""

    deed: Deed
    at: float
    uses: int = 0


class Hooks:
    """All response_urls that were given out."""

    def __init__(self, fake):
        self._fake = fake
        self._hooks = {}

    def give(self, deed):
        """Give a fresh response_url for *deed*."""
        name = f"{deed.person.team.id}/{len(self._hooks) + 1}/{self._fake.ids('r')}"
        self._hooks[name] = Hook(deed, self._fake.clock.now())
        return f"{self._fake.origin}/response/{name}"

    async def serve(self, request):
        """Take what the app posts to a response_url."""
        body = await request.json()
        self._fake.record("response_url", body, request.headers, "")
        hook = self._hooks.get(request.match_info["name"])
        trouble = self._trouble(hook, body)
        if trouble:
            return web.json_response({"ok": False, "error": trouble}, status=404)
        hook.uses += 1
        self._fake.responded(hook.deed, body)
        return web.Response(text="ok")

    def _trouble(self, hook, body):
        if hook is None:
            return "invalid_url"
        if self._fake.clock.now() - hook.at > limits.RESPONSE_URL_SECONDS:
            return "expired_url"
        if hook.uses >= limits.RESPONSE_URL_USES:
            return "used_url"
        if body.get("blocks"):
            if check_blocks(body["blocks"]):
                return "invalid_blocks"
            if too_long(body["blocks"]):
                return "msg_blocks_too_long"
        elif not body.get("text") and not body.get("delete_original"):
            return "no_text"
        return None
