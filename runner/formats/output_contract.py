"""What a model's outputs mean, where their shapes alone do not say it: the key ``bookwiz.output``.

======================  ===========  =============================================================
field                   task         meaning
======================  ===========  =============================================================
kind                    all          what comes out; one of ``KINDS``
layout                  segmentation NCHW or NHWC
resize                  segmentation nearest or bilinear, for outputs of another size than the image
layout                  detection    NCA [N, 4+C, A] or NAC [N, A, 4+C], of raw heads
boxes                   detection    xyxy, xywh (corner first) or cxcywh
normalised              detection    true: boxes are 0 to 1; false: pixels of the model's input
objectness              detection    true: a fifth number before the classes multiplies them
activation              detection    none, or sigmoid for scores that are logits
first_class             detection    1 where class 0 is the background (torchvision's habit)
score_threshold         detection    what is below is dropped before NMS
iou_threshold           detection    per-class NMS of raw heads
max_detections          detection    most boxes of an image, at most 100
======================  ===========  =============================================================
"""

import json
import math
from dataclasses import dataclass, replace
from typing import Any

from runner.contract import Task
from runner.failures import Refusal

KEY = "bookwiz.output"
KINDS: dict[str, tuple[str, ...]] = {
    "classification": ("logits", "probabilities"),
    "segmentation": ("logits", "probabilities", "classes"),
    "detection": ("detections", "raw"),
}
_MOST_BYTES = 4096
_MOST_DETECTIONS = 100  # rows.MOST_DETECTIONS, which numpy comes with
_ONE_OF: dict[str, dict[str, tuple[str, ...]]] = {
    "classification": {},
    "segmentation": {"layout": ("NCHW", "NHWC"), "resize": ("nearest", "bilinear")},
    "detection": {
        "layout": ("NCA", "NAC"),
        "boxes": ("xyxy", "xywh", "cxcywh"),
        "activation": ("none", "sigmoid"),
    },
}
_FLAGS = {"normalised", "objectness"}
_NUMBERS = {
    "score_threshold": (0.0, 1.0),
    "iou_threshold": (0.0, 1.0),
    "max_detections": (1, _MOST_DETECTIONS),
    "first_class": (0, 1),
}
_WHOLE = {"max_detections", "first_class"}


@dataclass(frozen=True)
class OutputContract:
    """What is declared of the outputs. Empty words: read it from the shapes."""

    kind: str = ""
    layout: str = ""
    resize: str = ""
    boxes: str = ""
    normalised: bool = False
    objectness: bool = False
    activation: str = "none"
    first_class: int = 0
    score_threshold: float = 0.001
    iou_threshold: float = 0.7
    max_detections: int = _MOST_DETECTIONS


UNDECLARED = OutputContract()


def read_output_contract(text: str, task: Task) -> OutputContract:
    """Return what ``text`` (JSON) declares; nothing for empty text. Raises Refusal (E_OUTPUT_CONTRACT)."""
    if not text:
        return UNDECLARED
    said = _parsed(text)
    detection = _FLAGS | _NUMBERS.keys() if task == "detection" else set()
    known = {"kind"} | _ONE_OF[task].keys() | detection
    if unknown := sorted(said.keys() - known):
        raise Refusal(
            "E_OUTPUT_CONTRACT",
            f"It has a field that {task} does not know: {unknown[0]}.",
            expected=", ".join(sorted(known)),
            got=", ".join(unknown),
        )
    for name, allowed in ({"kind": KINDS[task]} | _ONE_OF[task]).items():
        if name in said and said[name] not in allowed:
            raise Refusal(
                "E_OUTPUT_CONTRACT",
                f"{name} is unknown.",
                expected=" or ".join(allowed),
                got=str(said[name]),
            )
    for name in said.keys() & _FLAGS:
        if not isinstance(said[name], bool):
            raise Refusal(
                "E_OUTPUT_CONTRACT", expected=f"true or false for {name}", got=str(said[name])
            )
    for name in said.keys() & _NUMBERS.keys():
        said[name] = _number(name, said[name])
    return replace(UNDECLARED, **said)


def _parsed(text: str) -> dict[str, Any]:
    if len(text) > _MOST_BYTES:
        raise Refusal("E_OUTPUT_CONTRACT", got=f"{len(text)} characters")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise Refusal("E_OUTPUT_CONTRACT", "It is not JSON.", got=text) from None
    if not isinstance(said, dict):
        raise Refusal("E_OUTPUT_CONTRACT", "It is not a JSON object.", got=text)
    return said


def _number(name: str, value: Any) -> float:
    least, most = _NUMBERS[name]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not least <= value <= most:
        raise Refusal(
            "E_OUTPUT_CONTRACT", expected=f"{least:g} to {most:g} for {name}", got=str(value)
        )
    if name in _WHOLE and value != int(value):
        raise Refusal("E_OUTPUT_CONTRACT", expected=f"a whole {name}", got=str(value))
    return int(value) if name in _WHOLE else float(value)
