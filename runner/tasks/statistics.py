"""What is kept of each image: enough for every interval, slice, paired test, tie group and gap.

A task keeps one ``Statistics`` a split. They name classes and matches, so they are for the trusted
side only, whatever the split.
"""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from runner import opening, stats
from runner.contract import DatasetManifest, Metric, Slice, Split, SplitScore
from runner.failures import Refusal
from runner.tasks import bias as biases

Weights = NDArray[np.float32]  # [B, n]: how often each of n images was drawn in each of B resamples
Attributes = Mapping[str, Sequence[str]]  # by name, a word for each of n images
RESAMPLES = 1000
_WHAT = "what is kept of images"
_SLICE_RESAMPLES = 200  # a slice is looked at, not ranked by
_SLICES = 24  # of one attribute: what has more values is no condition but a name


class Statistics(Protocol):
    """What is kept of the n images of a split."""

    @property
    def images(self) -> int:
        """Return n."""
        ...

    def each(self, metric: str) -> NDArray[np.float64] | None:
        """Return the values [n] in 0 to 1 whose mean ``metric`` is; None where it is no mean."""
        ...

    def replicates(self, metric: str, weights: Weights) -> NDArray[np.float64]:
        """Return ``metric`` [B] of the images as ``weights`` [B, n] draw them.

        Exact: the same as scoring each image as often as it was drawn.
        Raises Refusal (E_TASK) for a metric that this task has not.
        """
        ...

    def take(self, images: NDArray[np.int64]) -> Self:
        """Return the statistics of these images alone; each at most once, in ascending order."""
        ...

    def save(self) -> bytes:
        """Return an npz that the task's ``load`` reads."""
        ...


@dataclass(frozen=True)
class Judged:
    """All that scoring a split gives."""

    score: SplitScore
    statistics: Statistics
    files: dict[str, bytes] = field(default_factory=dict)  #: .npz by name, of dev only


class TaskKind(Protocol):
    """What a task knows how to do."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """Return the names of what may rank; all have an interval, and higher is better."""
        ...

    def judge(
        self,
        split: Split,
        predictions: NDArray[Any],
        truth: Any,
        manifest: DatasetManifest,
        *,
        metric: str,
        attributes: Attributes,
    ) -> Judged:
        """Score one split; ``metric`` comes first in what is told. Raises Refusal (E_TASK)."""
        ...

    def statistics(
        self, predictions: NDArray[Any], truth: Any, manifest: DatasetManifest
    ) -> Statistics:
        """Return what is kept of each image."""
        ...

    def load(self, data: bytearray) -> Statistics:
        """Read what ``save`` returned. Raises Refusal (E_RUNNER_FORM) where it is none of that."""
        ...


class Kept:
    """Arrays and numbers of a dataclass, saved as npz and read back; never a pickle."""

    def save(self) -> bytes:
        file = io.BytesIO()
        values: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        np.savez(file, **values)
        return file.getvalue()

    @classmethod
    def load(cls, data: bytearray) -> Self:
        """Read what ``save`` returned. Raises Refusal (E_RUNNER_FORM) where it is none of that."""
        names = [f.name for f in fields(cls)]  # type: ignore[arg-type]
        members = opening.npz(data, most=len(names), what=_WHAT)
        if members.keys() != set(names):
            raise Refusal("E_RUNNER_FORM", got=f"{_WHAT}: of another task")
        found = {
            name: opening.npy(members[name], shape=None, dtype=None, what=f"{_WHAT}: {name}")
            for name in names
        }
        return cls(**{k: v.item() if v.ndim == 0 else v for k, v in found.items()})


def refuse_unknown(metric: str, known: Sequence[str]) -> None:
    """Raise Refusal (E_TASK) unless ``metric`` is one of ``known``."""
    if metric not in known:
        raise Refusal(
            "E_TASK",
            "This task has no such metric.",
            expected=", ".join(known),
            got=metric,
            fix="Moderators: give the benchmark a metric of its task.",
        )


def value(statistics: Statistics, metric: str) -> float:
    """Return ``metric`` on the images as they are."""
    once = np.ones((1, statistics.images), np.float32)
    return float(statistics.replicates(metric, once)[0])


def resamples(images: int, *, count: int = RESAMPLES, seed: int = 0) -> Iterator[Weights]:
    """Yield the weights of ``count`` bootstrap resamples in pieces [b, images]."""
    at_once = max(1, min(count, (1 << 24) // max(images, 1)))
    random = np.random.default_rng(seed)
    for begin in range(0, count, at_once):
        rows = min(at_once, count - begin)
        weights = np.empty((rows, images), np.float32)
        for row in weights:
            row[:] = np.bincount(random.integers(0, images, images), minlength=images)
        yield weights


def joint(
    entrants: Sequence[Statistics], metric: str, *, count: int = RESAMPLES, seed: int = 0
) -> NDArray[np.float64]:
    """Return ``metric`` [count, entrants] of all entrants under the same resamples of their images.

    Raises Refusal (E_RUNNER_FETCH) where they are not of the same images.
    """
    sizes = {one.images for one in entrants}
    if len(sizes) != 1 or not min(sizes):
        raise Refusal("E_RUNNER_FETCH", "Statistics of other images.", got=str(sorted(sizes)))
    pieces = [
        _under(entrants, metric, weights)
        for weights in resamples(sizes.pop(), count=count, seed=seed)
    ]
    return np.concatenate(pieces)


def _under(entrants: Sequence[Statistics], metric: str, weights: Weights) -> NDArray[np.float64]:
    """Return ``metric`` [B, entrants]: of means over images by one product for all of them."""
    each = [values for one in entrants if (values := one.each(metric)) is not None]
    if len(each) < len(entrants):
        return np.stack([one.replicates(metric, weights) for one in entrants], axis=1)
    # Sums of right and wrong are whole numbers below 2**24, which float32 keeps exactly.
    sums = weights @ np.stack(each, axis=1).astype(np.float32)
    means: NDArray[np.float64] = sums.astype(np.float64) / weights.shape[1]
    return means


def interval(statistics: Statistics, metric: str, *, count: int = RESAMPLES) -> tuple[float, float]:
    """Return the 95 % interval: Wilson for a share of images, else from a bootstrap of images."""
    each = statistics.each(metric)
    if each is not None:
        return stats.wilson(round(float(each.sum())), len(each))
    return bootstrapped(statistics, metric, joint([statistics], metric, count=count)[:, 0])


def bootstrapped(
    statistics: Statistics, metric: str, drawn: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the 95 % interval from resampled figures [B], freed of the bias of few images.

    It holds the value itself: a bias that exceeds the interval's half would else look like a mistake.
    """
    found = value(statistics, metric)
    off = biases.bias(statistics, metric, found, halvings=halvings(len(drawn)))
    return freed(drawn, found, off)


def halvings(count: int) -> int:
    """Return how many cuts into halves tell the bias well enough beside ``count`` resamples."""
    return max(count // 20, 1)


def freed(drawn: NDArray[np.float64], found: float, off: float) -> tuple[float, float]:
    """Return the 95 % interval of ``found``, which is too high by ``off``, from resamples [B]."""
    low, high = percentiles(biases.moved(drawn, found - off))
    return max(min(low, found), 0.0), min(max(high, found), 1.0)


def percentiles(drawn: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 2.5 % and 97.5 % quantiles."""
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def as_metric(statistics: Statistics, name: str) -> Metric:
    """Return a figure with its interval."""
    low, high = interval(statistics, name)
    return Metric(name=name, value=value(statistics, name), low=low, high=high)


def ranking_first(metrics: Sequence[Metric], metric: str) -> tuple[Metric, ...]:
    """Return ``metrics`` with the one that ranks in front."""
    return tuple(sorted(metrics, key=lambda m: m.name != metric))


def slices(statistics: Statistics, metric: str, attributes: Attributes) -> tuple[Slice, ...]:
    """Return ``metric`` on the images that share a word, in the words' order, for each attribute."""
    found = []
    for name, words in attributes.items():
        said = np.array([str(word) for word in words])
        values = np.unique(said)
        if len(said) != statistics.images or not 1 < len(values) <= _SLICES:
            continue
        for word in values.tolist():
            part = statistics.take(np.flatnonzero(said == word))
            low, high = interval(part, metric, count=_SLICE_RESAMPLES)
            found.append(
                Slice(
                    attribute=name, value=word, images=part.images,
                    score=value(part, metric), low=low, high=high,
                )
            )  # fmt: skip
    return tuple(found)


def in_blocks(
    weights: Weights, columns: int, block: Callable[[int, int], NDArray[Any]]
) -> NDArray[Any]:
    """Return weights [B, n] @ a matrix [n, columns] that ``block(begin, end)`` makes piece by piece."""
    width = 64
    edges = [(b, min(b + width, columns)) for b in range(0, columns, width)]
    return np.concatenate([weights @ block(*edge) for edge in edges], axis=1)
