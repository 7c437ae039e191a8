"""Brings an answer to whoever asked: by the address that Slack gave, while it works, else by a message."""

import time
from dataclasses import dataclass, replace
from http import HTTPStatus

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.slack.address import Address
from bot.chat.slack.blocks import MOST_PARTS
from bot.chat.slack.forms import Origin, note_of, view_of
from bot.chat.slack.sending import Sending
from bot.kit.core import Answer, Core
from bot.kit.message import File, Message, Place

_log = structlog.get_logger(__name__)
_URL_SECONDS = 29 * 60  # Slack takes it for 30 minutes
_URL_USES = 4  # and five times; one is kept
_PATIENCE = aiohttp.ClientTimeout(total=10)


@dataclass(frozen=True)
class Asked:
    """Somebody did something, and where an answer may go."""

    client: AsyncWebClient
    team: str
    user: str
    once: str  #: Slack's id of this very request
    channel: str = ""  #: empty: outside of any
    thread: str = ""
    public: bool = False  #: Slack says that the channel is open to the workspace
    trigger: str = ""  #: lets a form open, for three seconds
    response_url: str = ""
    asked_at: float = 0.0
    space: str = ""  #: the workspace, also where ids stand alone

    @property
    def handle(self) -> str:
        return str(Address(self.team, self.user))

    @property
    def direct(self) -> Place:
        return Place(platform="slack", channel=f"@{self.handle}", private_to=self.handle)

    @property
    def place(self) -> Place:
        """Where it was asked. Direct messages are their person's, not their channel's."""
        if not self.channel or self.channel.startswith("D"):
            return self.direct
        channel = str(Address(self.team, self.channel))
        return Place(
            platform="slack", channel=channel, thread=self.thread or None, public=self.public
        )

    def origin(self, command: str) -> Origin:
        return Origin(command, self.channel, self.thread, self.response_url, self.asked_at)

    def later(self, origin: Origin, once: str) -> "Asked":
        """The same person, sending the form that was asked for at *origin*."""
        return replace(
            self,
            once=once,
            channel=origin.channel,
            thread=origin.thread,
            response_url=origin.response_url,
            asked_at=origin.asked_at,
        )


class Answering:
    """Shows answers."""

    def __init__(self, core: Core, sending: Sending) -> None:
        self._core, self._sending = core, sending

    async def show(self, asked: Asked, answer: Answer) -> None:
        """Show *answer* where it was asked for, to all or to one."""
        if answer.repeated:
            return
        if answer.form is not None:
            await self._open(asked, answer)
        elif answer.message is not None:
            await self.say(asked, answer.message)

    async def say(self, asked: Asked, message: Message) -> None:
        if not await self._by_url(asked, message):
            place = asked.direct if message.private else asked.place
            private = place.private_to is not None
            message = message.model_copy(update={"private": private})
            await self._core.post(place, message, key=f"answer:{asked.once}")

    async def _open(self, asked: Asked, answer: Answer) -> None:
        assert answer.form is not None
        origin = asked.origin(answer.form.command)
        try:
            await asked.client.views_open(
                trigger_id=asked.trigger, view=view_of(answer.form, origin)
            )
        except SlackApiError as error:
            _log.warning("slack.form_not_opened", error=error.response["error"])
            await self.show(asked, self._core.too_late(answer.form.command))

    async def _by_url(self, asked: Asked, message: Message) -> bool:
        """Whether Slack took it at the address it gave for answers."""
        has_files = any(isinstance(block, File) for block in message.blocks)
        if not asked.response_url or has_files or time.time() - asked.asked_at > _URL_SECONDS:
            return False
        made = await self._sending.made(asked.team, message)
        if len(made) > min(_URL_USES, MOST_PARTS):
            return False
        kind = "ephemeral" if message.private else "in_channel"
        async with aiohttp.ClientSession(timeout=_PATIENCE) as session:
            for number, part in enumerate(made):
                said = {
                    "response_type": kind,
                    "replace_original": False,
                    "text": part.text,
                    "blocks": part.blocks,
                    **({"thread_ts": asked.thread} if asked.thread else {}),
                }
                try:
                    async with session.post(asked.response_url, json=said) as response:
                        taken = response.status == HTTPStatus.OK
                except (aiohttp.ClientError, TimeoutError):
                    taken = False
                if not taken:
                    return number > 0  # the first parts stand there; no second time from the start
        return True


def note(answer: Answer, words: str) -> dict[str, object]:
    """A modal that tells how *answer* ended."""
    return note_of("Not done" if answer.refused else "Done", words)
