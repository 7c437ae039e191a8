"""What people do at Discord becomes an invocation; what the core says goes back to them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import aiohttp
import discord
import structlog
from discord import ui

from bot.chat.discord.answering import Answering, Asked, Interaction
from bot.chat.discord.cards import command_of
from bot.chat.discord.commands import of_menu
from bot.chat.discord.files import fetch
from bot.chat.discord.forms import MOST_OPTIONS, Draft, Drafts, Page, filled, modal
from bot.chat.discord.markup import escaped
from bot.chat.discord.reading import chosen, pointed, standing, values_of
from bot.kit.blocks import words
from bot.kit.command import Choice, Refusal
from bot.kit.core import Answer, Core, Invocation
from bot.kit.message import Form

_log = structlog.get_logger(__name__)
_Kind = discord.InteractionType
_CHOICE = 100
Json = dict[str, Any]


class Incoming:
    """Listens to commands, forms, buttons and menus of all servers."""

    def __init__(self, core: Core, answering: Answering) -> None:
        self.core, self.answering = core, answering
        self._drafts = Drafts()

    async def hear(self, interaction: Interaction) -> None:
        """Take one interaction, whatever it is."""
        data: Json = dict(interaction.data or {})
        match interaction.type:
            case _Kind.autocomplete:
                await self._suggest(interaction, data)
            case _Kind.application_command:
                await self._command(interaction, data)
            case _Kind.component:
                await self._press(interaction, str(data["custom_id"]))
            case _Kind.modal_submit:
                await self._submitted(interaction, data)
            case _:
                pass

    async def _command(self, interaction: Interaction, data: Json) -> None:
        if data["type"] == discord.AppCommandType.chat_input.value:
            name, options = chosen(data)
            values, files = values_of(options, data.get("resolved", {}))
        else:
            command = of_menu(self.core.services.commands, data["name"])
            name = command.name if command else data["name"]
            values, files = pointed(command, data, interaction), {}
        await self._run(interaction, self._private(name), files, command=name, values=values)

    async def _press(self, interaction: Interaction, custom_id: str) -> None:
        page = Page.parse(custom_id)
        if page is None:
            line = command_of(custom_id)
            name = " ".join(line.removeprefix("/").split()[:2])
            await self._run(interaction, self._private(name), {}, line=line)
            return
        asked = Asked(interaction, private=True)
        draft = self._drafts.of(page.draft, interaction.user.id)
        if draft is None:
            await self._show(asked, self.core.too_late(page.command))
        else:
            await self._open(asked, draft, page)

    async def _run(
        self, interaction: Interaction, private: bool, files: Mapping[str, Json], **more: Any
    ) -> None:
        """Fetch what was attached, carry it out, and show what comes of it."""
        asked = Asked(interaction, private)
        invocation = self._invocation(asked, **more)
        work = asyncio.create_task(self._carried_out(invocation, files))
        # A form must come at once: Discord takes none after "I am at it".
        forms = not files and self.core.opens_form(invocation)
        answer = await work if forms else await self.answering.when_done(asked, work)
        await self._show(asked, answer, invocation)

    async def _carried_out(self, invocation: Invocation, files: Mapping[str, Json]) -> Answer:
        try:
            uploads = {n: await fetch(self.core.services.files, f) for n, f in files.items()}
        except Refusal as refusal:
            return self.core.refuse(refusal)
        return await self.core.handle(
            replace(invocation, values={**invocation.values, **uploads}) if uploads else invocation
        )

    async def _show(
        self, asked: Asked, answer: Answer, invocation: Invocation | None = None
    ) -> None:
        if answer.repeated:
            await self.answering.take_back(asked)
        elif answer.form is not None and asked.interaction.response.is_done():
            await self._show(asked, self.core.too_late(answer.form.command))
        elif answer.form is not None:
            draft = Draft(answer.form, asked.interaction.user.id, asked.place)
            if invocation is not None:
                draft.files = {n: v for n, v in invocation.values.items() if hasattr(v, "sha256")}
            id_ = self._drafts.keep(draft)
            await self._open(asked, draft, Page(answer.form.command, 0, id_))
        elif answer.message is not None:
            await self.answering.say(asked, answer.message)

    async def _open(self, asked: Asked, draft: Draft, page: Page) -> None:
        suggested = await self._suggested(asked, draft, page)
        try:
            await asked.interaction.response.send_modal(modal(draft, page, suggested))
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            _log.warning("discord.form_not_opened", error=type(error).__name__)
            await self._show(asked, self.core.too_late(page.command))

    async def _suggested(
        self, asked: Asked, draft: Draft, page: Page
    ) -> dict[str, Sequence[Choice]]:
        """The values of the fields that have few: a modal suggests nothing while somebody types."""
        found: dict[str, Sequence[Choice]] = {}
        for field in draft.page(page.number):
            if field.completes:
                invocation = self._invocation(asked, command=page.command, values=draft.values)
                choices = await self.core.suggest(invocation, field.name, "")
                if 0 < len(choices) < MOST_OPTIONS and all(
                    len(c.value) <= _CHOICE for c in choices
                ):
                    found[field.name] = choices
        return found

    async def _submitted(self, interaction: Interaction, data: Json) -> None:
        page = Page.parse(str(data["custom_id"]))
        asked = Asked(interaction, private=True)
        draft = self._drafts.of(page.draft, interaction.user.id) if page else None
        values, files = filled(data)
        if page is None or (draft is None and self._pages_of(page.command) > 1):
            await self._show(asked, self.core.too_late(page.command if page else "bookwiz help"))
            return
        if draft is not None:
            draft.values |= values
            try:
                for name, file in files.items():
                    draft.files[name] = await fetch(self.core.services.files, file)
            except Refusal as refusal:
                await self._again(asked, draft, page, self.core.refuse(refusal))
                return
            if page.number + 1 < draft.pages:
                await self._more(asked, draft, page)
                return
            values, files = {**draft.values, **draft.files}, {}
        await self._carry_out(asked, page, draft, values, files)

    async def _carry_out(
        self,
        asked: Asked,
        page: Page,
        draft: Draft | None,
        values: Mapping[str, Any],
        files: Mapping[str, Json],
    ) -> None:
        asked = replace(asked, private=self._private(page.command))
        invocation = self._invocation(asked, command=page.command, values=values, submitted=True)
        work = asyncio.create_task(self._carried_out(invocation, files))
        answer = await self.answering.when_done(asked, work)
        if answer.form is not None:
            kept = draft or Draft(answer.form, asked.interaction.user.id, asked.place)
            kept.values = {n: v for n, v in values.items() if isinstance(v, str)}
            kept.form = answer.form
            await self._again(asked, kept, page, answer)
            return
        self._drafts.drop(page.draft)
        await self._show(asked, answer)

    async def _more(self, asked: Asked, draft: Draft, page: Page) -> None:
        """Ask for the next page: Discord opens a modal at a press only, not after another."""
        following = replace(page, number=page.number + 1)
        said = f"Kept: part {following.number} of {draft.pages}. Nothing is sent yet."
        await self._offer(asked, said, "Go on", following)

    async def _again(self, asked: Asked, draft: Draft, page: Page, answer: Answer) -> None:
        """Say what was wrong, and offer the form again with what was typed."""
        id_ = self._drafts.keep(draft)
        said = "\n".join(f"⚠️ {escaped(line)}" for line in _problems(draft.form))
        if not said and answer.message is not None:
            said = escaped(words(answer.message))
        page = replace(page, draft=id_, number=draft.page_of_problem())
        await self._offer(asked, f"{said}\n-# What you typed is kept.", "Mend it", page)

    async def _offer(self, asked: Asked, said: str, label: str, page: Page) -> None:
        button = ui.Button[Any](label=label, style=discord.ButtonStyle.primary, custom_id=str(page))
        view = ui.LayoutView(timeout=None)
        view.add_item(ui.Container(ui.TextDisplay(said), ui.ActionRow(button)))
        view.stop()
        response = asked.interaction.response
        try:
            if response.is_done():
                await asked.interaction.followup.send(view=view, ephemeral=True)
            else:
                await response.send_message(view=view, ephemeral=True)
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            _log.warning("discord.form_not_offered", error=type(error).__name__)
        if response.is_done() and not asked.private:
            await self.answering.take_back(asked)

    async def _suggest(self, interaction: Interaction, data: Json) -> None:
        name, options = chosen(data)
        values, _ = values_of(options, data.get("resolved", {}))
        focused = next((o for o in options if o.get("focused")), None)
        if focused is None:
            return
        values.pop(focused["name"], None)
        asked = Asked(interaction, private=True)
        invocation = self._invocation(asked, command=name, values=values)
        found = await self.core.suggest(invocation, focused["name"], str(focused["value"]))
        choices = [
            discord.app_commands.Choice(name=(c.label or c.value)[:_CHOICE], value=c.value)
            for c in found
            if len(c.value) <= _CHOICE
        ]
        try:
            await interaction.response.autocomplete(choices)
        except discord.HTTPException as error:  # they typed on, and the question is out of date
            _log.debug("discord.suggestion_late", code=error.code)

    def _invocation(self, asked: Asked, **more: Any) -> Invocation:
        interaction = asked.interaction
        return Invocation(
            platform="discord",
            handle=asked.handle,
            name=interaction.user.display_name,
            place=asked.place,
            standing=standing(interaction),
            once=asked.once,
            **more,
        )

    def _private(self, name: str) -> bool:
        command = self.core.services.commands.get(name.lower())
        return command is None or command.private

    def _pages_of(self, name: str) -> int:
        command = self.core.services.commands.get(name)
        return -(-len(command.arguments) // 5) if command else 1


def _problems(form: Form) -> list[str]:
    fields = [
        f"{f.name.replace('_', ' ').capitalize()}: {f.problem}" for f in form.fields if f.problem
    ]
    return ([form.problem] if form.problem else []) + fields
