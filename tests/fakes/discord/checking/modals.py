"""First answers to interactions: messages, modals, suggestions."""

from tests.fakes.discord import deeds, limits
from tests.fakes.discord.reading import (
    CHECKBOX,
    CHECKBOX_GROUP,
    FILE_UPLOAD,
    LABEL,
    RADIO_GROUP,
    ROW,
    SELECTS,
    TEXT,
    TEXT_INPUT,
)

from . import components, messages

IN_A_LABEL = (TEXT_INPUT, *SELECTS, FILE_UPLOAD, RADIO_GROUP, CHECKBOX_GROUP, CHECKBOX)
INPUT = (
    "type", "id", "custom_id", "style", "label", "value", "placeholder", "required", "min_length",
    "max_length",
)  # fmt: skip
_NUMBERS = ("type", "id", "custom_id", "min_values", "max_values", "required")
FIELDS = {
    FILE_UPLOAD: _NUMBERS,
    RADIO_GROUP: (*_NUMBERS, "options"),
    CHECKBOX_GROUP: (*_NUMBERS, "options"),
    CHECKBOX: ("type", "id", "custom_id", "default"),
}


def answered(found, body, files, file_limit):
    """Check a callback."""
    found.fields((), body, ("type", "data"), needed=("type",))
    kind, data = body.get("type"), body.get("data") or {}
    if kind in (deeds.MESSAGE, deeds.UPDATE):
        found.fields(("data",), data, (*messages.COMMON, "poll"))
        messages.said(found, ("data",), data, files, file_limit)
    elif kind in (deeds.DEFER, deeds.DEFER_UPDATE):
        found.fields(("data",), data, ("flags",))
    elif kind == deeds.CHOICES:
        found.fields(("data",), data, ("choices",))
        choices(found, ("data", "choices"), data.get("choices") or [])
    elif kind == deeds.MODAL:
        modal(found, ("data",), data)
    else:
        found.one_of(("type",), kind, (deeds.MESSAGE, deeds.DEFER, deeds.UPDATE, deeds.MODAL))


def choices(found, at, given):
    found.count(at, given, limits.CHOICES)
    for number, choice in enumerate(given):
        found.fields((*at, number), choice, ("name", "value", "name_localizations"))
        found.text((*at, number, "name"), choice.get("name"), limits.CHOICE_NAME, least=1)
        if isinstance(choice.get("value"), str):
            found.text((*at, number, "value"), choice["value"], limits.CHOICE_VALUE, least=1)


def modal(found, at, data):
    found.fields(at, data, ("title", "custom_id", "components"))
    found.text((*at, "title"), data.get("title"), limits.MODAL_TITLE, least=1)
    found.text((*at, "custom_id"), data.get("custom_id"), limits.CUSTOM_ID, least=1)
    parts = data.get("components") or []
    found.count((*at, "components"), parts, limits.MODAL_PARTS, least=1)
    for number, part in enumerate(parts):
        where, kind = (*at, "components", number), part.get("type")
        found.one_of((*where, "type"), kind, (LABEL, TEXT, ROW))
        if kind == TEXT:
            components.text(found, where, part)
        elif kind == LABEL:
            _label(found, where, part)
        elif kind == ROW:
            inner = part.get("components") or [{}]
            found.count((*where, "components"), inner, 1, least=1)
            found.text((*where, "label"), inner[0].get("label"), limits.LABEL, least=1)
            _input(found, (*where, "components", 0), inner[0])
    components.unique_ids(found, (*at, "components"), parts)


def _label(found, at, part):
    found.fields(at, part, ("type", "id", "label", "description", "component"))
    found.text((*at, "label"), part.get("label"), limits.LABEL, least=1)
    found.text((*at, "description"), part.get("description"), limits.LABEL_DESCRIPTION)
    inner, where = part.get("component") or {}, (*at, "component")
    kind = inner.get("type")
    found.one_of((*where, "type"), kind, IN_A_LABEL)
    if kind == TEXT_INPUT:
        if inner.get("label"):
            found.add((*where, "label"), "LABEL_TWICE", "The Label component has the label")
        _input(found, where, inner)
    elif kind in SELECTS:
        found.fields(where, inner, ("type", "id", *components.FIELDS[kind]))
        components.select(found, where, inner)
        if inner.get("disabled"):
            words = "Selects of modals cannot be disabled"
            found.add((*where, "disabled"), "COMPONENT_INVALID", words)
    elif kind in FIELDS:
        found.fields(where, inner, FIELDS[kind])
        found.text((*where, "custom_id"), inner.get("custom_id"), limits.CUSTOM_ID, least=1)
        if kind == FILE_UPLOAD:
            found.number((*where, "min_values"), inner.get("min_values"), 0, limits.UPLOADED_FILES)
            found.number((*where, "max_values"), inner.get("max_values"), 1, limits.UPLOADED_FILES)
        elif kind != CHECKBOX:
            least = 2 if kind == RADIO_GROUP else 1
            given = inner.get("options") or []
            components.options(found, (*where, "options"), given, limits.GROUP_OPTIONS, least=least)


def _input(found, at, given):
    found.fields(at, given, INPUT)
    found.one_of((*at, "type"), given.get("type"), (TEXT_INPUT,))
    found.one_of((*at, "style"), given.get("style"), (1, 2))
    found.text((*at, "custom_id"), given.get("custom_id"), limits.CUSTOM_ID, least=1)
    found.text((*at, "value"), given.get("value"), limits.INPUT_VALUE)
    found.text((*at, "placeholder"), given.get("placeholder"), limits.INPUT_PLACEHOLDER)
    found.number((*at, "min_length"), given.get("min_length"), 0, limits.INPUT_VALUE)
    found.number((*at, "max_length"), given.get("max_length"), 1, limits.INPUT_VALUE)
