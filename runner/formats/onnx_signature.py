"""Reads from a model's declared input how a benchmark's images must be fed, or says why they cannot."""

import onnx

from runner.contract import Task
from runner.failures import Refusal
from runner.formats.preprocessing import KEY, Preprocessing, read_preprocessing
from runner.formats.signature import Arrangement, ImageShape, Signature
from runner.plain_text import cleaned

_TYPES = {
    onnx.TensorProto.FLOAT: "float32",
    onnx.TensorProto.FLOAT16: "float16",
    onnx.TensorProto.DOUBLE: "float64",
    onnx.TensorProto.UINT8: "uint8",
}
_GREY = 1


def read_signature(
    model: onnx.ModelProto, image: ImageShape, *, task: Task, classes: int
) -> Signature:
    """Return how ``model`` is fed. Raises Refusal (E_INPUT_*, E_OUTPUT_SHAPE, E_PREPROC)."""
    # Older exporters list the weights as inputs too.
    weights = {tensor.name for tensor in model.graph.initializer}
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
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    how = read_preprocessing(metadata.get(KEY), channels=image.channels)
    if dtype == "uint8" and how != Preprocessing(how.layout):
        raise Refusal(
            "E_PREPROC",
            "The input is uint8, so pixels arrive as they are; scale, mean and std have no effect.",
            expected="only layout for a uint8 input",
            got=metadata[KEY],
        )
    dims = [d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim]
    if not tensor.HasField("shape"):
        dims = [None] * 4
    arrangement = _arrangement(dims, image, how, dtype)
    if task == "classification":
        _check_outputs(model, classes)
    return Signature(inputs[0].name, dtype, arrangement, dims[0] or None, how)


def _arrangement(
    dims: list[int | None], image: ImageShape, how: Preprocessing, dtype: str
) -> Arrangement:
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
            if dims[0] is not None and dims[0] < 0:
                break
            return arrangement
    got = "[" + ", ".join("any" if d is None else str(d) for d in dims[:8]) + "]"
    fix = ""
    if dims in ([c, h, w], [h, w, c], [h, w]):
        fix = "The batch is missing: export with an example of shape [1, ...]."
    elif len(dims) == len("NCHW") and {1, 3} & set(dims[1:]) and c not in dims[1:]:
        fix = f"The images have {c} channel(s); change the first layer, or repeat it in the model."
    raise Refusal("E_INPUT_SHAPE", expected=_wanted(image), got=got, fix=fix)


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
