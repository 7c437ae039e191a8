"""Brings an answer to whoever asked: through the interaction while it lives, else by a message.

An interaction lives for three seconds, and a quarter of an hour once it was acknowledged. What is
said afterwards goes by the outbox, as everything does that nobody waits for.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
import discord
import structlog

from bot.chat.discord.cards import Part
from bot.chat.discord.sending import NOBODY, Sending
from bot.kit.core import Answer, Core
from bot.kit.message import Message, Place

_log = structlog.get_logger(__name__)
SOON = 1.2  # seconds after which we say that we are at it; Discord waits for three
_LIVES = timedelta(minutes=14, seconds=30)
_DEAD = {10062, 10015, 50027}  # unknown interaction, unknown webhook, invalid token
_ANSWERED = 40060
Interaction = discord.Interaction[discord.Client]


@dataclass(frozen=True)
class Asked:
    """Somebody did something, and where an answer may go."""

    interaction: Interaction
    private: bool  #: what is shown while we are at it is for them alone

    @property
    def once(self) -> str:
        return f"discord:{self.interaction.id}"

    @property
    def handle(self) -> str:
        return str(self.interaction.user.id)

    @property
    def direct(self) -> Place:
        return direct(self.handle)

    @property
    def place(self) -> Place:
        """Where it was asked. Direct messages are their person's, not their channel's."""
        channel = self.interaction.channel
        if self.interaction.guild_id is None or channel is None:
            return self.direct
        if isinstance(channel, discord.Thread):
            return Place(platform="discord", channel=str(channel.parent_id), thread=str(channel.id))
        public = _everybody_reads(channel)
        return Place(platform="discord", channel=str(channel.id), public=public)

    @property
    def alive(self) -> bool:
        return discord.utils.utcnow() - self.interaction.created_at < _LIVES


def _everybody_reads(channel: object) -> bool:
    return isinstance(channel, discord.abc.GuildChannel) and (
        channel.permissions_for(channel.guild.default_role).view_channel
    )


def direct(handle: str) -> Place:
    return Place(platform="discord", channel=f"@{handle}", private_to=handle)


class Answering:
    """Shows answers."""

    def __init__(self, core: Core, sending: Sending) -> None:
        self._core, self._sending = core, sending

    async def when_done(self, asked: Asked, work: "asyncio.Task[Answer]") -> Answer:
        """The answer; in the meantime "at it", where it takes longer than somebody looks."""
        done, _ = await asyncio.wait({work}, timeout=SOON)
        if not done:
            await self.at_it(asked)
        return await work

    async def at_it(self, asked: Asked) -> None:
        try:
            await asked.interaction.response.defer(ephemeral=asked.private, thinking=True)
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            # It is carried out all the same; what comes of it goes by the outbox.
            _log.warning("discord.not_acknowledged", error=type(error).__name__)

    async def say(self, asked: Asked, message: Message) -> None:
        """Show *message* where it was asked for, to all or to one."""
        if not asked.alive or not await self._by_interaction(asked, message):
            place = asked.direct if message.private else asked.place
            private = place.private_to is not None
            message = message.model_copy(update={"private": private})
            await self._core.post(place, message, key=f"answer:{asked.once}")

    async def take_back(self, asked: Asked) -> None:
        """Take "at it" away, where there is nothing to say."""
        if asked.interaction.response.is_done():
            try:
                await asked.interaction.delete_original_response()
            except discord.HTTPException as error:
                _log.debug("discord.not_taken_back", error=error.code)

    async def _by_interaction(self, asked: Asked, message: Message) -> bool:
        """Whether the interaction took it."""
        said = 0
        try:
            for number, part in enumerate(await self._sending.made(message)):
                if number == 0:
                    await self._first(asked, part, private=message.private)
                else:
                    await self._followed(asked.interaction, part, private=message.private)
                said += 1
        except discord.HTTPException as error:
            if error.code == _ANSWERED:
                return True  # a repetition, or an answer of which we lost the confirmation
            _log.warning("discord.answer_not_taken", code=error.code, status=error.status)
        except (aiohttp.ClientError, OSError) as error:
            _log.warning("discord.answer_lost", error=type(error).__name__)
        # What stands there already is not said a second time from the start.
        return said > 0

    async def _first(self, asked: Asked, part: Part, *, private: bool) -> None:
        interaction = asked.interaction
        if not interaction.response.is_done():
            try:
                await self._answered(interaction, part, private=private)
            except (aiohttp.ClientError, OSError):
                # Did it arrive? If so, a second one is refused as one too many.
                await self._answered(interaction, part, private=private)
        elif private == asked.private:
            with part.opened() as files:
                await interaction.edit_original_response(
                    view=part.view(), attachments=files, allowed_mentions=NOBODY
                )
        else:  # who sees it was settled when we said that we are at it
            await interaction.delete_original_response()
            await self._followed(interaction, part, private=private)

    @staticmethod
    async def _answered(interaction: Interaction, part: Part, *, private: bool) -> None:
        with part.opened() as files:
            await interaction.response.send_message(
                view=part.view(), files=files, ephemeral=private
            )

    @staticmethod
    async def _followed(interaction: Interaction, part: Part, *, private: bool) -> None:
        with part.opened() as files:
            await interaction.followup.send(view=part.view(), files=files, ephemeral=private)
