"""Says at Slack what the outbox holds: once, at Slack's pace, and where it cannot, why."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.slack import arrived
from bot.chat.slack.address import Address, parse
from bot.chat.slack.blocks import MOST_PARTS, Part, parts
from bot.chat.slack.files import Pictures
from bot.kit.command import Retry
from bot.kit.files import FileStore
from bot.kit.gates import Gate
from bot.kit.message import File, Image, Message, MessageRef, Place
from bot.kit.outbox import Undeliverable

_log = structlog.get_logger(__name__)
_PLAIN = 3_000
_LATER = timedelta(seconds=5)
_AWAY = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
#: what Slack says when trying again is no use, and what that means to a moderator
_GONE = {
    "channel_not_found": "the channel is gone, or the bot was never in it",
    "is_archived": "the channel is archived",
    "not_in_channel": "the bot is not in the channel: /invite it there",
    "restricted_action": "the workspace does not let the bot write there",
    "message_not_found": "the message was deleted",
    "cant_update_message": "the message is not the bot's",
    "thread_not_found": "the thread is gone",
    "user_not_found": "that person is not in the workspace",
    "user_disabled": "that person's account is closed",
    "cannot_dm_bot": "that is a bot, not a person",
    "messages_tab_disabled": "direct messages to the bot are turned off",
    "account_inactive": "the bot was removed from the workspace",
    "invalid_auth": "the bot's token is not valid any more",
    "not_authed": "there is no token for that workspace",
    "token_revoked": "the bot's token was revoked",
    "token_expired": "the bot's token has expired",
    "team_not_found": "the bot is not installed in that workspace",
}
_REMOVED = {"message_not_found", "cant_update_message"}
_BAD_BLOCKS = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"}
ClientFor = Callable[[str], Awaitable[AsyncWebClient]]


class Sending:
    """The kit's ``Sends`` on Slack."""

    def __init__(self, client_for: ClientFor, files: FileStore) -> None:
        """Prepare.

        Args:
            client_for: Gives the client of a workspace; of the only one for "".
            files: Where pictures and files of messages are.
        """
        self._client_for, self._files = client_for, files
        self._pictures = Pictures(files)
        self._gate = Gate(every=1.05, burst=1, now=time.monotonic)
        self._direct: dict[str, str] = {}  # channels of direct messages, by account

    async def send(
        self, place: Place, message: Message, *, key: str, since: datetime | None = None
    ) -> MessageRef:
        where = parse(place.private_to or place.channel)
        there: dict[int, str] = {}  # part → ts
        async with _in_our_words(there):
            client = await self._client_for(where.team)
            channel = await self._channel(client, where, place)
            self._pass(channel)  # before looking, too: each look is a call
            if since:
                there |= await arrived.parts_of(client, channel, place.thread, key, since)
            again = bool(there)
            made = await self._parts(client, where.team, message)
            for number, part in enumerate(made):
                if number not in there:
                    there[number] = await self._post(
                        client, channel, part, thread=place.thread,
                        metadata=arrived.mark(key, number), first=not there,
                    )  # fmt: skip
            root = place.thread or there[0]
            known: tuple[str, ...] = ()
            if since and again and (files := _files(message)):
                known = await arrived.files_of(client, channel, root, files, self._files, since)
            shared = await self._offer(client, channel, root, message, known)
        here = Place(platform="slack", channel=str(Address(where.team, channel)))
        if place.room is not None and not place.room.people:  # a thread hangs on what began it
            here = here.model_copy(update={"thread": there[0]})
        return MessageRef(
            platform="slack",
            channel=here.channel,
            room=here if place.room is not None else None,
            # Also the parts of longer words that an earlier try said: the next edit removes them.
            id=",".join(there[number] for number in sorted(there)),
            files=shared,
        )

    async def edit(self, ref: MessageRef, message: Message) -> MessageRef:
        where = parse(ref.channel)
        async with _in_our_words():
            client = await self._client_for(where.team)
            made = await self._parts(client, where.team, message)
            stamps = ref.id.split(",")
            for stamp, part in zip(stamps, made, strict=False):
                await self._update(client, where.id, stamp, part)
            for stamp in stamps[len(made) :]:
                await client.chat_delete(channel=where.id, ts=stamp)
            more = await self._more(client, where.id, stamps, made)
            now = [*stamps[: len(made)], *more]
            files = await self._offer(client, where.id, stamps[0], message, ref.files)
        return ref.model_copy(update={"id": ",".join(now), "files": files})

    async def _more(
        self, client: AsyncWebClient, channel: str, stamps: list[str], made: list[Part]
    ) -> list[str]:
        """Post the parts beyond those that stand, unless an edit that broke off did so."""
        if len(made) <= len(stamps):
            return []
        root, key = stamps[0], f"more of {stamps[0]}"
        since = datetime.fromtimestamp(float(root), UTC)
        there = await arrived.parts_of(client, channel, root, key, since)
        for number in range(len(stamps), len(made)):
            if number not in there:
                there[number] = await self._post(
                    client, channel, made[number], thread=root,
                    metadata=arrived.mark(key, number), first=False,
                )  # fmt: skip
        return [there[number] for number in range(len(stamps), len(made))]

    async def made(self, team: str, message: Message) -> list[Part]:
        """*message* as it is posted, its pictures uploaded: for whoever posts by another way."""
        return await self._parts(await self._client_for(team), team, message)

    def _pass(self, channel: str) -> None:
        if wait := self._gate.enter(channel):
            raise Retry(timedelta(seconds=wait), "one message a second and channel", unsent=True)

    async def _wait(self, channel: str) -> None:
        while wait := self._gate.enter(channel):  # noqa: ASYNC110 - time passes; nothing tells of it
            await asyncio.sleep(wait)

    async def _channel(self, client: AsyncWebClient, where: Address, place: Place) -> str:
        if place.room is not None and place.room.people:
            people = [parse(handle).id for handle in place.room.people]
            return str((await client.conversations_open(users=people))["channel"]["id"])
        if place.private_to is None:
            return where.id
        if str(where) not in self._direct:
            answer = await client.conversations_open(users=[where.id])
            self._direct[str(where)] = answer["channel"]["id"]
        return self._direct[str(where)]

    async def _parts(self, client: AsyncWebClient, team: str, message: Message) -> list[Part]:
        pictures = {}
        for block in message.blocks:
            if isinstance(block, Image) and (file := await self._picture(client, team, block)):
                pictures[block.sha256] = file
        made = parts(message, pictures)
        if len(made) <= MOST_PARTS:
            return made
        stored = await self._files.add(message.plain().encode())
        whole = File(sha256=stored.sha256, name="message.md", label="All of it: message.md")
        head = parts(message.model_copy(update={"blocks": (whole,)}), {})[0]
        return [*made[: MOST_PARTS - 1], head]

    async def _picture(self, client: AsyncWebClient, team: str, image: Image) -> str | None:
        try:
            return await self._pictures.show(client, team, image)
        except SlackApiError as error:
            if error.response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
                raise
            # The words say what it shows; a message without its picture is better than none.
            _log.warning("slack.picture_not_sent", error=_word(error))
            return None

    async def _post(
        self,
        client: AsyncWebClient,
        channel: str,
        part: Part,
        *,
        thread: str | None,
        first: bool,
        metadata: dict[str, Any] | None = None,
    ) -> str:
        if not first:
            await self._wait(channel)
        given: dict[str, Any] = {
            "channel": channel,
            "thread_ts": thread,
            "metadata": metadata,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        try:
            answer = await client.chat_postMessage(text=part.text, blocks=part.blocks, **given)
        except SlackApiError as error:
            said = _word(error)
            if said == "not_in_channel":
                await client.conversations_join(channel=channel)  # a public one it may enter
                answer = await client.chat_postMessage(text=part.text, blocks=part.blocks, **given)
            elif said in _BAD_BLOCKS:
                _log.error("slack.blocks_refused", error=said, why=_messages(error))
                answer = await client.chat_postMessage(text=part.text[:_PLAIN], **given)
            else:
                raise
        return str(answer["ts"])

    async def _update(self, client: AsyncWebClient, channel: str, stamp: str, part: Part) -> None:
        try:
            await client.chat_update(channel=channel, ts=stamp, text=part.text, blocks=part.blocks)
        except SlackApiError as error:
            if _word(error) not in _BAD_BLOCKS:
                raise
            _log.error("slack.blocks_refused", error=_word(error), why=_messages(error))
            await client.chat_update(channel=channel, ts=stamp, text=part.text[:_PLAIN], blocks=[])

    async def _offer(
        self,
        client: AsyncWebClient,
        channel: str,
        thread: str,
        message: Message,
        known: tuple[str, ...],
    ) -> tuple[str, ...]:
        """Share the files of *message* that are not shared yet. Gives all that are."""
        shared = list(known)
        for file in _files(message):
            if file.sha256 not in shared:
                await self._pictures.offer(client, channel, thread, file)
                shared.append(file.sha256)
        return tuple(shared)


@asynccontextmanager
async def _in_our_words(said: Collection[int] = ()) -> AsyncIterator[None]:
    """Turn what Slack says into what the courier understands; *said* grows as parts are posted."""
    try:
        yield
    except SlackApiError as error:
        status = getattr(error.response, "status_code", 0)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            after = timedelta(seconds=float(error.response.headers.get("Retry-After", 1)))
            raise Retry(after, "Slack says: too fast", unsent=not said) from error
        if status in _AWAY:
            raise Retry(_LATER, f"Slack is away: HTTP {status}") from error
        if (why := _GONE.get(_word(error))) is not None:
            raise Undeliverable(why, removed=_word(error) in _REMOVED) from error
        raise
    except (aiohttp.ClientError, TimeoutError) as error:
        # It may have arrived; the courier asks again, and then looks first.
        raise Retry(_LATER, f"Slack did not answer: {type(error).__name__}") from error


def _files(message: Message) -> list[File]:
    return [block for block in message.blocks if isinstance(block, File)]


def _word(error: SlackApiError) -> str:
    """Slack's word for what is wrong; an outage answers with a page instead."""
    data = getattr(error.response, "data", None)
    return str(data.get("error", "")) if isinstance(data, dict) else ""


def _messages(error: SlackApiError) -> list[str]:
    return list(error.response.get("response_metadata", {}).get("messages", ()))[:5]
