"""What is wrong with a dataset, how often, what to do about it, and which images show it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from runner.datasets.checks import COUNTED
from runner.datasets.quality import duplicates, labels, pixels
from runner.datasets.quality.annotations import of_reading, of_truth
from runner.datasets.quality.duplicates import Place, Repeats
from runner.datasets.quality.finding import SHOTS, Finding, shown
from runner.datasets.quality.pixels import Pixels
from runner.datasets.quality.subject import Subject
from runner.datasets.truth import per_class

_FEW = 10  # images or boxes of a class, below which it can hardly be learnt
_UNEVEN = 10  # the largest class has this many times what the smallest has


@dataclass(frozen=True)
class Looked:
    """Everything that was found out."""

    subject: Subject
    pixels: tuple[Pixels, ...]
    repeats: Repeats
    suspicion: labels.Suspicion | None  #: classification only
    findings: tuple[Finding, ...]  #: grave ones first, then the frequent


def look(subject: Subject) -> Looked:
    """Look through a dataset."""
    measured = tuple(pixels.measured(part) for part in subject.parts)
    repeated = duplicates.repeats(subject.parts, measured)
    suspicion = None
    if subject.task == "classification":
        suspicion = labels.suspicious(subject.parts, len(subject.classes))
    found = [
        *_unreadable(subject),
        *_repeated(subject, repeated),
        *(_suspected(subject, suspicion) if suspicion else ()),
        *_contradictions(subject, repeated),
        *_classes(subject),
        *_blank(subject, measured),
        *_drift(subject, measured),
        *(f for p, part in enumerate(subject.parts) for f in of_truth(subject, p, part)),
        *of_reading(subject),
    ]
    found.sort(key=lambda finding: (not finding.grave, -finding.count))
    return Looked(subject, measured, repeated, suspicion, tuple(found))


def _unreadable(subject: Subject) -> list[Finding]:
    return [
        Finding(
            f"files that cannot be read: {', '.join(part.unreadable[:5])}", part.split,
            len(part.unreadable),
            "Open them once; save them anew or delete them, or training stops at them.",
        )
        for part in subject.parts
        if part.unreadable
    ]  # fmt: skip


def _repeated(subject: Subject, found: Repeats) -> list[Finding]:
    findings = []
    parts = subject.parts
    for one in range(len(parts)):
        for other in range(one, len(parts)):
            for exact in (True, False):
                pairs = [p for p in found.between(one, other) if p.exact is exact]
                if pairs:
                    findings.append(_pairs(subject, one, other, pairs, exact=exact))
    return findings


def _pairs(
    subject: Subject, one: int, other: int, pairs: list[duplicates.Pair], *, exact: bool
) -> Finding:
    parts = subject.parts
    kind = "the same image again" if exact else "nearly the same image again"
    # Beside a hidden one not even the public image is shown: its label would be the hidden one's.
    hidden = parts[one].hidden or parts[other].hidden
    shots = []
    for pair in () if hidden else pairs[: SHOTS // 2]:
        for here, there in ((pair.one, pair.other), (pair.other, pair.one)):
            twin = parts[there[0]]
            shots.append(
                (
                    here,
                    f"{'the same' if exact else 'nearly the same'} as {twin.split} {twin.name_of(there[1])}",
                )
            )
    if one == other:
        return Finding(
            f"{kind}, within one split", parts[one].split, len(pairs),
            "Keep one of each: copies count double in every figure.", shots=tuple(shots),
        )  # fmt: skip
    return Finding(
        f"{kind}, in two splits", f"{parts[one].split} and {parts[other].split}", len(pairs),
        f"Take them out of {parts[one].split}: a model that has seen them looks better than it is.",
        grave=True, shots=tuple(shots),
    )  # fmt: skip


def _suspected(subject: Subject, found: labels.Suspicion) -> list[Finding]:
    findings = []
    for p, part in enumerate(subject.parts):
        own = [s for s in found.suspects if s.part == p]
        if not own:
            continue
        names = subject.classes
        shots = tuple(
            ((p, s.image), f"{names[s.label]}? rather {names[s.looks_like]} ({s.score:.2f})")
            for s in own[: 2 * SHOTS]
        )
        findings.append(
            Finding(
                "labels that are likely wrong", part.split, len(own),
                "Look at each and relabel it; some are only hard. Wrong labels in dev or board cap "
                "every score.",
                shots=shots,
            )
        )  # fmt: skip
    return findings


def _contradictions(subject: Subject, found: Repeats) -> list[Finding]:
    if subject.task != "classification":
        return []
    parts = subject.parts

    def label(place: Place) -> int:
        return int(np.asarray(parts[place[0]].truth)[place[1]])

    # With a hidden image in it, that a pair differs would tell something of the hidden label.
    pairs = [
        pair
        for pair in found.pairs
        if not (parts[pair.one[0]].hidden or parts[pair.other[0]].hidden)
        and label(pair.one) != label(pair.other)
    ]
    if not pairs:
        return []
    shots = [
        (place, f"labelled {subject.classes[label(place)]}")
        for pair in pairs[:SHOTS]
        for place in (pair.one, pair.other)
    ]
    where = dict.fromkeys(
        parts[place[0]].split for pair in pairs for place in (pair.one, pair.other)
    )
    return [
        Finding(
            "repeated images with different labels", ", ".join(where), len(pairs),
            "One of the two labels is wrong: decide which, and keep one image.", grave=True,
            shots=tuple(shots),
        )
    ]  # fmt: skip


def _classes(subject: Subject) -> list[Finding]:
    findings = []
    thing = COUNTED[subject.task]
    for part in subject.shown:
        counts = per_class(part.truth, len(subject.classes))
        names = np.array(subject.classes, dtype=object)
        if (counts == 0).any():
            missing = names[counts == 0]
            findings.append(
                Finding(
                    f"classes without one {thing}: {', '.join(missing[:5])}", part.split,
                    len(missing), "Add examples, or leave the class out of this version.", grave=True,
                )
            )  # fmt: skip
        if subject.task == "segmentation":
            continue  # that most pixels are background is the nature of masks
        few = (counts > 0) & (counts < _FEW)
        if few.any():
            rare = [f"{names[c]} ({counts[c]})" for c in np.flatnonzero(few)[:5]]
            findings.append(
                Finding(
                    f"classes with fewer than {_FEW}: {', '.join(rare)}", part.split,
                    int(few.sum()), "Collect more, or merge them: their figures are luck.",
                )
            )  # fmt: skip
        some = counts[counts > 0]
        if len(some) and some.max() > _UNEVEN * some.min():
            findings.append(
                Finding(
                    f"uneven classes, {some.min():,} to {some.max():,}", part.split, len(some),
                    "Rank by macro F1 instead of accuracy, and weight or resample in training.",
                )
            )  # fmt: skip
    return findings


def _blank(subject: Subject, measured: Sequence[Pixels]) -> list[Finding]:
    findings = []
    for p, part in enumerate(subject.parts):
        places = [(p, int(n)) for n in np.flatnonzero(measured[p].blank)]
        if places:
            findings.append(
                Finding(
                    "images that show nothing (one colour)", part.split, len(places),
                    "Delete them, unless nothing is what they should show.",
                    shots=shown(subject, places, "one colour"),
                )
            )  # fmt: skip
    return findings


def _drift(subject: Subject, measured: Sequence[Pixels]) -> list[Finding]:
    findings = []
    first = subject.parts[0]
    for p, part in enumerate(subject.parts[1:], 1):
        for name, more, less in (
            ("brightness", "brighter", "darker"),
            ("contrast", "richer in contrast", "flatter"),
        ):
            gap = pixels.drift(getattr(measured[0], name), getattr(measured[p], name))
            if gap is not None and pixels.clear(gap):
                findings.append(
                    Finding(
                        f"{part.split} is {more if gap > 0 else less} than {first.split} "
                        f"(by {abs(gap):.1f} standard deviations)",
                        part.split, part.total,
                        "Good if it is meant (a shadow split); otherwise train with changes of light.",
                    )
                )  # fmt: skip
    return findings
