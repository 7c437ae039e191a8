"""Filling a modal in as Discord's own screen does, with what it refuses."""

from .choosing import CannotDo
from .reading import (
    CHECKBOX,
    CHECKBOX_GROUP,
    FILE_UPLOAD,
    LABEL,
    RADIO_GROUP,
    ROW,
    SELECTS,
    STRING_SELECT,
    TEXT,
    TEXT_INPUT,
    option_of,
)
from .world import Attachment


def filled_in(modal, values, resolved):
    """Give the components of a MODAL_SUBMIT, with *values* by label or custom_id."""
    left = dict(values)
    parts = []
    for part in modal.components:
        if part["type"] == TEXT:
            parts.append({"type": TEXT, "id": part.get("id", 0)})
            continue
        inner = part["component"] if part["type"] == LABEL else part["components"][0]
        label = part["label"] if part["type"] == LABEL else inner.get("label")
        given = next((left.pop(n) for n in (label, inner["custom_id"]) if n in left), None)
        entry = {"type": inner["type"], "custom_id": inner["custom_id"], "id": inner.get("id", 0)}
        entry |= _entry(label, inner, given, resolved)
        if part["type"] == LABEL:
            parts.append({"type": LABEL, "id": part.get("id", 0), "component": entry})
        else:
            parts.append({"type": ROW, "id": part.get("id", 0), "components": [entry]})
    if left:
        raise CannotDo(f"the modal {modal.title!r} has no {list(left)}")
    return parts


def _entry(label, field, given, resolved):
    kind = field["type"]
    if kind == TEXT_INPUT:
        return {"value": _text(label, field, given)}
    if kind == CHECKBOX:
        return {"value": bool(field.get("default", False) if given is None else given)}
    if kind == RADIO_GROUP:
        chosen = _options(label, field, given, single=True)
        return {"value": chosen[0] if chosen else None}
    if kind in (STRING_SELECT, CHECKBOX_GROUP):
        return {"values": _options(label, field, given)}
    if kind == FILE_UPLOAD:
        return {"values": _files(label, field, given, resolved)}
    assert kind in SELECTS, f"a modal has no components of type {kind}"
    return {"values": _things(label, field, given, resolved)}


def _text(label, field, given):
    text = field.get("value") or "" if given is None else given
    if not isinstance(text, str):
        raise CannotDo(f"{label} takes text, not {text!r}")
    if not text and field.get("required", True):
        raise CannotDo(f"{label} must be filled in")
    least, most = field.get("min_length") or 0, field.get("max_length") or 4000
    if text and not least <= len(text) <= most:
        raise CannotDo(f"{label} has from {least} to {most} characters, not {len(text)}")
    return text


def _several(given):
    if given is None:
        return []
    return list(given) if isinstance(given, (list, tuple)) else [given]


def _count(label, field, chosen, *, single=False):
    """Refuse too few and too many; an optional field may be left empty."""
    if not chosen and not field.get("required", True):
        return chosen
    given = {name: value for name, value in field.items() if value is not None}
    least = max(given.get("min_values", 1), 1 if given.get("required", True) else 0)
    most = 1 if single else given.get("max_values", 1)
    if not least <= len(chosen) <= most:
        raise CannotDo(f"{label} takes from {least} to {most}, not {len(chosen)}")
    return chosen


def _options(label, field, given, *, single=False):
    if given is None:
        chosen = [o["value"] for o in field["options"] if o.get("default")]
    else:
        chosen = [option_of(field, wanted)["value"] for wanted in _several(given)]
    return _count(label, field, chosen, single=single)


def _files(label, field, given, resolved):
    files = _count(label, field, _several(given))
    for file in files:
        if not isinstance(file, Attachment):
            raise CannotDo(f"{label} takes files, not {file!r}")
    return [resolved.add(file) for file in files]


def _things(label, field, given, resolved):
    if given is None:
        chosen = [str(d["id"]) for d in field.get("default_values") or ()]
    else:
        chosen = [resolved.add(thing) for thing in _several(given)]
    return _count(label, field, chosen)
