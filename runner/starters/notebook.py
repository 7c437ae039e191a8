"""A script in the percent format as a notebook: nbformat 4, written as the JSON that it is.

``# %%`` begins a cell of code, ``# %% [markdown]`` one of text in comments, as editors have it.
"""

import json
from typing import Any

MARK, TEXT = "# %%", "# %% [markdown]"


def cells_of(script: str) -> list[tuple[str, str]]:
    """Return (``code`` or ``markdown``, source) for each cell, in order."""
    cells: list[tuple[str, list[str]]] = []
    for line in script.splitlines():
        if line in (MARK, TEXT):
            cells.append(("code" if line == MARK else "markdown", []))
        elif cells:
            cells[-1][1].append(line)
        elif line:
            raise ValueError(f"{line!r} stands before the first cell")
    return [(kind, _source(kind, lines)) for kind, lines in cells]


def _source(kind: str, lines: list[str]) -> str:
    if kind == "markdown":
        lines = [line.removeprefix("#").removeprefix(" ") for line in lines]
    return "\n".join(lines).strip("\n")


def notebook(script: str) -> bytes:
    """Return the notebook with the cells of ``script``, none of them run."""
    cells: list[dict[str, Any]] = []
    for kind, source in cells_of(script):
        cell: dict[str, Any] = {"cell_type": kind, "metadata": {}}
        if kind == "code":
            cell |= {"execution_count": None, "outputs": []}
        cells.append(cell | {"source": source.splitlines(keepends=True)})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    words = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 4,
    }
    return json.dumps(words, indent=1, ensure_ascii=False).encode()
