"""Hyperparameters as members write them: JSON, or a line each. Pure."""

import json
from collections.abc import Mapping
from typing import Any

MOST = 4000  #: characters


def read(text: str) -> dict[str, str]:
    """Names and values, nested names with dots. What is neither JSON nor ``name: value`` is a note."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if isinstance(said, dict):
        return _flat(said)
    found: dict[str, str] = {}
    notes = []
    for line in filter(None, map(str.strip, text.splitlines())):
        name, mark, value = line.partition(":" if ":" in line else "=")
        if mark and name.strip() and len(name) <= 60:  # noqa: PLR2004 - a name, not a sentence
            found[name.strip()] = value.strip()
        else:
            notes.append(line)
    if notes:
        found["notes"] = " ".join(notes)
    return found


def _flat(said: Mapping[str, Any], before: str = "", depth: int = 0) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in said.items():
        if isinstance(value, dict) and value and depth < 4:  # noqa: PLR2004
            found |= _flat(value, f"{before}{name}.", depth + 1)
        else:
            found[f"{before}{name}"] = value if isinstance(value, str) else json.dumps(value)
    return found


def side_by_side(one: str, other: str) -> list[tuple[str, str, str, bool]]:
    """(name, value of one, of other, whether they differ), what differs first."""
    left, right = read(one), read(other)
    rows = [
        (name, left.get(name, "–"), right.get(name, "–"), left.get(name) != right.get(name))
        for name in dict.fromkeys((*left, *right))
    ]
    return sorted(rows, key=lambda row: not row[3])
