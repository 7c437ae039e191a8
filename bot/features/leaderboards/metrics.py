"""What can rank a benchmark, task by task, and how its values are said. Pure."""

from dataclasses import dataclass

from bot.kit.command import Choice, Refusal
from bot.kit.render import Safe, percent
from runner.contract import Task
from runner.metrics import version_of

TASKS: tuple[Task, ...] = ("classification", "detection", "segmentation")


@dataclass(frozen=True)
class MetricFacts:
    """A metric: its name in scores, and in a member's words."""

    name: str
    task: Task | None  #: None: may be shown, never ranks
    short: str  #: as in a table
    meaning: str  #: a sentence for the card
    counted: bool = False  #: a share of images: many of them give it hundredths of a per cent
    unbounded: bool = False  #: no share of one: it is not said in per cent

    @property
    def version(self) -> int:
        """That which is computed now; a benchmark's own may be older."""
        return version_of(self.name)

    @property
    def title(self) -> str:
        return f"{self.short[:1].upper()}{self.short[1:]}: {self.meaning}"

    def show(self, value: float, images: int = 0) -> Safe:
        """The value, as reports and pictures write it: ``93.0 %``, ``0.505`` where it is no share."""
        if self.unbounded:
            return Safe(f"{value:.3f}")
        return percent(value, of=images if self.counted else 0)

    def interval(self, low: float | None, high: float | None, images: int = 0) -> Safe:
        """Both ends, with the unit once: ``96.4 – 98.9 %``; empty where they are not known."""
        if low is None or high is None:
            return Safe("")
        return Safe(f"{self.show(low, images).removesuffix(' %')} – {self.show(high, images)}")

    def difference(self, value: float) -> Safe:
        """A difference of two values, with its sign."""
        return Safe(f"{value:+.3f}") if self.unbounded else Safe(f"{100 * value:+.1f} points")


METRICS = {
    facts.name: facts
    for facts in (
        MetricFacts(
            "accuracy", "classification", "accuracy", "the share of images that are right", counted=True
        ),
        MetricFacts(
            "macro_f1", "classification", "macro F1", "the mean of all classes' F1, rare ones count as much"
        ),
        MetricFacts(
            "ap", "detection", "AP", "COCO's average precision, over overlaps of .50 to .95"
        ),
        MetricFacts("ap50", "detection", "AP50", "average precision at an overlap of .50"),
        MetricFacts(
            "miou", "segmentation", "mIoU", "the mean of all classes' overlap, over the whole split"
        ),
        MetricFacts("dice", "segmentation", "Dice", "the mean of all classes' F1 over pixels"),
        MetricFacts("top5_accuracy", None, "top-5 accuracy", "right among the first five", counted=True),
        MetricFacts("ece", None, "calibration error", "how far confidence is from the truth"),
        MetricFacts(
            "nll", None, "log loss", "how surprised it was by the truth", unbounded=True
        ),
        MetricFacts("ap75", None, "AP75", "average precision at an overlap of .75"),
        MetricFacts("ap_small", None, "AP small", "of small objects"),
        MetricFacts("ap_medium", None, "AP medium", "of middle-sized objects"),
        MetricFacts("ap_large", None, "AP large", "of large objects"),
        MetricFacts("pixel_accuracy", None, "pixel accuracy", "the share of right pixels"),
    )
}  # fmt: skip
CHOICES = tuple(Choice(m.name, f"{m.title} ({m.task})") for m in METRICS.values() if m.task)


def facts_of(name: str) -> MetricFacts:
    """What is known of a metric; of one that only a report names, its name."""
    return METRICS.get(name) or MetricFacts(name, None, name.replace("_", " "), "", unbounded=True)


def for_task(task: str) -> list[MetricFacts]:
    """What can rank a task, the usual one first."""
    return [m for m in METRICS.values() if m.task == task]


def refuse_other_task(task: str, metric: str) -> None:
    """Refuse a metric that says nothing of a task."""
    if METRICS[metric].task != task:
        raise Refusal(
            f"{METRICS[metric].short} cannot rank {task}.",
            code="E_METRIC",
            expected=", ".join(m.name for m in for_task(task)),
            got=metric,
            field="metric",
        )


def refuse_old_version(metric: str, version: int, *, benchmark: str) -> None:
    """Refuse what only an older version of the metric could score: that is computed no more."""
    now = facts_of(metric)
    if version != now.version:
        raise Refusal(
            f"{benchmark} is ranked by version {version} of {now.short}, which is computed no more.",
            code="E_METRIC_VERSION",
            expected=f"a benchmark by version {now.version}",
            got=f"{benchmark}, by version {version}",
            fix=f"Its board stays as it is. Moderators open a new version of it: /leaderboard create {benchmark}",
            field="benchmark",
        )


def flops(count: int) -> str:
    """Floating-point operations as people say them: ``9.47 kFLOPs``, ``3.64 GFLOPs``."""
    for unit, width in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= width:
            return f"{count / width:.3g} {unit}FLOPs"
    return f"{count} FLOPs"
