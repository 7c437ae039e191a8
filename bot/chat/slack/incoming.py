"""What people do at Slack becomes an invocation; what the core says goes back to them."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.slack.address import Address
from bot.chat.slack.answering import Answering, Asked, note
from bot.chat.slack.files import Downloads
from bot.chat.slack.forms import Origin, errors_of, note_of, options_of, values_of, view_of
from bot.chat.slack.people import People
from bot.chat.slack.typed import line_of, without_mention
from bot.kit.blocks import words
from bot.kit.command import Command, Quote, Refusal, Upload
from bot.kit.core import Answer, Core, Invocation

_log = structlog.get_logger(__name__)
_EVERY = re.compile(".*")
_UNNAMED = {"privategroup", "directmessage", "mpdm"}
_SOON = 2.0  # seconds in which a form that was sent is answered in place; Slack waits for three
Body = dict[str, Any]
Ack = Callable[..., Awaitable[Any]]


class Incoming:
    """Listens to commands, forms, buttons and shortcuts of all workspaces."""

    def __init__(
        self, core: Core, answering: Answering, downloads: Downloads, *, single: bool
    ) -> None:
        """Prepare.

        Args:
            core: Carries out what is asked.
            answering: Brings its answers back.
            downloads: Fetches what was attached.
            single: Whether there is one workspace only, whose ids stand alone.
        """
        self.core, self.answering, self._downloads = core, answering, downloads
        self._single = single
        self.people = People()

    def listen(self, app: AsyncApp) -> None:
        app.command(_EVERY)(self.command)
        app.action(re.compile("^say:"))(self.press)
        app.view("form")(self.submit)
        app.view("note")(self.close)
        app.options(_EVERY)(self.suggest)
        app.shortcut(_EVERY)(self.shortcut)

    def asked(self, client: AsyncWebClient, body: Body, *, once: str, **more: Any) -> Asked:
        user = body.get("user_id") or (body.get("user") or {}).get("id")
        team = body.get("team_id") or (body.get("team") or {}).get("id") or ""
        return Asked(
            client=client,
            team="" if self._single else team,
            user=str(user),
            once=f"slack:{once}" if once else "",
            trigger=body.get("trigger_id", ""),
            response_url=body.get("response_url", ""),
            asked_at=time.time(),
            space=team,
            public=_public(body),
            **more,
        )

    def handle_of(self, team: str, user: str) -> str:
        """How the community knows somebody of a workspace."""
        return str(Address("" if self._single else team, user))

    async def invocation(self, asked: Asked, **more: Any) -> Invocation:
        somebody = await self.people.know(asked.client, asked.space, asked.user)
        return Invocation(
            platform="slack",
            handle=asked.handle,
            name=somebody.name,
            place=asked.place,
            standing=somebody.standing,
            once=asked.once,
            **more,
        )

    async def run(self, asked: Asked, *, files: list[Body] | None = None, **more: Any) -> Answer:
        """Fetch what was attached, and carry it out."""
        try:
            uploads = [await self._downloads.fetch(asked.client, f) for f in files or ()]
        except Refusal as refusal:
            return self.core.refuse(refusal)
        return await self.core.handle(
            await self.invocation(asked, attachments=tuple(uploads), **more)
        )

    async def command(self, ack: Ack, command: Body, client: AsyncWebClient) -> None:
        await ack()
        asked = self.asked(
            client, command, once=command["trigger_id"], channel=command["channel_id"]
        )
        line = f"{command['command']} {line_of(command.get('text', ''))}"
        await self.answering.show(asked, await self.run(asked, line=line, fileless=True))

    async def press(self, ack: Ack, body: Body, client: AsyncWebClient) -> None:
        await ack()
        container = body.get("container") or {}
        [action] = body["actions"][:1]
        message = body.get("message") or {}
        asked = self.asked(
            client,
            body,
            once=f"{body.get('trigger_id')}",
            channel=container.get("channel_id", ""),
            thread=message.get("thread_ts", ""),
        )
        await self.answering.show(asked, await self.run(asked, line=action["value"], fileless=True))

    async def shortcut(self, ack: Ack, body: Body, client: AsyncWebClient) -> None:
        await ack()
        name = body["callback_id"]
        command = next(
            (c for c in self.core.services.commands.values() if callback_of(c) == name), None
        )
        channel = (body.get("channel") or {}).get("id", "")
        asked = self.asked(client, body, once=body["trigger_id"], channel=channel)
        if command is None:
            gone = Refusal(
                "That shortcut is not there any more.",
                code="E_COMMAND",
                fix="An admin brings the app up to date with: bookwiz manifest slack",
            )
            await self.answering.show(asked, self.core.refuse(gone))
            return
        values = await self._pointed(client, command, body)
        await self.answering.show(
            asked, await self.run(asked, command=command.name, values=values, fileless=True)
        )

    async def _pointed(self, client: AsyncWebClient, command: Command, body: Body) -> Body:
        """The message that a shortcut was used on, as the command's argument."""
        message = body.get("message")
        if command.menu_argument is None or message is None:
            return {}
        link = ""
        try:
            answer = await client.chat_getPermalink(
                channel=body["channel"]["id"], message_ts=message["ts"]
            )
            link = answer["permalink"]
        except SlackApiError as error:
            _log.debug("slack.no_link", error=error.response["error"])
        author = message.get("user", "")
        quote = Quote(text=line_of(message.get("text", ""))[:4000], author=author, link=link)
        return {command.menu_argument.name: quote}

    async def suggest(self, ack: Ack, body: Body, client: AsyncWebClient) -> None:
        """Values for a field of a form, while somebody types."""
        origin = Origin.unpacked((body.get("view") or {}).get("private_metadata") or "{}")
        values, _ = values_of(body["view"])
        asked = self.asked(client, body, once="", channel=origin.channel)
        invocation = await self.invocation(asked, command=origin.command, values=values)
        found = await self.core.suggest(invocation, body["block_id"], body.get("value", ""))
        await ack(options=options_of(found))

    async def submit(self, ack: Ack, body: Body, view: Body, client: AsyncWebClient) -> None:
        """Carry out a form. What was wrong is shown in it, with what was typed."""
        origin = Origin.unpacked(view["private_metadata"])
        asked = self.asked(client, body, once="").later(
            origin, f"slack:{view['id']}:{view.get('hash', '')}"
        )
        work = asyncio.create_task(self._carry_out(asked, origin, view))
        done, _ = await asyncio.wait({work}, timeout=_SOON)
        if not done:
            await ack(response_action="update", view=note_of("At it", "Working on it …"))
            answer = await work
            await self._show_in(client, view, answer, origin)
        else:
            answer = work.result()
            if answer.form is not None and (errors := errors_of(answer.form)):
                await ack(response_action="errors", errors=errors)
            elif answer.form is not None:
                await ack(response_action="update", view=view_of(answer.form, origin))
            else:
                await ack()
        if answer.form is None:
            await self.answering.show(asked, answer)

    async def _carry_out(self, asked: Asked, origin: Origin, view: Body) -> Answer:
        values, files = values_of(view)
        uploads: dict[str, Upload] = {}
        try:
            for name, given in files.items():
                for file in given[:1]:
                    uploads[name] = await self._downloads.fetch(asked.client, file)
        except Refusal as refusal:
            return self.core.refuse(refusal)
        return await self.run(
            asked, command=origin.command, values={**values, **uploads}, submitted=True
        )

    async def _show_in(
        self, client: AsyncWebClient, view: Body, answer: Answer, origin: Origin
    ) -> None:
        if answer.form is not None:
            shown: Body = view_of(answer.form, origin)
        else:
            said = words(answer.message) if answer.message else "Done."
            shown = note(answer, said)
        try:
            await client.views_update(view_id=view["id"], view=shown)
        except SlackApiError as error:  # it was closed; the answer itself comes all the same
            _log.debug("slack.view_closed", error=error.response["error"])

    async def close(self, ack: Ack) -> None:
        await ack()

    async def hear(self, event: Body, body: Body, client: AsyncWebClient, bot: str) -> None:
        """A command written as a message: to the bot alone, or with a mention of it."""
        team = body.get("team_id", "")
        asked = Asked(
            client=client,
            team="" if self._single else team,
            user=event["user"],
            once=f"slack:{body['event_id']}",
            channel=event["channel"],
            thread=event.get("thread_ts", ""),
            asked_at=time.time(),
            space=team,
        )
        line = line_of(without_mention(event.get("text", ""), bot)) or "bookwiz help"
        answer = await self.run(asked, line=line, files=event.get("files"))
        if answer.form is not None:
            answer = self._in_words(answer)
        await self.answering.show(asked, answer)

    def _in_words(self, answer: Answer) -> Answer:
        """A message can open no form: say what is missing instead."""
        assert answer.form is not None
        command = self.core.services.commands[answer.form.command]
        lacking = Refusal(
            f"/{command.name} needs more than that.",
            code="E_MISSING",
            expected=command.usage,
            fix="Write all of it in one message, or type the slash command: it opens a form.",
        )
        return self.core.refuse(lacking)


def _public(body: Body) -> bool:
    """Whether what happened did so in a public channel: Slack names no other one."""
    name = body.get("channel_name") or (body.get("channel") or {}).get("name")
    return bool(name) and name not in _UNNAMED


def callback_of(command: Command) -> str:
    """What Slack calls the shortcut or menu of a command."""
    return command.name.replace(" ", "_")
