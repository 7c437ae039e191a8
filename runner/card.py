"""What a member's own machine must know of a benchmark to check a model for it: ``card.json``.

Shipped with a benchmark's starter files. It names no image and no label.
"""

from typing import Literal

from pydantic import Field

from runner.contract import DatasetManifest, Format, Limits, Plain, SplitFacts, Task, Tier


class BenchmarkCard(Plain):
    """A benchmark as far as a model's input, output and cost go."""

    name: str
    task: Task
    classes: tuple[str, ...] = Field(min_length=1)
    height: int = Field(gt=0, le=4096)
    width: int = Field(gt=0, le=4096)
    channels: Literal[1, 3]
    images: int = Field(default=1000, gt=0)  #: how many an evaluation predicts, over all splits
    metric: str = ""  #: the one that ranks, in words
    limits: Limits = Limits()
    formats: tuple[Format, ...] = ("onnx",)
    minimum_tier: Tier = "reduced"
    output: str = ""  #: what must come out, in words

    def manifest(self) -> DatasetManifest:
        """Return what a dataset of this card would say of itself, with one split and no image."""
        split = SplitFacts(split="dev", images=self.images, per_class=(0,) * len(self.classes))
        return DatasetManifest(
            key="card-000000000000",
            name=self.name,
            task=self.task,
            classes=self.classes,
            height=self.height,
            width=self.width,
            channels=self.channels,
            licence="",
            splits=(split,),
        )
