"""The report of a dataset as one HTML file, in the manner of the report of a model."""

from collections import Counter
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from runner.datasets.checks import COUNTED
from runner.datasets.quality import drawing
from runner.datasets.quality.duplicates import Place
from runner.datasets.quality.finding import Finding
from runner.datasets.quality.findings import Looked
from runner.datasets.quality.subject import MOST, Part, Subject
from runner.datasets.truth import Boxes, per_class
from runner.report.html import data_url, environment, inline, styled
from runner.report.style import SERIES
from runner.report.thumbnails import encoded, overlaid, small_copy

_MOST_CLASSES = 200
_MOST_VALUES = 60


def render(looked: Looked) -> str:
    """Return the page."""
    subject = looked.subject
    parts: dict[str, Any] = {
        "balance": inline(drawing.draw_balance(subject)),
        "light": inline(drawing.draw_light(looked)),
        "sizes": inline(drawing.draw_sizes(subject)),
        "objects": inline(drawing.draw_objects(subject)),
        "attributes": _attributes(subject),
    }
    return (
        environment()
        .get_template("dataset.html.j2")
        .render(
            **styled(),
            **parts,
            task="",  # the gallery's pairs are for reports of models
            name=subject.name,
            origin=subject.origin,
            headline=drawing.headline(looked),
            amounts=drawing.amounts(subject),
            notes=_notes(subject),
            contents=_contents(parts),
            findings=[_finding(subject, finding) for finding in looked.findings],
            split_head=("Split", "Images", "Looked at", "Size", "Brightness", "Contrast"),
            splits=_splits(looked),
            class_caption=_class_caption(subject),
            class_head=("Class", *(part.split for part in subject.shown)),
            classes=_classes(subject),
            attribute_head=("Attribute", *(part.split for part in subject.shown)),
            methods=_methods(looked),
        )
    )


def _contents(parts: dict[str, Any]) -> list[tuple[str, str]]:
    titles = {
        "balance": "Classes",
        "light": "Light",
        "sizes": "Sizes",
        "objects": "Objects",
        "attributes": "Attributes",
    }
    found = [(name, words) for name, words in titles.items() if parts[name]]
    return [("findings", "Findings"), ("splits", "Splits"), *found, ("method", "How it was found")]  # fmt: skip


def _notes(subject: Subject) -> list[str]:
    notes = [
        f"{part.split}: {len(part):,} of {part.total:,} images were looked at, drawn with seed 0."
        for part in subject.parts
        if part.total - len(part.unreadable) > len(part)
    ]
    return [*notes, *([f"{subject.resized.capitalize()}."] if subject.resized else [])]


def _finding(subject: Subject, finding: Finding) -> dict[str, Any]:
    return {
        "what": finding.what,
        "where": finding.where,
        "count": finding.count,
        "advice": finding.advice,
        "grave": finding.grave,
        "shots": [_shot(subject, place, words) for place, words in finding.shots],
    }


def _shot(subject: Subject, place: Place, words: str) -> dict[str, Any]:
    part, image = subject.parts[place[0]], place[1]
    assert not part.hidden
    small = _thumbnail(part, image)
    data, media_type = encoded(small)
    title = f"{part.split} {part.name_of(image)}"
    return {
        "src": data_url(data, media_type),
        "alt": f"{title}: {words}",
        "title": title,
        "words": words,
        "width": small.width,
        "height": small.height,
    }


def _thumbnail(part: Part, image: int) -> Image.Image:
    pixels = np.asarray(part.images[image])
    if isinstance(part.truth, Boxes):
        return _boxed(small_copy(pixels), part.truth, image, pixels.shape[1])
    if part.truth.ndim > 1:
        pixels = overlaid(pixels, np.asarray(part.truth[image], np.uint8))
    return small_copy(pixels)


def _boxed(small: Image.Image, truth: Boxes, image: int, width: int) -> Image.Image:
    brush = ImageDraw.Draw(small)
    factor = small.width / width
    rows = np.flatnonzero(truth.image == image)
    for x, y, w, h in truth.fed()[rows] * factor:
        corners = (x, y, max(x + w, x + 1), max(y + h, y + 1))
        colour = SERIES[int(truth.category[rows[0]]) % len(SERIES)]
        brush.rectangle(
            (corners[0] - 1, corners[1] - 1, corners[2] + 1, corners[3] + 1),
            outline="white",
            width=3,
        )
        brush.rectangle(corners, outline=colour, width=2)  # fmt: skip
    return small


def _splits(looked: Looked) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for part, found in zip(looked.subject.parts, looked.pixels, strict=True):
        h, w = part.images.shape[1:3]
        size = f"{w} × {h}"
        if part.sizes is not None and not part.hidden:
            low, high = part.sizes.min(axis=0), part.sizes.max(axis=0)
            size = f"{low[1]} × {low[0]}" + (
                f" to {high[1]} × {high[0]}" if (low != high).any() else ""
            )
        rows.append(
            (
                f"{part.split} (hidden)" if part.hidden else part.split,
                f"{part.total:,}",
                f"{len(part):,}",
                size,
                f"{found.brightness.mean():.0f} ± {found.brightness.std():.0f}",
                f"{found.contrast.mean():.0f} ± {found.contrast.std():.0f}",
            )
        )
    return rows


def _class_caption(subject: Subject) -> str:
    things = {"image": "Images", "box": "Boxes", "pixel": "Pixels"}[COUNTED[subject.task]]
    left = len(subject.classes) - _MOST_CLASSES
    return f"{things} of each class" + (f"; {left:,} more are left out" if left > 0 else "")


def _classes(subject: Subject) -> list[tuple[str, ...]]:
    counts = [per_class(part.truth, len(subject.classes)) for part in subject.shown]
    return [
        (name, *(f"{int(count[number]):,}" for count in counts))
        for number, name in enumerate(subject.classes[:_MOST_CLASSES])
    ]


def _attributes(subject: Subject) -> list[tuple[str, ...]]:
    names = dict.fromkeys(name for part in subject.shown for name in part.attributes)
    rows = []
    for name in names:
        counts = [Counter(part.attributes.get(name, ())) for part in subject.shown]
        for value, _ in sum(counts, Counter[str]()).most_common(_MOST_VALUES):
            rows.append((f"{name}: {value}", *(f"{count[value]:,}" for count in counts)))
    return rows


def _methods(looked: Looked) -> list[tuple[str, str]]:
    near = "dHash of rows and columns (at most 12 of 128 bits apart), then correlation of 16 × 16 grey copies of at least .995"
    if looked.repeats.too_small:
        near = "not looked for: in images this small, different things look alike"
    elif looked.repeats.cut:
        near += "; there were so many that looking stopped"
    rows = [
        ("The same image", "every pixel is the same"),
        ("Nearly the same image", near),
        ("Light", "a split is spoken of when its mean lies .8 standard deviations or more from the first split's (Cohen's d)"),
        ("Sampling", f"up to {MOST:,} images a split, drawn with seed 0"),
    ]  # fmt: skip
    found = looked.suspicion
    if found is not None:
        rows.insert(2, ("Labels that are likely wrong", _label_words(looked)))
    if subject_source := looked.subject.source:
        rows.append(("Where the images come from", subject_source))
    if looked.subject.licence:
        rows.append(("Licence", looked.subject.licence))
    return rows


def _label_words(looked: Looked) -> str:
    found = looked.suspicion
    if found is None or found.accuracy is None:
        return "not looked for: that takes 50 images and two classes"
    how = (
        "the ten images that look most alike vote (confident learning on small copies); alone they "
        f"name {100 * found.accuracy:.0f} % of the classes right"
    )
    if not found.usable:
        return f"{how}, too few to doubt a label: so none was suspected"
    return f"{how}. The figure is how sure: 1 is every neighbour against the label"
