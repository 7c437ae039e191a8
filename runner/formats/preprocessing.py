"""How pixels become a model's input: the contract between a benchmark and a model.

===============  ========================================================================
field            meaning
===============  ========================================================================
layout           NCHW or NHWC; else read from the input's shape
dtype            what the input must be; only compared
colour           RGB (default) or BGR
size             [height, width] that the model wants, where it is not the benchmark's
resize           stretch or letterbox, how images reach that size
pad              0 to 255, what a letterbox is filled with
interpolation    nearest, bilinear (default), bicubic or area
scale mean std   a pixel x of channel c becomes (x * scale - mean[c]) / std[c]
===============  ========================================================================

Read from the metadata key ``bookwiz.preproc`` (JSON), from ``Image.*`` or Ultralytics keys, or from
the form, in this order; else floats are x/255 and uint8 stays as it is.
"""

import json
import math
from dataclasses import dataclass, field
from typing import Any, Literal

from runner.failures import Refusal

KEY = "bookwiz.preproc"
_WORDS: dict[str, tuple[str, ...]] = {
    "layout": ("NCHW", "NHWC"),
    "dtype": ("float32", "float16", "float64", "uint8"),
    "colour": ("RGB", "BGR"),
    "resize": ("stretch", "letterbox"),
    "interpolation": ("nearest", "bilinear", "bicubic", "area"),
}
_FIELDS = {*_WORDS, "size", "pad", "scale", "mean", "std"}
_MOST_BYTES = 4096
_MOST_PIXELS = 4096
_WHITE = 255

Layout = Literal["NCHW", "NHWC"]


@dataclass(frozen=True)
class Preprocessing:
    """A pixel x of channel c becomes (x * scale - mean[c]) / std[c], after resizing."""

    layout: Layout | None = None  #: None: read it from the input's shape
    scale: float = 1 / 255
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    dtype: str = ""
    colour: str = "RGB"
    size: tuple[int, int] | None = None  #: height and width; None: the benchmark's
    resize: str = ""
    pad: int = 0
    interpolation: str = "bilinear"
    source: str = field(default="", compare=False)  #: who declared it; empty: nobody

    @property
    def numbers_as_they_are(self) -> bool:
        """Return whether nothing is said of the numbers' range."""
        return self.scale == 1 / 255 and not self.mean and not self.std

    def words(self, *, raw: bool = False) -> str:
        """Say it; ``raw``: the input is uint8 and takes pixels as they are."""
        parts = ["scaled by 1/255" if self.scale == 1 / 255 else f"scaled by {self.scale:g}"]
        if raw:
            parts = ["pixels as they are"]
        if self.mean:
            parts.append("less mean " + ", ".join(f"{m:g}" for m in self.mean))
        if self.std:
            parts.append("over std " + ", ".join(f"{s:g}" for s in self.std))
        if self.colour != "RGB":
            parts.append("in BGR")
        if self.size is not None:
            parts.append(f"{self.resize or 'stretch'} from the benchmark's size")
        return ", ".join(parts)

    def declaration(self) -> str:
        """Return the JSON that declares the numbers and colour of this contract."""
        said: dict[str, Any] = {"scale": self.scale}
        if self.mean:
            said["mean"] = list(self.mean)
        if self.std:
            said["std"] = list(self.std)
        if self.colour != "RGB":
            said["colour"] = self.colour
        return json.dumps(said)


def read_preprocessing(text: str | None, *, channels: int, source: str = KEY) -> Preprocessing:
    """Return what ``text`` declares. Raises Refusal (E_PREPROC) naming the field that is wrong."""
    if not text:
        return Preprocessing()
    said = _parsed(text)
    for name, allowed in _WORDS.items():
        if said.get(name) is not None and said[name] not in allowed:
            raise Refusal(
                "E_PREPROC",
                f"{name} is unknown.",
                expected=" or ".join(allowed),
                got=str(said[name]),
            )
    std = _per_channel(said, "std", channels)
    if any(value <= 0 for value in std):
        raise Refusal("E_PREPROC", "std must be above 0.", got=str(said["std"]))
    pad = _number(said.get("pad", 0), "pad")
    if not 0 <= pad <= _WHITE:
        raise Refusal("E_PREPROC", "pad is no pixel.", expected="0 to 255", got=str(said["pad"]))
    return Preprocessing(
        layout=said.get("layout"),
        scale=_number(said.get("scale", 1 / 255), "scale"),
        mean=_per_channel(said, "mean", channels),
        std=std,
        dtype=said.get("dtype") or "",
        colour=said.get("colour") or "RGB",
        size=size_of(said["size"]) if "size" in said else None,
        resize=said.get("resize") or "",
        pad=int(pad),
        interpolation=said.get("interpolation") or "bilinear",
        source=source,
    )


def _parsed(text: str) -> dict[str, Any]:
    if len(text) > _MOST_BYTES:
        raise Refusal("E_PREPROC", got=f"{len(text)} characters")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise Refusal("E_PREPROC", f"{KEY} is not JSON.", got=text) from None
    if not isinstance(said, dict):
        raise Refusal("E_PREPROC", f"{KEY} is not a JSON object.", got=text)
    unknown = sorted(said.keys() - _FIELDS)
    if unknown:
        raise Refusal(
            "E_PREPROC",
            f"{KEY} has a field that is not known here: {unknown[0]}.",
            expected="only " + ", ".join(sorted(_FIELDS)),
            got=", ".join(unknown),
            fix="Put anything else into the model itself.",
        )
    return said


def size_of(value: Any) -> tuple[int, int]:
    """Return height and width of a number or a pair. Raises Refusal (E_PREPROC)."""
    pair = value if isinstance(value, list | tuple) else [value, value]
    whole = [v for v in pair if isinstance(v, int) and not isinstance(v, bool)]
    if len(pair) != 2 or len(whole) != 2 or not all(0 < v <= _MOST_PIXELS for v in whole):  # noqa: PLR2004
        raise Refusal(
            "E_PREPROC", "size is no size.", expected="[height, width] in pixels", got=str(value)
        )
    return whole[0], whole[1]


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refusal("E_PREPROC", f"{name} is not a number.", got=str(value))
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise Refusal("E_PREPROC", f"{name} is not a finite number.", got=str(value)[:40])
    return number


def _per_channel(said: dict[str, Any], name: str, channels: int) -> tuple[float, ...]:
    if name not in said:
        return ()
    value = said[name]
    values = value if isinstance(value, list) else [value] * channels
    if len(values) != channels:
        raise Refusal(
            "E_PREPROC",
            f"{name} does not fit the images' channels.",
            expected=f"{channels} numbers",
            got=f"{len(values)} numbers",
        )
    return tuple(_number(item, name) for item in values)
