"""From what a model gives to rows of one fixed form: one head for each task.

A head settles on a model's outputs once, with a few sample images, and then only writes.
"""

from typing import Any

from numpy.typing import NDArray

from runner.predict.heads import classification, detection, segmentation
from runner.predict.heads.head import Head, Want
from runner.predict.net import Net

__all__ = ["Head", "Want", "settle"]


def settle(net: Net, feed: NDArray[Any], want: Want) -> Head:
    """Run ``feed`` once and return the head that fits what came out.

    Raises Refusal: E_OUTPUT_SHAPE where nothing fits, E_RUN, E_MEMORY, E_NAN.
    """
    if want.task == "classification":
        return classification.settle(net, feed, want)
    if want.task == "segmentation":
        return segmentation.settle(net, feed, want)
    return detection.settle(net, feed, want)
