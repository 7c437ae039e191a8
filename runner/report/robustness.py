"""How a model stands noise, blur and bad light: the figure under each corruption and severity."""

from typing import Annotated

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from numpy.typing import NDArray
from pydantic import Field

from runner.failures import Refusal
from runner.report.evidence import Evidence
from runner.report.measuring import TITLES, measured, some
from runner.report.outputs import Name, Outputs, Said
from runner.report.style import (
    CARD,
    HEAD,
    INK,
    RIGHT,
    SOFT,
    TEXT,
    Box,
    Picture,
    axes_in,
    card,
    percent,
    picture,
    plain,
)

Place = Annotated[int, Field(ge=0, lt=1 << 40)]
_HARM = 0.02  #: of the figure: less is not worth a training run


class _Variant(Said):
    corruption: str = Field(max_length=40)
    severity: int = Field(ge=0, le=9)
    file: Name


class _Robustness(Said):
    images: tuple[Place, ...] = Field(min_length=1, max_length=100_000)
    variants: tuple[_Variant, ...] = Field(min_length=1, max_length=200)


class Robustness:
    """The figure of each corruption and severity; severity 0 is the images as they are."""

    def __init__(self, evidence: Evidence, outputs: Outputs) -> None:
        """Read and score what a runner predicted. Raises Refusal (E_RUNNER_FORM)."""
        said = outputs.words("robustness.json", _Robustness)
        places = places_of(said.images, evidence)
        self.title = TITLES[evidence.task]
        self.images = len(places)
        self.values: dict[tuple[str, int], float] = {}
        for variant in said.variants:
            found = outputs.rows(variant.file, len(places), evidence.manifest)
            value = measured(some(evidence, places, found))
            self.values[variant.corruption, variant.severity] = value
        clean = [value for (_, severity), value in self.values.items() if severity == 0]
        if not clean:
            raise Refusal("E_RUNNER_FORM", got="robustness without the images as they are")
        self.clean = clean[0]
        self.corruptions = list(dict.fromkeys(c for c, severity in self.values if severity))
        self.severities = sorted({severity for _, severity in self.values if severity})

    def mean(self, corruption: str) -> float:
        """Return the mean over the severities of one corruption."""
        found = [
            v for (name, severity), v in self.values.items() if name == corruption and severity
        ]
        return float(np.mean(found))

    def words(self) -> str:
        if not self.corruptions:
            return f"{self.title} {percent(self.clean)} on {self.images} images, none corrupted."
        order = sorted(self.corruptions, key=self.mean)
        worst, best = order[0], order[-1]
        first = f"{self.title} {percent(self.clean)} on {self.images} dev images as they are; it "
        said = (
            f"stands {worst} worst ({percent(self.mean(worst))} on average) and {best} best "
            f"({percent(self.mean(best))})."
        )
        if self.mean(worst) > self.clean - _HARM:
            return f"{first}{said} Nothing of this harms it much."
        return f"{first}{said} Adding {worst} to the training images is the first try."

    def rows(self) -> tuple[tuple[str, ...], ...]:
        """Return a table for the chat: one line a corruption, one column a severity."""
        head = ("corruption", *(f"severity {s}" for s in self.severities), "mean")
        lines = [
            (
                corruption,
                *(self._cell(corruption, severity) for severity in self.severities),
                percent(self.mean(corruption)),
            )
            for corruption in self.corruptions
        ]
        return (head, *lines)

    def _cell(self, corruption: str, severity: int) -> str:
        value = self.values.get((corruption, severity))
        return "–" if value is None else percent(value)


def places_of(images: tuple[int, ...], evidence: Evidence) -> NDArray[np.int64]:
    """Return places in dev. Raises Refusal (E_RUNNER_FORM) for places that are none."""
    places = np.array(images, np.int64)
    if len(places) and places.max() >= len(evidence):
        raise Refusal("E_RUNNER_FORM", got="images that dev does not have")
    return places


def draw(found: Robustness) -> Picture:
    """Return the table as a picture: the darker, the more of the clean figure is left."""
    rows, columns = len(found.corruptions), len(found.severities)
    names = [plain(name, 20) for name in found.corruptions]
    margin = 0.5 + 0.085 * max((len(name) for name in names), default=4)
    width = max(margin + 0.75 * columns + 0.4, 5.2)
    height = HEAD + 0.34 * max(rows, 1) + 0.7
    figure = card(
        width, height,
        title=f"{found.title} {percent(found.clean)} as they are",
        subtitle=f"{found.images} dev images, then corrupted more and more",
    )  # fmt: skip
    axes = axes_in(figure, Box(margin, 0.6, 0.75 * max(columns, 1), 0.34 * max(rows, 1)))
    grid = np.array(
        [[found.values.get((c, s), np.nan) for s in found.severities] for c in found.corruptions]
    ).reshape(rows, columns)
    share = grid / max(found.clean, 1e-9)
    if grid.size:
        colours = LinearSegmentedColormap.from_list("card", [CARD, RIGHT])
        axes.imshow(np.ma.masked_invalid(share), cmap=colours, vmin=0, vmax=1.1, aspect="auto")
    for (row, column), value in np.ndenumerate(grid):
        if np.isfinite(value):
            axes.text(
                column, row, f"{100 * value:.0f}", ha="center", va="center", fontsize=TEXT,
                color="white" if share[row, column] > 0.85 else INK,  # noqa: PLR2004
            )  # fmt: skip
    axes.set_yticks(range(rows), names)
    axes.set_xticks(range(columns), [f"{s}" for s in found.severities])
    axes.set_xlabel("severity (figures in %)", fontsize=TEXT, color=SOFT)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return picture(figure, found.words())
