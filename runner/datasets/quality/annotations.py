"""What is wrong with boxes, masks and files, as findings."""

import numpy as np

from runner.datasets.quality import boxes, masks
from runner.datasets.quality.finding import Finding, shown
from runner.datasets.quality.subject import Part, Subject
from runner.datasets.truth import Boxes


def of_truth(subject: Subject, p: int, part: Part) -> list[Finding]:
    """Return what is odd about boxes or masks of the split in place ``p``."""
    if isinstance(part.truth, Boxes):
        return _boxes(subject, p, part, part.truth)
    if part.truth.ndim > 1:
        return _masks(subject, p, part)
    return []


def _boxes(subject: Subject, p: int, part: Part, truth: Boxes) -> list[Finding]:
    doubts = boxes.doubtful(truth)
    cases = (
        (doubts.tiny, "boxes less than 4 pixels wide or high, as a model is fed",
         "Feed larger images, or leave these boxes out: nothing can be seen in them.", False),
        (doubts.repeated, "boxes that are there twice",
         "Delete one of each: a detector that finds the object once is counted as missing one.", True),
        (doubts.two_classes, "boxes of different classes over one object",
         "Decide for one class: no detector can be right about both.", True),
        (doubts.whole, "boxes as large as their image",
         "Check that they frame an object and are no label of the whole image.", False),
    )  # fmt: skip
    findings = []
    for rows, what, advice, grave in cases:
        if len(rows):
            images = [(p, int(n)) for n in dict.fromkeys(truth.image[rows])]
            findings.append(
                Finding(
                    what, part.split, len(rows), advice, grave=grave,
                    shots=shown(subject, images, what),
                )
            )  # fmt: skip
    if len(doubts.empty):
        images = [(p, int(n)) for n in doubts.empty]
        findings.append(
            Finding(
                "images without a box", part.split, len(images),
                "Fine as negatives; if something is there, it was forgotten and costs precision.",
                shots=shown(subject, images, "no box"),
            )
        )  # fmt: skip
    return findings


def _masks(subject: Subject, p: int, part: Part) -> list[Finding]:
    assert not isinstance(part.truth, Boxes)
    doubts = masks.doubtful(np.asarray(part.truth, np.uint8))
    cases = (
        (doubts.ignored, len(doubts.ignored), "masks in which no pixel counts",
         "Delete these images or draw their masks: they teach and test nothing.", True),
        (doubts.single, len(doubts.single), "masks of one class from edge to edge",
         "Fine for background; otherwise the mask is probably missing.", False),
        (doubts.specks, doubts.speck_count, "specks of at most 4 pixels",
         "Smooth the masks (opening, or drop small patches): specks are slips of the brush.", False),
    )  # fmt: skip
    return [
        Finding(
            what, part.split, count, advice, grave=grave,
            shots=shown(subject, [(p, int(n)) for n in rows], what),
        )
        for rows, count, what, advice, grave in cases
        if count
    ]  # fmt: skip


#: beginnings of what readers tell, and what to do; the rest of their words is shown as it is
_ADVICE = {
    "boxes": "Mend the annotations: a reader that does not cut or drop them will train on them.",
    "images have another size": "Turn the pictures as their EXIF says and save them, then annotate.",
    "annotations belong": "Delete them, or add the images they are for.",
    "images are not there": "Add the files or take them out of the json.",
    "images have no mask": "Draw their masks, or move them away.",
    "masks have no image": "Add the images, or delete the masks.",
    "have several frames": "Save the frame you mean as a picture of its own.",
    "were turned upright": "Save them upright: not every reader heeds EXIF, and then labels are off.",
    "have 16 bits": "Convert them yourself, so that you choose which 8 bits remain.",
    "have transparency": "Save them without alpha over the background you mean.",
    "are CMYK": "Convert them to RGB with their colour profile.",
}


def of_reading(subject: Subject) -> list[Finding]:
    """Return what readers of files told."""
    findings = []
    for part in subject.parts:
        if part.hidden:
            continue  # their words name files
        for words in part.warnings:
            number, _, rest = words.partition(" ")
            advice = next((a for begin, a in _ADVICE.items() if begin in rest), None)
            if number.isdigit() and advice and "no box" not in rest:
                findings.append(Finding(rest, part.split, int(number), advice))
    return findings
