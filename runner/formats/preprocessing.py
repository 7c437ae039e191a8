"""How pixels become a model's input: the contract between a benchmark and a model.

Read from the metadata key ``bookwiz.preproc``; without it, floats are x/255 and uint8 stays as it is.
"""

import json
import math
from dataclasses import dataclass
from typing import Any, Literal

from runner.failures import Refusal

KEY = "bookwiz.preproc"
_FIELDS = {"layout", "scale", "mean", "std"}
_MOST_BYTES = 4096

Layout = Literal["NCHW", "NHWC"]


@dataclass(frozen=True)
class Preprocessing:
    """A pixel x of channel c becomes (x * scale - mean[c]) / std[c]."""

    layout: Layout | None = None  #: None: read it from the input's shape
    scale: float = 1 / 255
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    def words(self) -> str:
        parts = ["scaled by 1/255" if self.scale == 1 / 255 else f"scaled by {self.scale:g}"]
        if self.mean:
            parts.append("less mean " + ", ".join(f"{m:g}" for m in self.mean))
        if self.std:
            parts.append("over std " + ", ".join(f"{s:g}" for s in self.std))
        return ", ".join(parts)


def read_preprocessing(text: str | None, *, channels: int) -> Preprocessing:
    """Return what the metadata says. Raises Refusal (E_PREPROC) naming the field that is wrong."""
    if text is None:
        return Preprocessing()
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
            expected="only layout, scale, mean and std",
            got=", ".join(unknown),
            fix="Images always arrive in the benchmark's size, RGB or grey, unpadded; put anything "
            "else into the model itself.",
        )
    layout = said.get("layout")
    if layout not in (None, "NCHW", "NHWC"):
        raise Refusal("E_PREPROC", "layout is unknown.", expected="NCHW or NHWC", got=str(layout))
    std = _per_channel(said, "std", channels)
    if any(value <= 0 for value in std):
        raise Refusal("E_PREPROC", "std must be above 0.", got=str(said["std"]))
    scale = _number(said.get("scale", 1 / 255), "scale")
    return Preprocessing(layout, scale, _per_channel(said, "mean", channels), std)


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Refusal("E_PREPROC", f"{name} is not a number.", got=str(value))
    return float(value)


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
