"""Where a benchmark's image lies in what a model is fed, when the model wants another size."""

from dataclasses import dataclass

from runner.formats.signature import ImageShape


@dataclass(frozen=True)
class Fed:
    """The fed image: fed = original * scale + (left, top); the rest is padding."""

    height: int
    width: int
    scale_x: float = 1.0
    scale_y: float = 1.0
    left: int = 0
    top: int = 0

    def inner(self, image: ImageShape) -> tuple[int, int]:
        """Return height and width that the original takes up."""
        return round(image.height * self.scale_y), round(image.width * self.scale_x)


def fit(image: ImageShape, size: tuple[int, int] | None, resize: str) -> Fed:
    """Return how ``image`` fits ``size`` (height, width): stretched, or letterboxed in the middle."""
    if size is None or size == (image.height, image.width):
        return Fed(image.height, image.width)
    height, width = size
    if resize != "letterbox":
        return Fed(height, width, width / image.width, height / image.height)
    scale = min(height / image.height, width / image.width)
    high, wide = round(image.height * scale), round(image.width * scale)
    # The scale is that of the rounded size, so that boxes go back to where they came from.
    return Fed(
        height,
        width,
        wide / image.width,
        high / image.height,
        (width - wide) // 2,
        (height - high) // 2,
    )
