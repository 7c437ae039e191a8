"""Tables in characters, for platforms that have none."""

import unicodedata
from collections.abc import Sequence

_WIDEST = 40  #: columns that a phone shows without breaking lines, on either platform
_GAP = 2


def cells_wide(head: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the table would be wider than a phone."""
    return sum(_widths(head, rows)) + _GAP * (len(head) - 1) > _WIDEST


def as_columns(head: Sequence[str], rows: Sequence[Sequence[str]], align: Sequence[str]) -> str:
    """The table with its columns aligned, for a font whose characters are equally wide."""
    widths = _widths(head, rows)
    lines = [head, *rows] if any(head) else rows
    return "\n".join(
        (" " * _GAP)
        .join(_set(c, width, side) for c, width, side in zip(line, widths, align, strict=True))
        .rstrip()
        for line in lines
    )


def width(text: str) -> int:
    """How many columns *text* takes: wide characters two, marks on others none."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def _widths(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(width(line[i]) for line in (head, *rows)) for i in range(len(head))]


def _set(cell: str, wide: int, side: str) -> str:
    space = " " * (wide - width(cell))
    return space + cell if side == "right" else cell + space
