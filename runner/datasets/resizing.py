"""One size for pictures of many: stretched, or whole with grey around them (a letterbox)."""

from dataclasses import dataclass
from typing import Literal

from PIL import Image

Rule = Literal["stretch", "letterbox"]
_GREY = 114  # what YOLO's letterbox is filled with, so that models know it


@dataclass(frozen=True)
class Placed:
    """Where a picture lies in the fed image: fed = original * scale + pad, each as (x, y)."""

    scale: tuple[float, float]
    pad: tuple[float, float]
    box: tuple[int, int, int, int]  #: left, top, right, bottom in the fed image, whole pixels


@dataclass(frozen=True)
class Resize:
    """The fed size, and how a picture of another one gets there."""

    height: int
    width: int
    rule: Rule = "stretch"

    def place(self, width: int, height: int) -> Placed:
        """Return where a picture of that size lies."""
        if self.rule == "stretch":
            scale = (self.width / width, self.height / height)
            return Placed(scale, (0, 0), (0, 0, self.width, self.height))
        factor = min(self.width / width, self.height / height)
        across, down = max(1, round(width * factor)), max(1, round(height * factor))
        left, top = (self.width - across) // 2, (self.height - down) // 2
        return Placed(
            (across / width, down / height), (left, top), (left, top, left + across, top + down)
        )

    def apply(self, picture: Image.Image) -> Image.Image:
        """Return the fed image, sampled bilinearly."""
        return self._fit(picture, Image.Resampling.BILINEAR, _GREY)

    def apply_mask(self, mask: Image.Image, ignored: int) -> Image.Image:
        """Return the mask of the fed image: nearest pixels, ``ignored`` around a letterbox."""
        return self._fit(mask, Image.Resampling.NEAREST, ignored)

    def _fit(self, picture: Image.Image, how: Image.Resampling, around: int) -> Image.Image:
        left, top, right, bottom = self.place(picture.width, picture.height).box
        size = (right - left, bottom - top)
        fitted = picture if picture.size == size else picture.resize(size, how)
        if size == (self.width, self.height):
            return fitted
        fill = around if len(picture.getbands()) == 1 else (around,) * len(picture.getbands())
        canvas = Image.new(picture.mode, (self.width, self.height), fill)
        canvas.paste(fitted, (left, top))
        return canvas

    def words(self) -> str:
        """Return the rule for a warning."""
        how = "aspect kept, grey around" if self.rule == "letterbox" else "aspect not kept"
        return f"resized to {self.height}x{self.width} (bilinear, {how})"
