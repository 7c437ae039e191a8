"""COCO's figures through hotcoco, behind one function."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

NAMES = (
    "ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large",
    "ar_1", "ar_10", "ar_100", "ar_small", "ar_medium", "ar_large",
)  # fmt: skip


@dataclass(frozen=True)
class Objects:
    """Boxes on images: what is true, or with scores what was found."""

    image: NDArray[np.int64]  #: [m]
    box: NDArray[np.float64]  #: [m, 4], x, y, width, height
    category: NDArray[np.int64]  #: [m]
    score: NDArray[np.float64] | None = None  #: [m]
    area: NDArray[np.float64] | None = None  #: [m]
    crowd: NDArray[np.bool_] | None = None  #: [m]


def evaluated(truth: Objects, found: Objects, *, size: NDArray[np.int64], classes: int) -> Any:
    """Return hotcoco's COCOeval of boxes, run; ``size`` [n, 2] is the images' height and width."""
    import hotcoco

    assert found.score is not None
    images = [{"id": n, "height": h, "width": w} for n, (h, w) in enumerate(size.tolist())]
    true = hotcoco.COCO.from_arrays(
        images, [{"id": k, "name": str(k)} for k in range(classes)],
        truth.image, truth.category, truth.box, area=truth.area, iscrowd=truth.crowd,
    )  # fmt: skip
    rows = np.column_stack([found.image, found.box, found.score, found.category])
    evaluation = hotcoco.COCOeval(true, true.load_res(rows), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    return evaluation


def figures(evaluation: Any) -> dict[str, float]:
    """Return COCO's 12 figures by name; -1 where there is no object of that size.

    As COCOeval.summarize has them, which hotcoco's own would also print.
    """
    arrays = evaluation.eval
    precision, recall = arrays["precision"], arrays["recall"]  # [T, R, K, A, M], [T, K, A, M]
    thresholds = list(evaluation.params.iou_thrs)
    at50, at75 = (int(np.argmin(np.abs(np.subtract(thresholds, t)))) for t in (0.5, 0.75))
    values = (
        precision[..., 0, 2], precision[at50, ..., 0, 2], precision[at75, ..., 0, 2],
        *(precision[..., size, 2] for size in (1, 2, 3)),
        *(recall[..., 0, most] for most in (0, 1, 2)),
        *(recall[..., size, 2] for size in (1, 2, 3)),
    )  # fmt: skip
    return {name: _mean_there(value) for name, value in zip(NAMES, values, strict=True)}


def _mean_there(values: NDArray[np.float64]) -> float:
    there = values[values > -1]
    return float(there.mean()) if len(there) else -1.0
