"""Who speaks: names and standing of people, asked of Slack and remembered for a few minutes."""

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.kit.work import Standing

_log = structlog.get_logger(__name__)
_FRESH_SECONDS = 300.0
_MOST = 10_000


@dataclass(frozen=True)
class Somebody:
    """A person of a workspace."""

    name: str
    standing: Standing
    zone: str = ""


class People:
    """What Slack says of people. Where it does not answer, they are nobody in particular."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], tuple[float, Somebody]] = OrderedDict()
        self._groups: dict[str, tuple[float, dict[str, frozenset[str]]]] = {}
        self._names: dict[str, str] = {}

    async def know(self, client: AsyncWebClient, team: str, user: str) -> Somebody:
        key = (team, user)
        at, somebody = self._known.get(key, (float("-inf"), None))
        if somebody is None or time.monotonic() - at > _FRESH_SECONDS:
            somebody = await self._ask(client, team, user)
            self._known[key] = (time.monotonic(), somebody)
            while len(self._known) > _MOST:
                self._known.popitem(last=False)
        return somebody

    def forget(self, team: str, user: str) -> None:
        """Ask anew next time: something changed."""
        self._known.pop((team, user), None)

    async def _ask(self, client: AsyncWebClient, team: str, user: str) -> Somebody:
        try:
            said: dict[str, Any] = (await client.users_info(user=user))["user"]
        except SlackApiError as error:
            _log.warning("slack.person_unknown", error=error.response["error"])
            return Somebody(user, Standing(space=team, known=False))
        profile = said.get("profile", {})
        name = profile.get("display_name") or profile.get("real_name") or said.get("name") or user
        groups = await self._groups_of(client, team)
        return Somebody(
            name,
            Standing(
                space=team,
                space_name=await self._name(client, team),
                roles=frozenset(g for g, members in groups.items() if user in members),
                administers=bool(said.get("is_admin") or said.get("is_owner")),
            ),
            zone=said.get("tz") or "",
        )

    async def _groups_of(self, client: AsyncWebClient, team: str) -> dict[str, frozenset[str]]:
        at, groups = self._groups.get(team, (float("-inf"), {}))
        if time.monotonic() - at > _FRESH_SECONDS:
            try:
                answer = await client.usergroups_list(include_users=True)
                groups = {g["id"]: frozenset(g.get("users", ())) for g in answer["usergroups"]}
            except SlackApiError as error:  # a free plan has none
                _log.debug("slack.no_groups", error=error.response["error"])
            self._groups[team] = (time.monotonic(), groups)
        return groups

    async def _name(self, client: AsyncWebClient, team: str) -> str:
        if team not in self._names:
            try:
                self._names[team] = (await client.auth_test())["team"]
            except SlackApiError:
                return ""
        return self._names[team]
