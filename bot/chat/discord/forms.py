"""Forms as Discord's modals, five fields a page, and what was typed until all pages are there.

Limits: 45 characters of a title and of a label, 100 of a description, 5 fields, 4,000 of a text, 25
of a menu's options (Discord's reference of modals). A modal shows no errors: it is opened again.
"""

import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import discord
from discord import ui

from bot.kit.command import Choice, Upload
from bot.kit.message import Form, FormField, Place

_TITLE, _LABEL, _HINT, _TYPED, _OPTION = 45, 45, 100, 4_000, 100
_A_PAGE = 5
MOST_OPTIONS = 25
_MOST_DRAFTS = 2_000
_DRAFT_SECONDS = 3_600
_YES_NO = (("yes", "Yes"), ("no", "No"))
_EXAMPLES = {"date": "2026-11-30", "integer": "3", "number": "0.5"}
Json = dict[str, Any]


@dataclass
class Draft:
    """What one person has filled in so far."""

    form: Form
    user: int
    place: Place
    values: dict[str, str] = field(default_factory=dict)
    files: dict[str, Upload] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    @property
    def pages(self) -> int:
        return max(1, -(-len(self.form.fields) // _A_PAGE))

    def page(self, number: int) -> Sequence[FormField]:
        return self.form.fields[number * _A_PAGE : (number + 1) * _A_PAGE]

    def page_of_problem(self) -> int:
        """The first page on which something is wrong."""
        wrong = (n for n in range(self.pages) if any(f.problem for f in self.page(n)))
        return next(wrong, 0)


class Drafts:
    """Forms that are being filled in. Who is away for an hour, or a restart, begins anew."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Draft] = OrderedDict()

    def keep(self, draft: Draft) -> str:
        id_ = secrets.token_urlsafe(8)
        self._known[id_] = draft
        while len(self._known) > _MOST_DRAFTS:
            self._known.popitem(last=False)
        return id_

    def of(self, id_: str, user: int) -> Draft | None:
        draft = self._known.get(id_)
        if draft is None or draft.user != user or time.monotonic() - draft.began > _DRAFT_SECONDS:
            return None
        return draft

    def drop(self, id_: str) -> None:
        self._known.pop(id_, None)


@dataclass(frozen=True)
class Page:
    """Which page of which draft a modal or a button stands for."""

    command: str
    number: int
    draft: str

    def __str__(self) -> str:
        return f"form:{self.draft}:{self.number}:{self.command}"

    @classmethod
    def parse(cls, custom_id: str) -> "Page | None":
        mark, _, rest = custom_id.partition(":")
        draft, _, rest = rest.partition(":")
        number, _, command = rest.partition(":")
        return cls(command, int(number), draft) if mark == "form" and number.isdecimal() else None


def modal(draft: Draft, page: Page, suggested: Mapping[str, Sequence[Choice]]) -> ui.Modal:
    """The modal that asks for one page of *draft*.

    Args:
        draft: What is asked, and what was filled in so far.
        page: Which page of it.
        suggested: All values that there are for a field, where they are few: it becomes a menu.
    """
    counted = f" ({page.number + 1}/{draft.pages})" if draft.pages > 1 else ""
    title = f"/{draft.form.command}"[: _TITLE - len(counted)] + counted
    made = ui.Modal(title=title, custom_id=str(page), timeout=None)
    for asked in draft.page(page.number):
        value = draft.values.get(asked.name, asked.value)
        if asked.name in draft.files:  # a modal cannot show a file that was given before
            kept = draft.files[asked.name].name
            asked = asked.model_copy(  # noqa: PLW2901 - the same field, asked otherwise
                update={"required": False, "label": f"Kept: {kept}. Choose another to replace it."}
            )
        hint = f"⚠️ {asked.problem}" if asked.problem else _hint(asked)
        made.add_item(
            ui.Label(
                text=asked.name.replace("_", " ").capitalize()[:_LABEL],
                description=hint[:_HINT],
                component=_component(asked, value, suggested.get(asked.name, ())),
            )
        )
    made.stop()  # or discord.py keeps it in memory for ever
    return made


def filled(data: Json) -> tuple[dict[str, str], dict[str, Json]]:
    """What was filled in, and the attachment of each field that takes one."""
    values: dict[str, str] = {}
    files: dict[str, Json] = {}
    attachments = data.get("resolved", {}).get("attachments", {})
    for row in data["components"]:
        given = row.get("component") or {}
        name, chosen = given.get("custom_id", ""), given.get("values", [])
        if given.get("type") == discord.ComponentType.file_upload.value:
            if chosen:
                files[name] = attachments[chosen[0]]
        elif given.get("type") == discord.ComponentType.user_select.value:
            values[name] = f"@{chosen[0]}" if chosen else ""
        elif given.get("type") == discord.ComponentType.channel_select.value:
            values[name] = f"<#{chosen[0]}>" if chosen else ""
        elif "value" in given:
            values[name] = given["value"] or ""
        elif name:
            values[name] = chosen[0] if chosen else ""
    return values, files


def _hint(asked: FormField) -> str:
    if asked.kind == "date":
        return f"{asked.label} ({_EXAMPLES['date']})"
    return asked.label


def _component(asked: FormField, value: str, suggested: Sequence[Choice]) -> ui.Item[Any]:
    name, required = asked.name, asked.required
    match asked.kind:
        case "file":
            return ui.FileUpload(
                custom_id=name, required=required, min_values=int(required), max_values=1
            )
        case "member":
            return ui.UserSelect(custom_id=name, required=required, min_values=int(required))
        case "channel":
            return ui.ChannelSelect(custom_id=name, required=required, min_values=int(required))
        case "boolean":
            chosen = {"True": "yes", "False": "no"}.get(value, value)
            return _menu(asked, [Choice(v, label) for v, label in _YES_NO], chosen)
        case "choice" if len(asked.choices) <= MOST_OPTIONS:
            return _menu(asked, [Choice(v, label) for v, label in asked.choices], value)
    if suggested and (not value or any(c.value == value for c in suggested)):
        return _menu(asked, suggested, value)
    most = min(asked.max_length or _TYPED, _TYPED)
    long = asked.kind in {"long", "message"} or (asked.kind == "text" and most > 300)  # noqa: PLR2004 - some lines
    return ui.TextInput[Any](
        custom_id=name,
        style=discord.TextStyle.paragraph if long else discord.TextStyle.short,
        required=required,
        default=value[:most] or None,
        placeholder=_EXAMPLES.get(asked.kind),
        max_length=most,
    )


def _menu(asked: FormField, choices: Sequence[Choice], chosen: str) -> ui.Select[Any]:
    options = [
        discord.SelectOption(
            label=(c.label or c.value)[:_OPTION], value=c.value[:_OPTION], default=c.value == chosen
        )
        for c in choices
    ]
    return ui.Select[Any](
        custom_id=asked.name,
        options=options,
        required=asked.required,
        min_values=int(asked.required),
    )
