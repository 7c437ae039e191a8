"""The pictures of a dataset: one card for the chat, and charts for the page."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from runner.datasets.checks import COUNTED
from runner.datasets.quality.findings import Looked
from runner.datasets.quality.subject import Subject
from runner.datasets.truth import IGNORED, Boxes, per_class
from runner.report.style import (
    HEAD,
    INK,
    RIGHT,
    SERIES,
    SMALL,
    SOFT,
    TEXT,
    WRONG,
    Box,
    Picture,
    axes_in,
    card,
    picture,
    plain,
)

_CARD_CLASSES, _PAGE_CLASSES = 10, 40
_CARD_FINDINGS = 5
_GRID = 24  # cells a side of a map of positions


def headline(looked: Looked) -> str:
    """Return what was found, in the words of a title."""
    grave = sum(finding.grave for finding in looked.findings)
    if grave:
        return f"{grave} {'thing' if grave == 1 else 'things'} to mend first"
    count = len(looked.findings)
    return (
        f"{count} {'thing' if count == 1 else 'things'} to look at" if count else "Nothing to mend"
    )


def amounts(subject: Subject) -> str:
    """Return images, classes and splits in words."""
    splits = ", ".join(f"{part.split} {part.total:,}" for part in subject.parts)
    classes = "1 class" if len(subject.classes) == 1 else f"{len(subject.classes):,} classes"
    return f"{subject.task} · {classes} · {splits} images"


def draw_card(looked: Looked) -> Picture:
    """Return the card for the chat: balance, light, and the gravest findings."""
    subject = looked.subject
    shown = _shown_classes(subject, _CARD_CLASSES)
    lines = looked.findings[:_CARD_FINDINGS]
    down = max(2.1, 0.3 + 0.2 * len(shown))
    words = 0.3 + 0.26 * max(len(lines), 1)
    width, height = 7.4, HEAD + down + 0.42 + words
    figure = card(
        width, height, title=f"{subject.name}: {headline(looked)}", subtitle=amounts(subject)
    )
    bottom = height - HEAD - down
    _balance(axes_in(figure, Box(1.45, bottom, 2.25, down - 0.3)), subject, shown)
    _curves(axes_in(figure, Box(4.35, bottom, 2.65, down - 0.3)), looked, "brightness")
    for left, name in ((0.3, _balance_title(subject)), (4.35, "Brightness")):
        figure.text(left / width, (height - HEAD - 0.12) / height, name, color=SOFT, fontsize=TEXT)
    for number, finding in enumerate(lines):
        y = (bottom - 0.62 - 0.26 * number) / height
        colour = WRONG if finding.grave else RIGHT
        figure.text(
            0.95 / width,
            y,
            f"{finding.count:,}",
            color=colour,
            fontsize=TEXT,
            fontweight="bold",
            ha="right",
        )
        said = f"{finding.what} ({finding.where})"
        figure.text(1.1 / width, y, plain(said, 84), color=INK, fontsize=TEXT)
    if not lines:
        figure.text(
            0.3 / width,
            (bottom - 0.62) / height,
            "No duplicates, nothing unreadable, no label that its image speaks against.",
            color=INK,
            fontsize=TEXT,
        )
    return picture(figure, alternative(looked))  # fmt: skip


def alternative(looked: Looked) -> str:
    """Return the card in words."""
    said = "; ".join(f"{f.count:,} {f.what} ({f.where})" for f in looked.findings[:_CARD_FINDINGS])
    more = len(looked.findings) - _CARD_FINDINGS
    rest = f"; and {more} more" if more > 0 else ""
    return f"{looked.subject.name}, {amounts(looked.subject)}. {headline(looked)}: {said or 'nothing was found'}{rest}."


def draw_balance(subject: Subject) -> Picture | None:
    """Return how much there is of each class, in each split that may be shown."""
    if not subject.shown:
        return None
    shown = _shown_classes(subject, _PAGE_CLASSES)
    height = HEAD + 0.5 + 0.27 * max(len(shown), 3)
    left_out = len(subject.classes) - len(shown)
    note = f"; {left_out} classes in the middle are left out" if left_out else ""
    figure = card(
        7.4, height, title="How much there is of each class",
        subtitle=f"{_balance_title(subject)}, by split{note}",
    )  # fmt: skip
    axes = axes_in(figure, Box(2.2, 0.4, 4.8, 0.27 * max(len(shown), 3)))
    _balance(axes, subject, shown, legend=True)
    counts = _counts(subject).sum(axis=0)
    order = np.argsort(counts)
    least, most = subject.classes[order[0]], subject.classes[order[-1]]
    even = counts.min() == counts.max()
    said = "all the same" if even else f"most of {most}, least of {least}"
    alt = f"Share of each class by split: {said}."
    return picture(figure, alt)


def draw_light(looked: Looked) -> Picture:
    """Return how brightness and contrast are spread in each split."""
    figure = card(
        7.4,
        HEAD + 2.9,
        title="Light",
        subtitle="Share of each split's images by grey level, 0 to 255",
    )
    for left, name in ((0.4, "brightness"), (4.0, "contrast")):
        axes = axes_in(figure, Box(left, 0.55, 3.0, 2.1))
        _curves(axes, looked, name)
        axes.set_title(name.title(), color=INK, fontsize=TEXT, loc="left")
    means = "; ".join(
        f"{part.split} {found.brightness.mean():.0f} bright, {found.contrast.mean():.0f} contrast"
        for part, found in zip(looked.subject.parts, looked.pixels, strict=True)
    )
    return picture(figure, f"Mean brightness and contrast by split: {means}.")


def draw_sizes(subject: Subject) -> Picture | None:
    """Return widths and heights of the original pictures, where they differ."""
    known = [(part.split, part.sizes) for part in subject.shown if part.sizes is not None]
    if not known or len(np.unique(np.concatenate([s for _, s in known]), axis=0)) < 2:  # noqa: PLR2004
        return None
    every = np.concatenate([sizes for _, sizes in known])
    aspect = np.sort(every[:, 1] / np.maximum(every[:, 0], 1))
    figure = card(
        7.4,
        HEAD + 3.1,
        title="Sizes of the pictures",
        subtitle="Width and height in pixels as they came; aspect is width : height",
    )
    axes = axes_in(figure, Box(0.8, 0.6, 2.8, 2.3))
    for number, (split, sizes) in enumerate(known):
        axes.plot(
            sizes[:, 1],
            sizes[:, 0],
            ".",
            color=SERIES[number % len(SERIES)],
            alpha=0.35,
            markersize=4,
            label=split,
        )
    _labelled(axes, "width", "height")
    other = axes_in(figure, Box(4.4, 0.6, 2.6, 2.3))
    other.hist(aspect, bins=24, color=RIGHT)
    _labelled(other, "aspect", "pictures")
    middle = np.median(every, axis=0)
    return picture(figure, f"{len(every):,} pictures, {every[:, 1].min()} to {every[:, 1].max()} wide, {every[:, 0].min()} to {every[:, 0].max()} high, half of them below {middle[1]:.0f} × {middle[0]:.0f}; aspect {aspect[0]:.2f} to {aspect[-1]:.2f}.")  # fmt: skip


def draw_objects(subject: Subject) -> Picture | None:
    """Return how large objects are and where they lie: boxes or classes of masks."""
    if subject.task == "classification" or not subject.shown:
        return None
    place = np.zeros((_GRID, _GRID))
    shares: list[NDArray[np.float64]] = []
    for part in subject.shown:
        if isinstance(part.truth, Boxes):
            shares.append(_box_shares(part.truth, place))
        else:
            shares.append(_mask_shares(np.asarray(part.truth), place))
    every = np.concatenate(shares)
    thing = "box" if subject.task == "detection" else "mask"
    kind = "Boxes" if thing == "box" else "Objects"
    figure = card(
        7.4,
        HEAD + 3.1,
        title=f"{kind}: how large, and where",
        subtitle="Left: side of a square of the same area, as a share of the image's. Right: where they lie; dark is often.",
    )
    axes = axes_in(figure, Box(0.8, 0.6, 2.9, 2.3))
    axes.hist(100 * np.sqrt(every), bins=list(range(0, 101, 4)), color=RIGHT)
    _labelled(axes, "% of the image's side", "boxes" if thing == "box" else "classes of masks")
    other = axes_in(figure, Box(4.5, 0.6, 2.3, 2.3))
    other.imshow(place, cmap="Greens", aspect="equal", vmin=0)
    other.set_xticks([])
    other.set_yticks([])
    middle = 100 * float(np.sqrt(np.median(every))) if len(every) else 0.0
    return picture(figure, f"{len(every):,} in all; half of them are smaller than {middle:.0f} % of the image's side.")  # fmt: skip


def _box_shares(truth: Boxes, place: NDArray[np.float64]) -> NDArray[np.float64]:
    size = truth.size[truth.image].astype(np.float64)
    centre = (truth.box[:, :2] + truth.box[:, 2:] / 2) / np.maximum(size[:, ::-1], 1)
    cells = np.clip((centre * _GRID).astype(int), 0, _GRID - 1)
    np.add.at(place, (cells[:, 1], cells[:, 0]), 1)
    return np.asarray(truth.box[:, 2] * truth.box[:, 3] / np.maximum(size[:, 0] * size[:, 1], 1))


def _mask_shares(masks: NDArray[np.uint8], place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Count objects by class, without class 0, which is the background nearly everywhere."""
    rows, columns = (np.linspace(0, n - 1, _GRID).astype(int) for n in masks.shape[1:])
    seen = masks[:, rows][:, :, columns]
    place += ((seen != 0) & (seen != IGNORED)).sum(axis=0)
    found = []
    for mask in masks:
        counts = np.bincount(mask.ravel(), minlength=IGNORED + 1)[1:IGNORED]
        found.append(counts[counts > 0] / mask.size)
    return np.concatenate(found) if found else np.zeros(0)


def _counts(subject: Subject) -> NDArray[np.float64]:
    return np.stack([per_class(p.truth, len(subject.classes)) for p in subject.shown]).astype(float)


def _shown_classes(subject: Subject, most: int) -> list[int]:
    """Return classes by size; of too many, the largest and the smallest."""
    if not subject.shown:
        return []
    order = [int(c) for c in np.argsort(-_counts(subject).sum(axis=0), kind="stable")]
    return order if len(order) <= most else [*order[: most // 2], *order[-(most // 2) :]]


def _balance_title(subject: Subject) -> str:
    things = {"image": "images", "box": "boxes", "pixel": "pixels"}[COUNTED[subject.task]]
    return f"Share of {things} by class"


def _balance(axes: Axes, subject: Subject, shown: Sequence[int], *, legend: bool = False) -> None:
    counts = _counts(subject) if subject.shown else np.zeros((0, len(subject.classes)))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    bar = 0.8 / max(len(shares), 1)
    for number, (part, share) in enumerate(zip(subject.shown, shares, strict=True)):
        at = np.arange(len(shown)) - 0.4 + bar * (number + 0.5)
        axes.barh(
            at, 100 * share[shown], height=bar, color=SERIES[number % len(SERIES)], label=part.split
        )
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_yticks(range(len(shown)), [plain(subject.classes[c], 16) for c in shown])
    axes.tick_params(axis="x", colors=SOFT, labelsize=SMALL)
    axes.set_xlim(0, max(1.0, 100 * float(shares[:, shown].max(initial=0)) * 1.05))
    axes.xaxis.set_major_formatter("{x:.3g} %")
    axes.xaxis.set_major_locator(_few())
    if len(shares) > 1 and legend:
        axes.legend(bbox_to_anchor=(1, 1.02), loc="lower right", ncols=4, fontsize=SMALL, frameon=False, labelcolor=INK)  # fmt: skip


def _curves(axes: Axes, looked: Looked, name: str) -> None:
    bins = np.linspace(0, 255 if name == "brightness" else 128, 27)
    for number, (part, found) in enumerate(zip(looked.subject.parts, looked.pixels, strict=True)):
        counts, _ = np.histogram(np.clip(getattr(found, name), 0, bins[-1]), bins)
        share = 100 * counts / max(counts.sum(), 1)
        axes.plot(
            (bins[1:] + bins[:-1]) / 2,
            share,
            color=SERIES[number % len(SERIES)],
            linestyle=("-", "--", ":", "-.")[number % 4],
            linewidth=1.7,
            label=part.split,
        )
    axes.set_xlim(0, bins[-1])
    axes.set_ylim(bottom=0)
    axes.tick_params(colors=SOFT, labelsize=SMALL)
    axes.yaxis.set_major_formatter("{x:.3g} %")
    axes.yaxis.set_major_locator(_few())
    if len(looked.subject.parts) > 1:
        axes.legend(loc="best", fontsize=SMALL, frameon=False, labelcolor=INK)  # fmt: skip


def _few() -> MaxNLocator:
    return MaxNLocator(4)


def _labelled(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x, fontsize=SMALL)
    axes.set_ylabel(y, fontsize=SMALL)
    axes.tick_params(colors=SOFT, labelsize=SMALL)
