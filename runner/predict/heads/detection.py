"""Boxes: from models that end with their own NMS, or from raw heads by declared contract.

Rows are [100, 6] as in ``runner.tasks.rows``: x1, y1, x2, y2 in pixels of the benchmark's image,
score, class; best first, then -1.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.failures import Refusal
from runner.formats.output_contract import OutputContract
from runner.predict.heads.boxes import Corners, Found, best_of
from runner.predict.heads.head import Want, another_batch, told
from runner.predict.net import Net, Outputs

_NAMED = {
    "boxes": ("box",),
    "scores": ("score", "conf", "prob"),
    "labels": ("label", "class", "cls"),
    "count": ("num",),
}
_BOX, _BOXES, _BATCHED = 4, 2, 3  # numbers of a box; dimensions of [K, 4] and of [N, K, …]
_ONE_TABLE = 6  # x1, y1, x2, y2, score, class
_RAW_EXAMPLE = '{{"kind": "raw", "layout": "{}", "boxes": "cxcywh", "normalised": false}}'
_RAW_LIKE = 64  # this many anchors and more are no list of finished detections


@dataclass(frozen=True)
class BoxesHead:
    """Writes the best boxes of each image."""

    net: Net
    reader: "Reader"  #: finds the boxes of each image among a run's outputs
    want: Want
    batch: int | None = None

    def write(self, feed: NDArray[Any], into: NDArray[np.float32]) -> None:
        outputs = self.net.run(feed)
        for place, row in enumerate(into):
            found = _read(self.reader, outputs, place)
            if found is None:
                raise another_batch(outputs[0][1] if outputs else np.empty(0))
            best_of(found, self.want, row)

    def bare(self, feed: NDArray[Any]) -> None:
        self.net.run(feed)


def _read(reader: "Reader", outputs: Outputs, place: int) -> Found | None:
    """Return what ``reader`` finds; None where an output that it needs is missing or too small."""
    try:
        return reader.read(outputs, place)
    except (LookupError, ValueError, OverflowError):
        return None


@dataclass(frozen=True)
class NamedOutputs:
    """Boxes [N, K, 4], scores [N, K] and labels [N, K]; or of one image, without the N."""

    names: dict[str, str]
    contract: OutputContract
    corners: Corners
    alone: bool

    def read(self, outputs: Outputs, place: int) -> Found | None:
        values = dict(outputs)
        boxes, scores, labels = (
            values[self.names[part]] if self.alone else values[self.names[part]][place]
            for part in ("boxes", "scores", "labels")
        )
        scores, labels = scores.reshape(-1), labels.reshape(-1)
        if not boxes.shape == (len(scores), _BOX) == (len(labels), _BOX):
            return None
        most = len(boxes)
        if "count" in self.names:
            most = max(0, min(most, int(values[self.names["count"]].reshape(-1)[place])))
        numbers = labels[:most].astype(np.float64) - self.contract.first_class
        return Found(self.corners.of(boxes[:most]), scores[:most], numbers)


@dataclass(frozen=True)
class OneTable:
    """[N, K, 6]: a box, its score and its class in each row; rows with score 0 or class -1 are none."""

    name: str
    contract: OutputContract
    corners: Corners

    def read(self, outputs: Outputs, place: int) -> Found | None:
        table = dict(outputs).get(self.name)
        if (
            table is None
            or table.ndim != _BATCHED
            or table.shape[2] != _ONE_TABLE
            or len(table) <= place
        ):
            return None
        rows = table[place]
        rows = rows[(rows[:, 4] != 0) & (rows[:, 5] >= 0)]
        return Found(
            self.corners.of(rows[:, :4]), rows[:, 4], rows[:, 5] - self.contract.first_class
        )


@dataclass(frozen=True)
class RawHead:
    """[N, 4+C, A] or [N, A, 4+C], with objectness one more: needs thresholds and NMS."""

    name: str
    contract: OutputContract
    corners: Corners
    classes: int

    def read(self, outputs: Outputs, place: int) -> Found | None:
        value = dict(outputs).get(self.name)
        if value is None or value.ndim != _BATCHED or len(value) <= place:
            return None
        table = value[place] if self.contract.layout == "NCA" else value[place].T
        first = 5 if self.contract.objectness else 4
        if len(table) != first + self.classes:
            return None
        return self._decode(table, table[first:])

    def _decode(self, table: NDArray[Any], per_class: NDArray[Any]) -> Found:
        # Class by class and not anchor by anchor: only what passes the threshold needs its argmax.
        best = per_class.max(axis=0)
        if not np.isfinite(best).all():
            raise Refusal("E_NAN", got="scores of some boxes are not finite numbers")
        if self.contract.activation == "sigmoid":
            best = _sigmoid(best)
        if self.contract.objectness:
            objectness = table[4]
            best = best * (
                _sigmoid(objectness) if self.contract.activation == "sigmoid" else objectness
            )
        keep = np.flatnonzero(best >= self.contract.score_threshold)
        labels = per_class[:, keep].argmax(axis=0)
        return Found(self.corners.of(table[:4, keep].T), best[keep], labels, raw=True)


#: ``read(outputs, place)`` returns what was found on image ``place``, None for another form
Reader = NamedOutputs | OneTable | RawHead


def _sigmoid(x: NDArray[Any]) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        values: NDArray[Any] = 1 / (1 + np.exp(-x.astype(np.float32)))
    return values


def read_otherwise(head: BoxesHead, boxes: str, *, normalised: bool) -> BoxesHead:
    """Return the same head with boxes of another form: xyxy, xywh or cxcywh, 0 to 1 or pixels."""
    contract = replace(head.want.contract, boxes=boxes, normalised=normalised)
    want = replace(head.want, contract=contract)
    reader = replace(head.reader, contract=contract, corners=Corners.declared(want))
    return replace(head, want=want, reader=reader)


def settle(net: Net, feed: NDArray[Any], want: Want) -> BoxesHead:
    """Return the head that fits the outputs; see ``heads.settle``."""
    outputs = [(name, value) for name, value in net.run(feed) if value.dtype.kind in "fiu"]
    head = _head(net, outputs, want, len(feed))
    if head is None and len(feed) > 1:
        # The usual torchvision export answers for one image only, without a place for a second.
        head = _head(net, net.run(feed[:1]), want, 1)
    if head is None:
        raise _nothing_fits(outputs, want, len(feed))
    _refuse_strange_boxes(head, feed[: head.batch or len(feed)])
    return head


def _head(net: Net, outputs: Outputs, want: Want, batch: int) -> BoxesHead | None:
    contract, values = want.contract, dict(outputs)
    corners = Corners.declared(want)
    if contract.kind == "raw":
        for name, value in outputs:
            if value.dtype.kind == "f" and value.ndim == _BATCHED and len(value) == batch:
                reader = RawHead(name, contract, corners, want.classes)
                if _read(reader, [(name, value)], 0) is not None:
                    return BoxesHead(net, reader, want)
        return None
    names = _names(outputs)
    if {"boxes", "scores", "labels"} <= names.keys():
        alone = values[names["boxes"]].ndim == _BOXES
        if alone and batch > 1:
            return None
        named = NamedOutputs(names, contract, corners, alone)
        if (alone or len(values[names["boxes"]]) == batch) and _read(named, outputs, 0) is not None:
            return BoxesHead(net, named, want, 1 if alone else None)
    for name, value in outputs:
        if (
            value.dtype.kind == "f"
            and value.ndim == _BATCHED
            and len(value) == batch
            and value.shape[2] == _ONE_TABLE
        ):
            return BoxesHead(net, OneTable(name, contract, corners), want)
    return None


def _names(outputs: Outputs) -> dict[str, str]:
    """Return which output is which part, by words in its name, such as ``det_scores``."""
    found: dict[str, str] = {}
    for name, _ in outputs:
        for part, marks in _NAMED.items():
            if part not in found and any(mark in name.lower() for mark in marks):
                found[part] = name
                break
    return found


def _refuse_strange_boxes(head: BoxesHead, feed: NDArray[Any]) -> None:
    """Refuse boxes whose form cannot be as declared, before a whole run is scored as nonsense."""
    outputs = head.net.run(feed)
    found = [_read(head.reader, outputs, place) for place in range(len(feed))]
    for one in found:
        if one is None or not len(one.boxes) or one.raw:
            continue
        if not np.isfinite(one.boxes).all() or not np.isfinite(one.scores).all():
            raise Refusal("E_NAN", got="boxes or scores of the first images are not finite numbers")
        whole = one.labels == np.floor(one.labels)
        if not (whole & (one.labels >= 0) & (one.labels < head.want.classes)).all():
            raise Refusal(
                "E_OUTPUT_SHAPE",
                "The model names classes that the benchmark has not.",
                expected=f"whole numbers from 0 to {head.want.classes - 1}",
                got=f"{one.labels.min():g} to {one.labels.max():g}",
                fix='Where 0 is the background, declare "bookwiz.output" {"first_class": 1}; raw heads '
                f"need {_RAW_EXAMPLE.format('NAC')}.",
            )
        swapped = (one.boxes[:, 2] < one.boxes[:, 0]) | (one.boxes[:, 3] < one.boxes[:, 1])
        if 2 * swapped.sum() > len(swapped):
            raise Refusal(
                "E_OUTPUT_SHAPE",
                "Most boxes end before they begin.",
                expected="x1, y1, x2, y2",
                got=", ".join(f"{side:.4g}" for side in one.boxes[int(swapped.argmax())]),
                fix='Declare the metadata key "bookwiz.output", such as {"boxes": "cxcywh"}.',
            )


def _nothing_fits(outputs: Outputs, want: Want, batch: int) -> Refusal:
    fix = (
        "Export with NMS inside, or declare what comes out: the metadata key "
        f'"bookwiz.output" with {_RAW_EXAMPLE.format("NCA")}.'
    )
    for name, value in outputs:
        if value.ndim != _BATCHED or max(value.shape[1:]) < _RAW_LIKE:
            continue
        layout = "NCA" if value.shape[1] < value.shape[2] else "NAC"
        have = min(value.shape[1:])
        if have in (want.classes + 4, want.classes + 5):
            example = _RAW_EXAMPLE.format(layout)
            if have == want.classes + 5:
                example = example.replace("}", ', "objectness": true}')
            fix = f'{name} looks like a raw head: declare the metadata key "bookwiz.output" with {example}.'
        else:
            fix = (
                f"{name} looks like a raw head of {have - 4} classes; the benchmark has {want.classes}: "
                f"train the last layer for {want.classes}."
            )
    return Refusal(
        "E_OUTPUT_SHAPE",
        "The model does not give boxes in a form that is known here.",
        expected=f"boxes, scores and labels, or one [{batch}, K, 6], or a raw head that is declared",
        got=told(outputs),
        fix=fix,
    )
