"""Forms as Slack's modals, and back.

Limits: 24 characters of a title, 3,000 of what a modal remembers, 100 options of a menu, 75 of one.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

from bot.kit.command import Choice
from bot.kit.message import Form, FormField

CALLBACK = "form"
_TITLE, _LABEL, _HINT, _OPTION, _OPTION_VALUE, _MEMORY, _TYPED = 24, 150, 150, 75, 150, 3_000, 3_000
_FILE_MB = 10
_YES_NO = (("yes", "Yes"), ("no", "No"))
Json = dict[str, Any]


@dataclass(frozen=True)
class Origin:
    """Where a form was asked for, so that its answer goes there."""

    command: str
    channel: str = ""  #: empty: outside of any channel
    thread: str = ""
    response_url: str = ""
    asked_at: float = 0.0  #: when that address was given, in seconds since 1970

    def packed(self) -> str:
        text = json.dumps({k: v for k, v in asdict(self).items() if v})
        return text if len(text) <= _MEMORY else json.dumps({"command": self.command})

    @classmethod
    def unpacked(cls, text: str) -> "Origin":
        return cls(**json.loads(text))


def view_of(form: Form, origin: Origin) -> Json:
    """The modal that asks what *form* asks."""
    group, _, action = form.command.partition(" ")
    problems = [form.problem] if form.problem else []
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": origin.packed(),
        "title": _plain(f"/{group} {action}"[:_TITLE]),
        "submit": _plain("Send"),
        "close": _plain("Cancel"),
        "blocks": [
            {"type": "section", "text": _plain(form.title[:_TYPED])},
            *({"type": "section", "text": _plain(f"⚠️ {p}"[:_TYPED])} for p in problems),
            *(_input(field) for field in form.fields),
        ],
    }


def note_of(title: str, words: str) -> Json:
    """A modal that only says something."""
    return {
        "type": "modal",
        "callback_id": "note",
        "title": _plain(title[:_TITLE]),
        "close": _plain("Close"),
        "blocks": [{"type": "section", "text": _plain(words[:_TYPED])}],
    }


def errors_of(form: Form) -> dict[str, str]:
    """What was wrong, field by field."""
    return {f.name: f.problem for f in form.fields if f.problem}


def options_of(choices: list[Choice]) -> list[Json]:
    return [_option(c.value, c.label) for c in choices if len(c.value) <= _OPTION_VALUE]


def values_of(view: Json) -> tuple[dict[str, str], dict[str, list[Json]]]:
    """What was filled in, and the files that were attached, by field."""
    values: dict[str, str] = {}
    files: dict[str, list[Json]] = {}
    for name, elements in view["state"]["values"].items():
        [state] = elements.values()
        if state["type"] == "file_input":
            files[name] = state.get("files") or []
        else:
            values[name] = _value(state)
    return values, files


def _value(state: Json) -> str:
    option = state.get("selected_option")
    if option:
        return str(option["value"])
    channel = state.get("selected_channel") or state.get("selected_conversation")
    if channel:
        return f"<#{channel}>"
    for key in ("value", "selected_date", "selected_user"):
        if state.get(key):
            return str(state[key])
    return ""


def _input(field: FormField) -> Json:
    element = _element(field)
    return {
        "type": "input",
        "block_id": field.name,
        "optional": not field.required,
        "label": _plain(field.name.replace("_", " ").capitalize()[:_LABEL]),
        "element": element | {"action_id": f"value:{field.name}"},
        "hint": _plain(_hint(field)),
    }


def _hint(field: FormField) -> str:
    if field.kind == "file":
        return f"{field.label}. At most {_FILE_MB} MB here: larger ones by an upload link."[:_HINT]
    return field.label[:_HINT]


def _element(field: FormField) -> Json:
    initial = field.value
    match field.kind:
        case "choice" | "boolean":
            choices = field.choices if field.kind == "choice" else _YES_NO
            chosen = "yes" if initial == "True" else "no" if initial == "False" else initial
            options = [_option(value, label) for value, label in choices][:100]
            found = [o for o in options if o["value"] == chosen]
            return {"type": "static_select", "options": options} | _if(found[:1], "initial_option")
        case "date":
            return {"type": "datepicker"} | _if([initial] if initial else [], "initial_date")
        case "integer" | "number":
            decimal = field.kind == "number"
            return {"type": "number_input", "is_decimal_allowed": decimal} | _if(
                [initial] if initial else [], "initial_value"
            )
        case "file":
            return {"type": "file_input", "max_files": 1}
        case "member":
            return {"type": "users_select"}
        case "channel":
            return {"type": "conversations_select", "filter": {"include": ["public", "private"]}}
    if field.completes:
        found = [_option(initial, initial)] if initial else []
        return {"type": "external_select", "min_query_length": 0} | _if(found, "initial_option")
    return {
        "type": "plain_text_input",
        "multiline": field.kind in {"long", "message"},
        "max_length": min(field.max_length or _TYPED, _TYPED),
    } | _if([initial[:_TYPED]] if initial else [], "initial_value")


def _if(found: list[Any], name: str) -> Json:
    return {name: found[0]} if found else {}


def _option(value: str, label: str) -> Json:
    return {"text": _plain((label or value)[:_OPTION]), "value": value[:_OPTION_VALUE]}


def _plain(words: str) -> Json:
    return {"type": "plain_text", "text": words or " ", "emoji": False}
