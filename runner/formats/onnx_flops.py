"""Counts what one image costs, where the graph tells: two operations for each multiply-add.

Only what multiplies matrices is counted (convolutions, Gemm, MatMul), as papers do.
"""

from math import prod

import onnx
import onnx.shape_inference

_MOST_NODES = 5000
_SMALL = 64  # elements; shapes and axes are kept, weights are not needed
_LONGEST_SHAPE = 1 << 16
_COUNTED = {"Conv", "ConvTranspose", "Gemm", "MatMul", "QLinearConv", "ConvInteger", "FusedConv"}
_INNER = {"Loop", "Scan", "If"}

Shapes = dict[str, tuple[int, ...]]


def flops(model: onnx.ModelProto, input_name: str, shape: tuple[int, ...]) -> int | None:
    """Return the operations for an input of ``shape``; None where the graph does not tell.

    Inside the sandbox only: shape inference is C++ that reads a stranger's graph.
    """
    nodes = model.graph.node
    if len(nodes) > _MOST_NODES or model.functions or any(n.op_type in _INNER for n in nodes):
        return None
    try:
        inferred = onnx.shape_inference.infer_shapes(
            _without_weights(model, input_name, shape), data_prop=_stays_small(model)
        )
        return _count(inferred, _shapes(inferred))
    except Exception:  # noqa: BLE001 - what cannot be counted is left out; loading it decides
        return None


def _stays_small(model: onnx.ModelProto) -> bool:
    """Return whether shapes that are worked out cannot grow: forty Concats make a terabyte of one."""
    most: dict[str, int] = {}
    for node in model.graph.node:
        sizes = [most.get(name, _SMALL) for name in node.input]
        size = sum(sizes) if node.op_type == "Concat" else max(sizes, default=0)
        if size > _LONGEST_SHAPE:
            return False
        most.update(dict.fromkeys(node.output, size))
    return True


def _without_weights(
    model: onnx.ModelProto, input_name: str, shape: tuple[int, ...]
) -> onnx.ModelProto:
    bare = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    bare.graph.name = "g"
    bare.graph.node.extend(model.graph.node)
    bare.graph.output.extend(model.graph.output)
    value = onnx.helper.make_tensor_value_info
    for tensor in model.graph.initializer:
        if prod(tensor.dims) <= _SMALL:
            bare.graph.initializer.append(tensor)
        else:
            bare.graph.input.append(value(tensor.name, tensor.data_type, tensor.dims))
    known = {tensor.name for tensor in model.graph.initializer}
    for given in model.graph.input:
        if given.name == input_name:
            kind = given.type.tensor_type.elem_type
            bare.graph.input.append(value(given.name, kind, shape))
        elif given.name not in known:
            bare.graph.input.append(given)
    return bare


def _shapes(model: onnx.ModelProto) -> Shapes:
    graph = model.graph
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        dims = value.type.tensor_type.shape.dim
        if all(d.HasField("dim_value") for d in dims):
            shapes[value.name] = tuple(d.dim_value for d in dims)
    return shapes


def _count(model: onnx.ModelProto, shapes: Shapes) -> int | None:
    total = 0
    for node in model.graph.node:
        if node.op_type not in _COUNTED:
            continue
        first, second = (3, 0) if node.op_type == "QLinearConv" else (1, 0)
        weights, source = shapes.get(node.input[first]), shapes.get(node.input[second])
        result = shapes.get(node.output[0])
        if node.op_type == "ConvTranspose":
            result = source  # each input pixel is multiplied with the whole kernel
        if not weights or not source or not result:
            return None
        if node.op_type in ("Gemm", "MatMul"):
            trans = any(a.name == "transA" and a.i for a in node.attribute)
            total += 2 * prod(result) * source[-2 if trans else -1]
        else:
            total += 2 * prod(result) * prod(weights[1:])
    return total or None
