"""What int8 weights would bring, measured: quality, latency, throughput and size beside each other."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from pydantic import Field

from runner.failures import Refusal
from runner.report import words
from runner.report.detection import detections_of
from runner.report.evidence import Evidence
from runner.report.measuring import TITLES, measured
from runner.report.outputs import Count, Name, Outputs, Said
from runner.report.style import (
    HEAD,
    INK,
    RIGHT,
    SERIES,
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
from runner.report.versus import Versus, versus
from runner.report.worst import quality

_SAME = 0.95  # of a ratio of times: nearer to one is not worth a word
_NAMES = {"float": "as it is", "static": "int8, static", "dynamic": "int8, dynamic"}


class _Variant(Said):
    name: str = Field(max_length=40)
    size: Count = 0
    p50_ms: float = Field(default=0, ge=0)
    p95_ms: float = Field(default=0, ge=0)
    images_per_second: float = Field(default=0, ge=0)
    predictions: Name = ""
    failure: str = Field(default="", max_length=1000)


class _Quantize(Said):
    variants: tuple[_Variant, ...] = Field(min_length=1, max_length=10)
    calibration: Count = 0  #: dev images that static ranges were learnt on


@dataclass(frozen=True)
class Variant:
    """One set of weights, and what it did."""

    name: str
    value: float  #: the ranking figure on dev
    p50_ms: float
    p95_ms: float
    images_per_second: float
    size: int
    agrees: float | None  #: share of images with the answer of the weights as they are
    versus: Versus | None  #: against the weights as they are; None for those
    failure: str = ""


class Quantization:
    """All variants, the first one as it was submitted."""

    def __init__(self, evidence: Evidence, outputs: Outputs) -> None:
        """Read and score what a runner predicted. Raises Refusal (E_RUNNER_FORM)."""
        said = outputs.words("quantize.json", _Quantize)
        self.title = TITLES[evidence.task]
        self.variants: list[Variant] = []
        self.calibration = said.calibration
        before: NDArray[Any] | None = None
        first: NDArray[Any] | None = None
        for variant in said.variants:
            name = _NAMES.get(variant.name, variant.name)
            if variant.failure or not variant.predictions:
                failure = variant.failure or "it gave no predictions"
                self.variants.append(Variant(name, 0, 0, 0, 0, 0, None, None, failure))
                continue
            predictions = outputs.rows(variant.predictions, len(evidence), evidence.manifest)
            other = evidence.instead(predictions)
            done = quality(other, detections_of(other))
            against = None if before is None else versus(done, before)
            self.variants.append(
                Variant(
                    name, measured(other), variant.p50_ms, variant.p95_ms,
                    variant.images_per_second, variant.size,
                    None if first is None else agreement(other.task, predictions, first), against,
                )
            )  # fmt: skip
            if before is None:
                before, first = done, predictions
        if self.variants[0].failure:
            raise Refusal("E_RUNNER_FORM", got="quantisation without the weights as they are")

    @property
    def worked(self) -> list[Variant]:
        return [variant for variant in self.variants if not variant.failure]

    def words(self) -> str:
        """Return what was won and lost, a sentence for each variant."""
        base = self.variants[0]
        said = [f"As it is: {self._facts(base)}"]
        for variant in self.variants[1:]:
            if variant.failure:
                said.append(f"{variant.name}: could not be used ({variant.failure})")
                continue
            speed = _times(base.p50_ms, variant.p50_ms)
            certain = variant.versus is not None and variant.versus.certain
            lost = "a difference that is no chance" if certain else "no difference that shows"
            said.append(f"{variant.name}: {self._facts(variant)}; {speed}, {lost}")
        if self.calibration and len(self.worked) > 1:
            count = words.count(self.calibration, "dev image")
            said.append(f"Ranges of static int8 were learnt on {count}, without labels")
        return ". ".join(said) + "."

    def _facts(self, variant: Variant) -> str:
        return (
            f"{self.title} {percent(variant.value)}, {variant.p50_ms:.3g} ms an image, "
            f"{words.size(variant.size)}"
        )

    def rows(self) -> tuple[tuple[str, ...], ...]:
        """Return a table for the chat."""
        head = ("weights", self.title, "same answer", "p50", "p95", "images/s", "size")
        lines = [
            (v.name, "failed", "–", "–", "–", "–", "–")
            if v.failure
            else (
                v.name, percent(v.value), "–" if v.agrees is None else percent(v.agrees),
                f"{v.p50_ms:.3g} ms", f"{v.p95_ms:.3g} ms", f"{v.images_per_second:,.0f}",
                words.size(v.size),
            )
            for v in self.variants
        ]  # fmt: skip
        return (head, *lines)


def agreement(task: str, one: NDArray[Any], other: NDArray[Any]) -> float | None:
    """Return the share of images (or pixels) with the same class; None for boxes, which have none."""
    if task == "detection":
        return None
    if task == "classification":
        one, other = one.argmax(axis=1), other.argmax(axis=1)
    return float((one == other).mean())


def _times(before: float, now: float) -> str:
    if before <= 0 or now <= 0:
        return "its speed is not known"
    ratio = before / now
    if _SAME < ratio < 1 / _SAME:
        return "as fast"
    return f"{ratio:.1f} times as fast" if ratio >= 1 else f"{1 / ratio:.1f} times slower"


def draw(found: Quantization) -> Picture:
    """Return three columns of bars: the figure, the latency, the size of each variant."""
    shown = found.worked
    height = HEAD + 0.42 * len(shown) + 0.75
    figure = card(8.4, height, title="What int8 brings", subtitle="measured on this runner, on dev")
    columns = (
        (f"{found.title}: more is better", [v.value for v in shown], percent),
        ("ms an image: less is better", [v.p50_ms for v in shown], lambda v: f"{v:.3g}"),
        ("size: less is better", [float(v.size) for v in shown], lambda v: words.size(int(v))),
    )
    for place, (title, values, written) in enumerate(columns):
        left = 1.55 + place * 2.25
        axes = axes_in(figure, Box(left, 0.3, 1.45, 0.42 * len(shown)))
        axes.barh(
            range(len(shown)), values, height=0.6,
            color=[RIGHT if number == 0 else SERIES[2] for number in range(len(shown))],
        )  # fmt: skip
        axes.set_xlim(0, max([*values, 1e-9]))
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        names = [plain(v.name, 14) for v in shown] if place == 0 else [""] * len(shown)
        axes.set_yticks(range(len(shown)), names)
        axes.set_title(title, fontsize=TEXT, color=SOFT, loc="left")
        for line, value in enumerate(values):
            axes.annotate(
                written(value), (1.04, line), xycoords=("axes fraction", "data"), va="center",
                fontsize=TEXT, color=INK, annotation_clip=False,
            )  # fmt: skip
    return picture(figure, found.words())
