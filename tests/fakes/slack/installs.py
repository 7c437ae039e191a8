"""Installing the app by OAuth: the page where an admin approves, and the code the app redeems."""

from dataclasses import dataclass, field
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from yarl import URL

from .world import ALL_SCOPES


@dataclass(eq=False)
class Installs:
    """Every approval that was given."""

    fake: object
    codes: dict = field(default_factory=dict)

    async def install(self, person, start, *, approve=True):
        """Walk *person*'s browser from the app's install page to the end; give status and page.

        The page may redirect to Slack at once or show a link to it, as slack-bolt does.
        """
        here = URL(start).origin()  # browsers send cookies for https to their own machine, too
        jar = aiohttp.CookieJar(unsafe=True, treat_as_secure_origin=[here])
        async with aiohttp.ClientSession(cookie_jar=jar) as browser:
            async with browser.get(start, allow_redirects=False) as first:
                page = await first.text()
                onward = first.headers.get("Location") or self._link(page)
            at_slack = URL(onward).update_query(fake_person=person.id, fake_approves=int(approve))
            async with browser.get(at_slack, allow_redirects=False) as approved:
                assert approved.status == 302, await approved.text()
                back = approved.headers["Location"]
            async with browser.get(URL(back, encoded=True)) as last:
                return last.status, await last.text()

    def _link(self, page):
        start = page.index(self.fake.authorize_url)
        return page[start : page.index('"', start)].replace("&amp;", "&")

    async def authorize(self, request):
        """Serve Slack's page of approval, at which the person decides at once."""
        query = request.query
        if query.get("client_id") != self.fake.client[0]:
            return web.Response(status=400, text="invalid client_id")
        back = query.get("redirect_uri") or self.fake.redirect_uri
        if not query.get("fake_person"):
            return web.Response(text="sign in first")
        if query.get("fake_approves") != "1":
            answer = {"error": "access_denied", "state": query.get("state", "")}
        else:
            code = self.fake.ids("code")
            asked = [scope for scope in query.get("scope", "").split(",") if scope]
            unknown = set(asked) - ALL_SCOPES
            if unknown:
                return web.Response(status=400, text=f"invalid_scope: {sorted(unknown)}")
            self.codes[code] = query["fake_person"], asked, query.get("redirect_uri")
            answer = {"code": code, "state": query.get("state", "")}
        joined = "&" if "?" in back else "?"
        raise web.HTTPFound(f"{back}{joined}{urlencode(answer)}")

    def redeem(self, code, redirect_uri, *, refuse):
        """Give who approved, the scopes and a fresh token for a code, which is good once."""
        if code not in self.codes:
            raise refuse("invalid_code")
        person_id, scopes, asked_from = self.codes.pop(code)
        if (asked_from or None) != (redirect_uri or None):
            raise refuse("bad_redirect_uri")
        person = next(p for team in self.fake.teams for p in team.people if p.id == person_id)
        person.team.gone = False
        token = self.fake.issue(person.team, scopes)
        return person, scopes, token
