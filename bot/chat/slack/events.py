"""What Slack tells of by itself: the home that opens, messages to the bot, people and channels."""

from typing import Any

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.slack.blocks import parts
from bot.chat.slack.incoming import Body, Incoming
from bot.chat.slack.workspaces import Many, One

_log = structlog.get_logger(__name__)
_MOST_BLOCKS = 100
_GONE = {
    "tokens_revoked": "the bot's token was revoked",
    "app_uninstalled": "the app was uninstalled from the workspace",
}


class Events:
    """Listens to events. Slack sends one again when it thinks that we missed it."""

    def __init__(self, incoming: Incoming, workspaces: One | Many) -> None:
        self._incoming, self._workspaces = incoming, workspaces

    def listen(self, app: AsyncApp) -> None:
        for kind, run in {
            "app_home_opened": self.home,
            "message": self.message,
            "app_mention": self.mention,
            "user_change": self.person,
            "team_join": self.person,
            "tokens_revoked": self.gone,
            "app_uninstalled": self.gone,
        }.items():
            app.event(kind)(run)

    async def message(self, event: Body, body: Body, client: AsyncWebClient, context: Any) -> None:
        """A direct message to the bot is a command; in channels it reads none."""
        from_person = event.get("subtype") in {None, "file_share"} and not event.get("bot_id")
        if event.get("channel_type") == "im" and from_person and event.get("user"):
            await self._incoming.hear(event, body, client, context.bot_user_id or "")

    async def mention(self, event: Body, body: Body, client: AsyncWebClient, context: Any) -> None:
        if not event.get("bot_id") and event.get("user"):
            await self._incoming.hear(event, body, client, context.bot_user_id or "")

    async def home(self, event: Body, body: Body, client: AsyncWebClient) -> None:
        """Show what there is for this person, as ``/bookwiz home`` does."""
        if event.get("tab") != "home":
            return
        asked = self._incoming.asked(
            client,
            {"user_id": event["user"], "team_id": body.get("team_id", "")},
            once="",
        )
        command = "home" if "bookwiz home" in self._incoming.core.services.commands else "start"
        invocation = await self._incoming.invocation(asked, command=f"bookwiz {command}")
        answer = await self._incoming.core.handle(invocation)
        if answer.message is None:
            return
        blocks = [b for part in parts(answer.message, {}) for b in part.blocks][:_MOST_BLOCKS]
        try:
            await client.views_publish(
                user_id=event["user"], view={"type": "home", "blocks": blocks}
            )
        except SlackApiError as error:
            _log.warning("slack.home_not_shown", error=error.response["error"])

    async def person(self, event: Body, body: Body) -> None:
        """Somebody is new, changed, or not there any more: then nothing is written to them."""
        user, team = event.get("user") or {}, body.get("team_id", "")
        self._incoming.people.forget(team, user.get("id", ""))
        if user.get("deleted"):
            handle = self._incoming.handle_of(team, user["id"])
            await self._incoming.core.left("slack", handle)

    async def gone(self, event: Body, body: Body) -> None:
        """The app was removed from the workspace, or its token taken back."""
        if event["type"] == "tokens_revoked" and not event.get("tokens", {}).get("bot"):
            return  # somebody's own
        why = _GONE[event["type"]]
        await self._workspaces.lost(body.get("team_id", ""), why, at=float(body["event_time"]))
