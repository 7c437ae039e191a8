"""The report page as one HTML file: no script, no other file, nothing from elsewhere."""

import base64
import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from runner.contract import ClassScore, Slice, Task
from runner.report import thumbnails
from runner.report.style import Picture

_HEAD = 24  #: bytes of a PNG up to its size


@dataclass(frozen=True)
class Shot:
    """A dev image on the page, with a line that says what is wrong."""

    image: int
    words: str
    picture: Image.Image


@dataclass(frozen=True)
class Told:
    """A finished analysis as the page shows it."""

    heading: str
    words: str
    pictures: Sequence[Picture]
    rows: Sequence[Sequence[str]]  #: head and lines, or nothing


@dataclass(frozen=True)
class Page:
    """Everything that the page shows. A part that is None or empty is left out."""

    title: str
    task: Task
    submission: str
    who: str
    lead: tuple[str, str] | None
    verdict: str
    unsandboxed: bool
    warnings: Sequence[str]
    figures: Sequence[Sequence[str]]
    meanings: Sequence[tuple[str, str]]
    against: Sequence[Sequence[str]]  #: head and rows, or nothing
    picture: Picture
    confused: Sequence[tuple[str, str, str]]
    tide: Picture | None
    classes: Sequence[ClassScore]
    reliability: Picture | None
    slices: Sequence[Slice]
    slices_picture: Picture | None
    mistakes: Sequence[Shot] | None  #: None: not known; empty: there are none
    mistakes_words: str
    diff_words: str
    diff_picture: Picture | None
    broken: Sequence[Shot]
    analyses: Sequence[Told]
    cost: Sequence[Sequence[str]]
    config: str
    notes: str
    provenance: Sequence[tuple[str, str]]


def render(page: Page) -> str:
    """Return the page."""
    template = environment().get_template("report.html.j2")
    return template.render(
        vars(page)
        | {
            **styled(),
            "contents": _contents(page),
            "picture": inline(page.picture),
            "tide": inline(page.tide),
            "reliability": inline(page.reliability),
            "classes": _class_table(page.classes, page.task),
            "slices": _slices(page),
            "mistakes": None if page.mistakes is None else [_shot(s) for s in page.mistakes],
            "broken": [_shot(shot) for shot in page.broken],
            "diff_picture": inline(page.diff_picture),
            "analyses": [_told(analysis) for analysis in page.analyses],
        }
    )


def styled() -> dict[str, str]:
    """Return the style sheet and its hash: no other one that got past the escaping is applied."""
    style = environment().loader.get_source(environment(), "report.css")[0]  # type: ignore[union-attr]
    return {
        "style": Markup(style),  # noqa: S704 - our own file, and quotes mean something in it
        "style_hash": base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    }


@functools.cache
def environment() -> Environment:
    """Return what renders pages: everything is escaped, nothing may be missing."""
    return Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=PackageLoader("runner.report", "templates"),
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _contents(page: Page) -> list[tuple[str, str]]:
    parts: list[tuple[str, str, Any]] = [
        ("scores", "Scores", True),
        ("confused", "What is taken for what", page.confused),
        ("errors", "Kinds of errors", page.tide),
        ("classes", "Class by class", page.classes),
        ("reliability", "Confidence", page.reliability),
        ("slices", "Conditions", page.slices),
        ("worst", "Worst images", page.mistakes is not None),
        ("diff", "Against the best before", page.diff_words),
        ("analyses", "Analyses", page.analyses),
        ("cost", "What it costs", True),
        ("settings", "How it was made", page.config or page.notes),
        ("provenance", "Provenance", True),
    ]
    return [(id_, words_) for id_, words_, there in parts if there]


def inline(picture: Picture | None) -> dict[str, Any] | None:
    """Return what the template's ``chart`` takes; None for none."""
    if picture is None:
        return None
    head = picture.png[:_HEAD]
    return {
        "src": data_url(picture.png, "image/png"),
        "alt": picture.alt,
        "width": int.from_bytes(head[16:20], "big"),
        "height": int.from_bytes(head[20:24], "big"),
    }


def _shot(shot: Shot) -> dict[str, Any]:
    data, media_type = thumbnails.encoded(shot.picture)
    return {
        "src": data_url(data, media_type),
        "alt": f"Dev image {shot.image}: {shot.words}",
        "title": f"#{shot.image}",
        "words": shot.words,
        "width": shot.picture.width,
        "height": shot.picture.height,
    }


def _told(found: Told) -> dict[str, Any]:
    """Return what the template shows of an analysis; what its words say, no caption says again."""
    return {
        "heading": found.heading,
        "words": found.words,
        "pictures": [
            (inline(p), not found.words.startswith(p.alt.rstrip("…"))) for p in found.pictures
        ],
        "rows": found.rows,
        "numbers_from": _numbers_from(found.rows),
    }


def _numbers_from(rows: Sequence[Sequence[str]]) -> int:
    """Return the first column, not the leftmost, from which the first line holds figures alone."""
    line = rows[1] if len(rows) > 1 else ()
    words = [n for n, cell in enumerate(line) if n and not (cell[:1].isdigit() or cell == "–")]
    return max(words, default=0) + 1


def data_url(data: bytes, media_type: str) -> str:
    """Return an address that holds the data itself."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


_COLUMNS = ("precision", "recall", "f1", "ap", "iou", "dice")
_COLUMN_TITLES = {"f1": "F1", "ap": "AP", "iou": "IoU"}
_SUPPORT = {"classification": "Images", "detection": "Objects", "segmentation": "Pixels"}


def _class_table(found: Sequence[ClassScore], task: Task) -> dict[str, Any] | None:
    """Return head and rows, with the columns that this task knows; the weakest class first."""
    if not found:
        return None
    known = [c for c in _COLUMNS if any(getattr(score, c) is not None for score in found)]
    order = sorted(found, key=lambda score: _of(score, known[-1]) if known else 0.0)
    return {
        "head": ("Class", _SUPPORT[task], *(_COLUMN_TITLES.get(c, c.title()) for c in known)),
        "rows": [
            (
                score.name,
                f"{score.support:,}",
                *("–" if (v := getattr(score, c)) is None else f"{100 * v:.1f} %" for c in known),
            )
            for score in order
        ],
    }


def _of(score: ClassScore, column: str) -> float:
    value = getattr(score, column)
    return -1.0 if value is None else float(value)


def _slices(page: Page) -> dict[str, Any] | None:
    if not page.slices:
        return None
    rows = [
        (
            f"{s.attribute}: {s.value}",
            f"{s.images:,}",
            f"{100 * s.score:.1f} %" if s.images else "no image",
            f"{100 * s.low:.1f} to {100 * s.high:.1f} %"
            if s.low is not None and s.high is not None
            else "–",
        )
        for s in page.slices
    ]
    return {"picture": inline(page.slices_picture), "rows": rows}
