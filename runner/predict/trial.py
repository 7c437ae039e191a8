"""The first few images: do they get answers, the same ones in any company, and in what time?"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.failures import Refusal
from runner.formats.signature import ImageShape, Signature
from runner.predict import heads
from runner.predict.feeding import Feed, Images, Rows
from runner.predict.heads import Head, Want
from runner.predict.net import Net

SAMPLES = 4
# Rounding differs with the batch, in float16 and int8 noticeably; other images in the batch change
# more than this.
_SAME = 0.05
_CERTAIN = 0.3  # boxes with less of a score come and go with rounding
_TOO_LONG = 2.0  # times the limit: a measurement of a few images may be wrong by that much


@dataclass(frozen=True)
class Tried:
    """A model that has answered for the first images."""

    head: Head
    signature: Signature
    sample: Images


def try_out(net: Net, signature: Signature, image: ImageShape, want: Want, first: Images) -> Tried:
    """Run the ``first`` images; refuse a model that cannot answer for them.

    Raises Refusal: E_NAN, E_BATCH, E_OUTPUT_SHAPE, E_RUN, E_MEMORY.
    """
    images = first[:SAMPLES]
    batch = signature.batch or len(images)
    images = images[:batch]
    feed = Feed(signature, image, batch=batch).fill(images)
    head = heads.settle(net, feed, want)
    if head.batch is not None:
        signature = replace(signature, batch=head.batch)
        images, feed = images[: head.batch], feed[: head.batch]
    rows = _rows(head, feed, len(images), want)
    if rows.dtype.kind == "f":
        broken = int((~np.isfinite(rows)).reshape(len(rows), -1).any(axis=1).sum())
        if broken:
            raise Refusal("E_NAN", got=f"{broken} of the first {len(images)} images")
    _refuse_other_answers_in_other_company(head, signature, feed, rows, want)
    return Tried(head, signature, images)


def _rows(head: Head, feed: NDArray[Any], count: int, want: Want) -> Rows:
    rows = np.empty((count, *want.row), want.dtype)
    head.write(feed, rows)
    return rows


def _refuse_other_answers_in_other_company(
    head: Head, signature: Signature, feed: NDArray[Any], rows: Rows, want: Want
) -> None:
    """Refuse a model whose answer for an image depends on its neighbours, or on the moment."""
    if signature.batch is None:
        again = np.concatenate(
            [_rows(head, feed[place : place + 1], 1, want) for place in range(len(rows))]
        )
        how = f"alone and among {len(rows)}"
    else:
        # A batch of fixed size: the same images, each in its neighbour's place.
        again = np.roll(_rows(head, np.roll(feed, 1, axis=0), len(feed), want), -1, axis=0)
        again = again[: len(rows)]
        how = "in another place of the batch" if len(feed) > 1 else "when run again"
    other = [place for place, row in enumerate(rows) if not alike(row, again[place], want.task)]
    if other:
        raise Refusal(
            "E_BATCH",
            expected=f"the same answer for an image {how}",
            got=f"another answer for {len(other)} of the first {len(rows)} images",
        )


def alike(one: Rows, other: Rows, task: str) -> bool:
    """Return whether two answers for the same image differ by no more than rounding."""
    if task == "segmentation":
        return float((one != other).mean()) <= _SAME
    if task == "detection":
        scores = [row[row[:, 5] >= 0][:, 4] for row in (one, other)]
        certain = [np.sort(s[s >= _CERTAIN])[::-1] for s in scores]
        count = min(map(len, certain))
        if any((s[count:] >= _CERTAIN + _SAME).any() for s in certain):
            return False
        return bool((np.abs(certain[0][:count] - certain[1][:count]) <= _SAME).all())
    spread = float(np.abs(one).max())
    return bool((np.abs(one - other) <= _SAME * spread + 1e-6).all())


def refuse_too_slow(budget: Mapping[str, Any], *, cost: float, images: int, threads: int) -> None:
    """Refuse what would surely pass a limit. ``cost``: seconds of one thread for one image.

    Raises Refusal (E_TIME_PREDICTED).
    """
    for limit, seconds, what in (
        (budget["wall_seconds"], cost * images / threads, "seconds"),
        (budget["cpu_seconds"], cost * images, "seconds of processor time"),
    ):
        if seconds > _TOO_LONG * limit:
            raise Refusal(
                "E_TIME_PREDICTED",
                expected=f"at most {limit:g} {what} for {images} images",
                got=f"about {seconds:.0f}, at {cost * 1000:.1f} ms an image",
            )
