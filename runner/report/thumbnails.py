"""Small pictures of single dev images, with what was found and missed drawn on them."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from runner.datasets.truth import IGNORED, Boxes
from runner.report.detection import SURE, Detections
from runner.report.evidence import Evidence

SIDE = 168  #: pixels of the longer side
_SMALL = 64  # images below this are blown up pixel by pixel: smoothing would invent detail
_FOUND, _INVENTED, _MISSED = "#3ddbb5", "#ff6a3d", "#ffd23f"
#: what marks each class of a mask but the first, which is left as it is (Tol's bright colours)
SHADES = {
    "blue": "#4477aa", "red": "#ee6677", "green": "#228833", "yellow": "#ccbb44",
    "light blue": "#66ccee", "purple": "#aa3377",
}  # fmt: skip
MOST_INVENTED = 3  #: boxes of an image that are drawn though nothing is there: more hide the image


def thumbnail(evidence: Evidence, image: int, detections: Detections | None = None) -> Image.Image:
    """Return the image in RGB, its longer side ``SIDE`` pixels.

    Detection: found boxes green, the surest invented ones red, missed ones dashed yellow. Segmentation: the
    true classes left, the predicted ones right, over the image in grey.
    """
    pixels = np.asarray(evidence.images[image])
    if evidence.task == "segmentation":
        assert not isinstance(evidence.truth, Boxes)
        true, said = evidence.truth[image], evidence.predictions[image]
        sides = [_scaled(overlaid(pixels, np.asarray(classes))) for classes in (true, said)]
        pair = Image.new("RGB", (sides[0].width * 2 + 4, sides[0].height), "white")
        pair.paste(sides[0], (0, 0))
        pair.paste(sides[1], (sides[0].width + 4, 0))
        return pair
    small = _scaled(_rgb(pixels))
    if evidence.task == "detection" and detections is not None:
        _draw_boxes(small, detections, image, small.width / pixels.shape[1])
    return small


def small_copy(pixels: NDArray[np.uint8]) -> Image.Image:
    """Return an image [h, w, c] in RGB, its longer side ``SIDE`` pixels."""
    return _scaled(_rgb(pixels))


def _rgb(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels


def _scaled(pixels: NDArray[np.uint8]) -> Image.Image:
    height, width = pixels.shape[:2]
    factor = SIDE / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    how = Image.Resampling.NEAREST if max(height, width) <= _SMALL else Image.Resampling.LANCZOS
    return Image.fromarray(np.ascontiguousarray(pixels)).resize(size, how)


def overlaid(pixels: NDArray[np.uint8], classes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image [h, w, c] in grey with each class of its mask in a colour, but 0."""
    # In grey: on coloured pixels a mark would be neither its own colour nor theirs.
    grey = pixels.astype(np.float32).mean(axis=2, keepdims=True)
    mixed = np.repeat(0.7 * grey, 3, axis=2)
    for number in np.unique(classes):
        if number in (0, IGNORED):
            continue
        mask = classes == number
        mixed[mask] = 0.35 * mixed[mask] + 0.65 * np.array(_shade(int(number)))
    return mixed.astype(np.uint8)


def _shade(number: int) -> tuple[int, int, int]:
    text = list(SHADES.values())[(number - 1) % len(SHADES)]
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def _draw_boxes(small: Image.Image, detections: Detections, image: int, factor: float) -> None:
    brush = ImageDraw.Draw(small)
    found = detections.found(image)
    for box in found.hits:
        _framed(brush, _corners(box, factor), _FOUND)
    for place in np.argsort(-found.false_scores, kind="stable")[:MOST_INVENTED]:
        if found.false_scores[place] >= SURE:
            _framed(brush, _corners(found.false[place], factor), _INVENTED)
    for box in found.missed:
        _dashed(brush, _corners(box, factor))


def _corners(box: NDArray[np.float64], factor: float) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = (float(value) * factor for value in box)
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


def _framed(
    brush: ImageDraw.ImageDraw, box: tuple[float, float, float, float], colour: str
) -> None:
    # A dark line around a bright one is seen on any picture.
    x1, y1, x2, y2 = box
    brush.rectangle((x1 - 1, y1 - 1, x2 + 1, y2 + 1), outline="black", width=4)
    brush.rectangle(box, outline=colour, width=2)


def _dashed(brush: ImageDraw.ImageDraw, box: tuple[float, float, float, float]) -> None:
    x1, y1, x2, y2 = box
    for start in np.arange(x1, x2, 8.0):
        for y in (y1, y2):
            brush.line([(start, y), (min(start + 4, x2), y)], fill=_MISSED, width=2)
    for start in np.arange(y1, y2, 8.0):
        for x in (x1, x2):
            brush.line([(x, start), (x, min(start + 4, y2))], fill=_MISSED, width=2)


def encoded(small: Image.Image) -> tuple[bytes, str]:
    """Return the shorter of PNG and JPEG, with its media type."""
    files = []
    for kind, media_type, given in (
        ("PNG", "image/png", {"optimize": True}),
        ("JPEG", "image/jpeg", {"quality": 82}),
    ):
        file = io.BytesIO()
        small.save(file, kind, **given)
        files.append((file.getvalue(), media_type))
    return min(files, key=lambda found: len(found[0]))
