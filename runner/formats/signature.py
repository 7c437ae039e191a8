"""How a model is fed, whatever file it came from."""

from dataclasses import dataclass
from typing import Literal

from runner.formats.preprocessing import Preprocessing

Arrangement = Literal["NCHW", "NHWC", "NHW", "flat NCHW", "flat NHWC"]


@dataclass(frozen=True)
class ImageShape:
    """The images of a dataset, in pixels."""

    height: int
    width: int
    channels: int


@dataclass(frozen=True)
class Signature:
    """How to feed a model: uint8 [n, h, w, c] → ``dtype`` in ``arrangement``."""

    name: str
    dtype: str  #: float32, float16, float64 or uint8
    arrangement: Arrangement
    batch: int | None  #: images per run where the model fixes it; None: any
    preprocessing: Preprocessing  #: its ``size`` is set where images must be resized

    def shape(self, batch: int, image: ImageShape) -> tuple[int, ...]:
        """Return the input's shape for the benchmark's ``image``."""
        h, w = self.preprocessing.size or (image.height, image.width)
        c = image.channels
        return {
            "NCHW": (batch, c, h, w),
            "NHWC": (batch, h, w, c),
            "NHW": (batch, h, w),
            "flat NCHW": (batch, c * h * w),
            "flat NHWC": (batch, c * h * w),
        }[self.arrangement]

    def words(self, image: ImageShape) -> str:
        """Such as "float32 [N, 1, 28, 28], scaled by 1/255"."""
        batch = str(self.batch) if self.batch else "N"
        dims = ", ".join([batch, *map(str, self.shape(1, image)[1:])])
        return f"{self.dtype} [{dims}], {self.preprocessing.words(raw=self.dtype == 'uint8')}"
