"""Reads from a model's declared input how a benchmark's images must be fed, or says why they cannot."""

from dataclasses import replace

import onnx

from runner.contract import Task
from runner.failures import Refusal
from runner.formats.preprocessing import Preprocessing
from runner.formats.signature import Arrangement, ImageShape, Signature
from runner.plain_text import cleaned

_TYPES = {
    onnx.TensorProto.FLOAT: "float32",
    onnx.TensorProto.FLOAT16: "float16",
    onnx.TensorProto.DOUBLE: "float64",
    onnx.TensorProto.UINT8: "uint8",
}
_GREY = 1
_MOST_BATCH = 1024


def read_signature(
    model: onnx.ModelProto, image: ImageShape, *, how: Preprocessing, task: Task, classes: int
) -> Signature:
    """Return how ``model`` is fed, where ``how`` is what is declared of it.

    Raises Refusal: E_INPUT_SHAPE, E_INPUT_TYPE, E_OUTPUT_SHAPE, E_PREPROC.
    """
    # Older exporters list the weights as inputs too.
    weights = {tensor.name for tensor in model.graph.initializer}
    weights |= {tensor.values.name for tensor in model.graph.sparse_initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    if len(inputs) != 1:
        names = ", ".join(cleaned(value.name, 40) for value in inputs[:5])
        raise Refusal(
            "E_INPUT_SHAPE",
            f"The model has {len(inputs)} inputs, not one.",
            expected=f"one input, {_wanted(image)}",
            got=names or "no input",
        )
    tensor = inputs[0].type.tensor_type
    if tensor.elem_type not in _TYPES:
        kind = onnx.TensorProto.DataType.items()
        name = next((n for n, number in kind if number == tensor.elem_type), "unknown").lower()
        raise Refusal("E_INPUT_TYPE", got=f"{name} for the input {cleaned(inputs[0].name, 40)}")
    dtype = _TYPES[tensor.elem_type]
    _refuse_what_has_no_effect(how, dtype)
    dims = [d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim]
    if not tensor.HasField("shape"):
        dims = [None] * 4
    size = how.size
    if size is None and how.resize:
        size = _own_size(dims, image, how)
    fed = image if size is None else ImageShape(*size, image.channels)
    how = replace(how, size=None if fed == image else size)
    arrangement = _arrangement(dims, fed, how, dtype)
    if task == "classification":
        _check_outputs(model, classes)
    return Signature(inputs[0].name, dtype, arrangement, dims[0] or None, how)


def _refuse_what_has_no_effect(how: Preprocessing, dtype: str) -> None:
    if dtype == "uint8" and not how.numbers_as_they_are and not how.source.startswith("Image"):
        raise Refusal(
            "E_PREPROC",
            "The input is uint8, so pixels arrive as they are; scale, mean and std have no effect.",
            expected="no scale, mean or std for a uint8 input",
            got=how.words(),
        )
    if how.dtype and how.dtype != dtype:
        raise Refusal(
            "E_PREPROC",
            "The declared dtype is not the input's.",
            expected=dtype,
            got=how.dtype,
        )


def _own_size(
    dims: list[int | None], image: ImageShape, how: Preprocessing
) -> tuple[int, int] | None:
    """Return height and width that the input fixes, where it is an image of another size."""
    for layout, (height, width, channels) in {"NCHW": (2, 3, 1), "NHWC": (1, 2, 3)}.items():
        if len(dims) != len(layout) or how.layout not in (None, layout):
            continue
        if dims[channels] in (None, 0, image.channels) and dims[height] and dims[width]:
            return dims[height] or 0, dims[width] or 0
    return None


def _arrangement(
    dims: list[int | None], image: ImageShape, how: Preprocessing, dtype: str
) -> Arrangement:
    """Return how the fed images, of the shape ``image``, lie in an input of ``dims``."""
    h, w, c = image.height, image.width, image.channels
    usual: tuple[Arrangement, ...] = ("NHWC", "NCHW") if dtype == "uint8" else ("NCHW", "NHWC")
    first = usual[0] if how.layout is None else how.layout
    flat: Arrangement = "flat NHWC" if first == "NHWC" else "flat NCHW"
    shapes: dict[Arrangement, list[int]] = {
        arrangement: [c, h, w] if arrangement == "NCHW" else [h, w, c]
        for arrangement in (usual if how.layout is None else (how.layout,))
    }
    if c == _GREY:
        shapes["NHW"] = [h, w]
    shapes[flat] = [h * w * c]
    for arrangement, wanted in shapes.items():
        if len(dims) == len(wanted) + 1 and all(
            dim in (None, 0, size) for dim, size in zip(dims[1:], wanted, strict=True)
        ):
            if dims[0] is not None and not 0 <= dims[0] <= _MOST_BATCH:
                break
            return arrangement
    got = "[" + ", ".join("any" if d is None else str(d) for d in dims[:8]) + "]"
    raise Refusal("E_INPUT_SHAPE", expected=_wanted(image), got=got, fix=_fix(dims, image, how))


def _fix(dims: list[int | None], image: ImageShape, how: Preprocessing) -> str:
    h, w, c = image.height, image.width, image.channels
    if dims and (dims[0] or 0) > _MOST_BATCH:
        return f"Export with a dynamic batch, or a fixed one of at most {_MOST_BATCH}."
    if dims in ([c, h, w], [h, w, c], [h, w]):
        return "The batch is missing: export with an example of shape [1, ...]."
    if len(dims) == len("NCHW") and {1, 3} & set(dims[1:]) and c not in dims[1:]:
        return f"The images have {c} channel(s); change the first layer, or repeat it in the model."
    own = _own_size(dims, image, how)
    if own is None:
        return ""
    if how.size is not None:
        return f"The declared size is not the input's: {own[0]} × {own[1]}."
    return (
        'Declare how images reach that size: the metadata key "bookwiz.preproc" (or the form) with '
        '{"resize": "stretch"} or {"resize": "letterbox", "pad": 114}; or export for '
        f"{h} × {w}."
    )


def _wanted(image: ImageShape) -> str:
    h, w, c = image.height, image.width, image.channels
    return f"[N, {c}, {h}, {w}] or [N, {h}, {w}, {c}]"


def _check_outputs(model: onnx.ModelProto, classes: int) -> None:
    """Refuse early what is declared and cannot be right; what is not declared is seen when it runs."""
    seen = []
    for value in model.graph.output:
        tensor = value.type.tensor_type
        if not value.type.HasField("tensor_type"):
            seen.append("a list or map")
            continue
        if not tensor.HasField("shape"):
            return
        dims = [d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim]
        if len(dims) == len(("images", "classes")) and dims[1] in (None, 0, classes):
            return
        seen.append("[" + ", ".join("any" if d is None else str(d) for d in dims[:8]) + "]")
    raise Refusal(
        "E_OUTPUT_SHAPE", expected=f"[N, {classes}], one score per class", got=" and ".join(seen)
    )
