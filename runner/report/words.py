"""What figures mean, in a learner's words. docs/reports.md says the same at length."""

from runner.contract import Metric, SplitScore, Verdict

TITLES = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro F1",
    "top5_accuracy": "Top-5 accuracy",
    "nll": "Log loss",
    "ece": "Calibration error",
    "ap": "AP",
    "ap50": "AP at IoU .50",
    "ap75": "AP at IoU .75",
    "ap_small": "AP, small objects",
    "ap_medium": "AP, medium objects",
    "ap_large": "AP, large objects",
    "ar_1": "Recall, 1 finding an image",
    "ar_10": "Recall, 10 findings an image",
    "ar_100": "Recall, 100 findings an image",
    "ar_small": "Recall, small objects",
    "ar_medium": "Recall, medium objects",
    "ar_large": "Recall, large objects",
    "miou": "Mean IoU",
    "dice": "Mean Dice",
    "pixel_accuracy": "Pixel accuracy",
}
MEANINGS = {
    "accuracy": "the share of images whose class was named right",
    "macro_f1": "precision and recall in one figure, each class counting the same, however rare",
    "top5_accuracy": "the share of images whose class was among the five most likely",
    "nll": "how surprised the model was by the truth: confident mistakes cost most; lower is better",
    "ece": "how far confidence and truth lie apart on average; lower is better",
    "ap": "how well objects are found and boxed: the mean over classes and IoU .50 to .95 (COCO)",
    "ap50": "the same where a box counts as found if it overlaps by half",
    "ap75": "the same where a box must overlap by three quarters: how exact boxes are",
    "ar_1": "the share of objects that the surest finding of each image finds, over IoU .50 to .95",
    "ar_100": "the same of all findings: what no finding reaches, no threshold brings back",
    "miou": "overlap of predicted and true area, over their union: the mean over classes, all images taken together",
    "dice": "twice the overlap over the sum of both areas: the mean over classes",
    "pixel_accuracy": "the share of pixels whose class is right; a large background flatters it",
}
NO_SHARE = frozenset({"nll"})  #: figures that are no shares of one


def title(name: str) -> str:
    """Return a metric's name as people write it."""
    return TITLES.get(name, name.replace("_", " "))


def figure(metric: Metric) -> str:
    """Return a metric's value as it is written."""
    return f"{metric.value:.3f}" if metric.name in NO_SHARE else f"{100 * metric.value:.1f} %"


def interval(metric: Metric) -> str:
    """Return the 95 % interval as it is written; empty where none is known."""
    if metric.low is None or metric.high is None:
        return ""
    if metric.name in NO_SHARE:
        return f"{metric.low:.3f} to {metric.high:.3f}"
    return f"{100 * metric.low:.1f} to {100 * metric.high:.1f} %"


def headline(score: SplitScore) -> str:
    """Return what the first figure of a split says, with what its interval means."""
    metric = score.metrics[0]
    said = f"{title(metric.name)} {figure(metric)} on {score.images} {score.split} images"
    if metric.low is None or metric.high is None:
        return f"{said}."
    return (
        f"{said}. Other images of the same kind would likely have given "
        f"{interval(metric)}: two models inside that range may well be equally good."
    )


def verdict(said: Verdict | None, metric: str) -> str:
    """Return what the Ladder decided, and why it decides at all; empty without a verdict."""
    if said is None:
        return ""
    shown = figure(Metric(name=metric, value=said.released))
    if said.counts:
        before = (
            f" The best before was {figure(Metric(name=metric, value=said.best))}."
            if said.best is not None
            else ""
        )
        return f"This entry counts: the board shows {shown}.{before}"
    return (
        f"Not a significant improvement on the board: it goes on showing {shown}. A new value is "
        "only released when it is clearly better than the team's best, because many small steps "
        "would fit the hidden images by chance (the Ladder, Blum & Hardt 2015). Dev has no such "
        "limit: use it to see what a change did."
    )


def count(number: int, word: str) -> str:
    """Return "1 image", "2 images"."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def size(number: int) -> str:
    """Return bytes as people read them."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= factor:
            return f"{number / factor:.1f} {unit}"
    return f"{number} B"


def amount(number: float) -> str:
    """Return a large count in three digits, such as "11.7 million"."""
    for unit, factor in (("trillion", 1e12), ("billion", 1e9), ("million", 1e6), ("thousand", 1e3)):
        if number >= factor:
            return f"{number / factor:.3g} {unit}"
    return f"{number:g}"
