"""Hyperparameters as members write them: JSON, YAML or ``name=value``. Pure."""

import json
import re
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import yaml

from bot.kit.command import Refusal

MOST = 4000  #: characters
EXAMPLE = "lr: 0.001\nepochs: 30\noptimiser: adamw"
_SETTING = re.compile(r"(?:--)?([A-Za-z_][\w.\-/]*)\s*=\s*(.*?)", re.DOTALL)
_EITHER = re.compile(r"([A-Za-z_][\w.\-/]*)\s*[:=]\s*(.*)")
# From the first of a row of separators and never back: else many blanks would take a second.
_NEXT = re.compile(r"(?<![\s,;])[\s,;]++(?=(?:--)?[A-Za-z_][\w.\-/]*\s*=(?!=))")
#: control characters, halves of letters, and marks that turn the text around
_UNSHOWN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]"
)
_NESTED = 50  # brackets and braces within each other
_DEPTH = 4  # of nested names; deeper ones stay as they were written


def parse(text: str) -> dict[str, str]:
    """Names and values in their order, nested names with dots; values as they were written.

    Raises:
        Refusal: It is none of the three forms, with where it stops being one; a name is there
            twice, or none at all; or it is longer than ``MOST``.
    """
    if len(text) > MOST:  # what follows takes time that grows with the square of it
        raise _refusal(f"It is longer than {MOST:,} characters.", text)
    if _UNSHOWN.search(text):
        raise _refusal("It holds characters that cannot be shown.", _plain(text))
    text = text.strip()
    if not text:
        return {}
    if text.startswith("{"):
        return _flat(_from_json(text))
    return _from_pairs(text) or _flat(_from_yaml(text))


def read(text: str) -> dict[str, str]:
    """The same of what was taken already: what cannot be read is a note."""
    try:
        return parse(text)
    except Refusal:
        return {"notes": " ".join(text.split())}


def _from_json(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text, object_pairs_hook=_once)
    except RecursionError:
        raise _refusal("It is nested too deeply.", text) from None
    except ValueError as error:
        if "\n" not in text and (flow := _tolerant(text)) is not None:
            return flow
        where = getattr(error, "lineno", 1)
        raise _refusal(f"As JSON it ends at line {where}: {error}.", _line(text, where)) from None
    assert isinstance(said, dict), "it begins with a brace"
    return said


def _from_pairs(text: str) -> dict[str, str]:
    """``name=value`` on lines of their own or in a row; empty where it is not that."""
    lines = [line for line in map(str.strip, text.splitlines()) if line and line[0] != "#"]
    found: list[tuple[str, str]] = []
    for part in (part for line in lines for part in _NEXT.split(line)):
        setting = _SETTING.fullmatch(part.strip().rstrip(",;"))
        if setting is None:
            return {}
        found.append((setting[1], setting[2].strip()))
    return _once(found)


def _from_lines(text: str) -> dict[str, Any]:
    """A setting a line, ``:`` here and ``=`` there; empty where it is not that."""
    lines = [_EITHER.fullmatch(line) for line in map(str.rstrip, text.splitlines()) if line]
    return _once([(found[1], found[2]) for found in lines if found]) if all(lines) else {}


def _from_yaml(text: str) -> dict[str, Any]:
    try:
        said = _loaded(text)
    except RecursionError:
        raise _refusal("It is nested too deeply.", text) from None
    except yaml.YAMLError as error:
        if "\n" not in text and (flow := _tolerant(f"{{{text}}}")) is not None:
            return flow
        if mixed := _from_lines(text):
            return mixed
        mark = getattr(error, "problem_mark", None)
        where = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise _refusal(f"Line {where}: {problem}.", _line(text, where)) from None
    if not isinstance(said, dict):
        raise _refusal("There is no name before a value.", text)
    return said


def _tolerant(text: str) -> dict[str, Any] | None:
    """``{lr: 0.1, epochs: 3}``, where every name has a value."""
    try:
        said = _loaded(text)
    except (yaml.YAMLError, RecursionError):
        return None
    return said if isinstance(said, dict) and all(v != "" for v in said.values()) else None


def _loaded(text: str) -> Any:
    """YAML whose values stay text. An alias could make a page of a line, so there are none.

    PyYAML looks at every open bracket for each token: 1,900 of them would stop the bot for seconds.
    """
    opened = accumulate((c in "[{") - (c in "]}") for c in text)
    if max(opened, default=0) > _NESTED:
        raise RecursionError
    for event in yaml.parse(text, Loader=yaml.BaseLoader):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.MarkedYAMLError(
                problem="aliases (*name) are not read here", problem_mark=event.start_mark
            )
    return yaml.load(text, Loader=_Text)  # noqa: S506 - makes nothing but text, lists and mappings


class _Text(yaml.BaseLoader):  # type: ignore[misc] # it has no types
    """Leaves every value as it was written, whatever its tag, and takes a name once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        found: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        if len(found) < len(node.value):
            _once([(self.construct_object(name, deep=True), None) for name, _ in node.value])
        return found


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return names and values. Raises Refusal where one would take another's place."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _refusal(f"{_shown(name)} is there twice.", f"{name} … {name}")
        found[name] = value
    return found


def _plain(text: str) -> str:
    """Return text as it can be kept and shown: JSON may write what no text can hold."""
    return _UNSHOWN.sub("?", text)


def _shown(name: object) -> str:
    return " ".join(str(name).split())[:40]


def _line(text: str, number: int) -> str:
    lines = text.splitlines()
    return lines[min(number, len(lines)) - 1] if lines else ""


def _refusal(problem: str, got: str) -> Refusal:
    return Refusal(
        f"That configuration cannot be read. {problem}",
        code="E_CONFIG",
        expected="JSON, YAML, or a name=value on each line",
        got=" ".join(got.split())[:80],
        fix="Write it like this, or leave it out:",
        lines=EXAMPLE,
        field="config",
    )


def _flat(said: Mapping[Any, Any], before: str = "", depth: int = 0) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in said.items():
        if not name:
            raise _refusal("There is no name before a value.", f"{before}{name}: {value}"[:80])
        if isinstance(value, dict) and value and depth < _DEPTH:
            found |= _flat(value, f"{before}{name}.", depth + 1)
        else:
            words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            found[_plain(f"{before}{name}")] = _plain(words)
    return found


def side_by_side(one: str, other: str) -> list[tuple[str, str, str, bool]]:
    """(name, value of one, of other, whether they differ), what differs first."""
    left, right = read(one), read(other)
    rows = [
        (name, left.get(name, "–"), right.get(name, "–"), left.get(name) != right.get(name))
        for name in dict.fromkeys((*left, *right))
    ]
    return sorted(rows, key=lambda row: not row[3])
