"""What the metadata of ONNX files in the wild says of input and output.

Besides our own keys: ``Image.*`` (the ONNX specification, docs/MetadataProps.md) and the keys that
Ultralytics writes (imgsz, names, stride, task). Literals are parsed as literals and never run.
"""

import ast
import json
from collections.abc import Mapping
from typing import Any

import onnx

from runner.contract import Task
from runner.failures import Refusal
from runner.formats.output_contract import KEY as OUTPUT_KEY
from runner.formats.preprocessing import KEY, Preprocessing, read_preprocessing, size_of

_RANGE, _FORMAT, _GAMMA = (
    f"Image.{name}" for name in ("NominalPixelRange", "BitmapPixelFormat", "ColorSpaceGamma")
)
#: scale, and mean that is subtracted afterwards
_RANGES = {
    "NominalRange_0_255": (1.0, 0.0),
    "Normalized_0_1": (1 / 255, 0.0),
    "Normalized_1_1": (2 / 255, 1.0),
    "NominalRange_16_235": (219 / 255, -16.0),
}
_FORMATS = {"Gray8": (1, "RGB"), "Rgb8": (3, "RGB"), "Bgr8": (3, "BGR")}
_MOST_LITERAL = 200_000
_GREY_OF_LETTERBOXES = 114  # ultralytics.data.augment.LetterBox
_END_TO_END = 6  # numbers of a finished detection


def read_metadata(model: onnx.ModelProto) -> dict[str, str]:
    """Return the metadata; of a key that comes twice, the last."""
    return {entry.key: entry.value for entry in model.metadata_props}


def declared_preprocessing(
    metadata: Mapping[str, str], form: str, *, channels: int
) -> Preprocessing:
    """Return the first contract that is declared. Raises Refusal (E_PREPROC) for an unclear one."""
    if KEY in metadata:
        return read_preprocessing(metadata[KEY], channels=channels)
    if metadata.keys() & {_RANGE, _FORMAT, _GAMMA}:
        return _of_image_keys(metadata, channels)
    if _is_ultralytics(metadata):
        return Preprocessing(
            size=size_of(_literal(metadata["imgsz"], "imgsz")),
            resize="stretch" if metadata.get("task") == "classify" else "letterbox",
            pad=_GREY_OF_LETTERBOXES,
            source="Ultralytics keys",
        )
    return read_preprocessing(form, channels=channels, source="the form")


def _of_image_keys(metadata: Mapping[str, str], channels: int) -> Preprocessing:
    range_, form = metadata.get(_RANGE, "NominalRange_0_255"), metadata.get(_FORMAT)
    if range_ not in _RANGES:
        raise Refusal("E_PREPROC", expected=" or ".join(_RANGES), got=f"{_RANGE}: {range_}")
    if form is not None and form not in _FORMATS:
        raise Refusal("E_PREPROC", expected=" or ".join(_FORMATS), got=f"{_FORMAT}: {form}")
    if metadata.get(_GAMMA, "SRGB") != "SRGB":
        raise Refusal("E_PREPROC", expected="SRGB", got=f"{_GAMMA}: {metadata[_GAMMA]}")
    wanted, colour = _FORMATS[form] if form else (channels, "RGB")
    if wanted != channels:
        raise Refusal("E_PREPROC", expected=f"{channels} channel(s)", got=f"{_FORMAT}: {form}")
    scale, mean = _RANGES[range_]
    shift = (mean,) * channels if mean else ()
    return Preprocessing(scale=scale, mean=shift, colour=colour, source="Image.* keys")


def _is_ultralytics(metadata: Mapping[str, str]) -> bool:
    return {"imgsz", "names", "stride"} <= metadata.keys()


def _literal(text: str, name: str) -> Any:
    if len(text) > _MOST_LITERAL:
        raise Refusal("E_PREPROC", got=f"{name} of {len(text)} characters")
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        raise Refusal("E_PREPROC", f"The key {name} is no literal.", got=text[:200]) from None


def declared_output(model: onnx.ModelProto, metadata: Mapping[str, str], task: Task) -> str:
    """Return the output contract that the file declares, as JSON; empty where it declares none.

    Raises Refusal (E_OUTPUT_SHAPE) where Ultralytics keys say that it is for another task.
    """
    if OUTPUT_KEY in metadata:
        return metadata[OUTPUT_KEY]
    if not _is_ultralytics(metadata):
        return ""
    wanted = {"detection": "detect", "classification": "classify"}.get(task)
    if metadata.get("task", wanted) != wanted:
        raise Refusal(
            "E_OUTPUT_SHAPE",
            f"The model was trained for another task than {task}.",
            expected=wanted or "a semantic segmentation",
            got=f"task: {metadata['task']}",
        )
    if task != "detection" or not model.graph.output:
        return ""
    dims = [d.dim_value for d in model.graph.output[0].type.tensor_type.shape.dim]
    if dims and dims[-1] == _END_TO_END:
        return json.dumps({"kind": "detections"})
    return json.dumps({"kind": "raw", "layout": "NCA", "boxes": "cxcywh"})
