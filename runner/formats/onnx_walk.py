"""Walks over every corner of an untrusted ONNX model before ONNX Runtime sees it.

Runs inside the sandbox only. It bounds what a small file can ask for: nested functions that unfold
without end, tensors larger than their bytes, weights in other files, operators that read files.
The walk itself is iterative and counts, so that no file makes it slow or deep.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import onnx
import onnx.defs

from runner.failures import Refusal
from runner.formats.onnx_chance import refuse_chance, stored_no
from runner.plain_text import cleaned

MOST_NODES = 50_000
MOST_UNFOLDED = 200_000
MOST_DEPTH = 8
MOST_FUNCTIONS = 1_000
MOST_TEXT = 4_000_000  # characters of metadata
_DOMAINS = {"", "ai.onnx", "ai.onnx.ml", "com.microsoft"}
_READS_FILES = {"EPContext"}  # loads a compiled model from a path that the node names
_OLDEST_OPSET = 7
# Bits per element by onnx.TensorProto.DataType; strings have no fixed size.
_BITS = {
    1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 14: 64,
    15: 128, 16: 16, 17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4, 24: 8, 25: 2, 26: 2,
}  # fmt: skip
_STRING = 8
_COMPLEX = {14, 15}
_BYTE = 8

Name = tuple[str, str]  # domain and operator
Calls = dict[Name, int]  # how often each local function is called


@dataclass
class Census:
    """What the walk counted."""

    nodes: int = 0
    parameters: int = 0
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict)  #: stored ones, by name
    grown: dict[str, int] = field(default_factory=dict)  #: elements of what Concat makes of them


def parse(data: bytes | memoryview) -> onnx.ModelProto:
    """Return the protobuf message. Raises Refusal for bytes that are none, or hold no graph."""
    model = onnx.ModelProto()
    try:
        model.ParseFromString(bytes(data))
    except Exception as error:  # noqa: BLE001 - protobuf's class of it depends on its build
        raise Refusal(
            "E_ONNX_BROKEN",
            "The file is cut short or damaged: its parts do not fit together.",
            got=str(error),
        ) from None
    if not model.graph.node:
        raise Refusal("E_ONNX_BROKEN", "The file holds no network.", got="a graph without nodes")
    return model


def walk(model: onnx.ModelProto, *, memory: int) -> Census:
    """Return what the model consists of. ``memory`` is the limit in bytes for any one tensor.

    Raises Refusal with E_ONNX_OP, E_ONNX_RANDOM, E_ONNX_TOO_COMPLEX, E_ONNX_EXTERNAL_DATA,
    E_ONNX_BROKEN or E_MEMORY.
    """
    _refuse_strange_opset(model)
    _refuse_much_text(model)
    if len(model.functions) > MOST_FUNCTIONS:
        raise Refusal("E_ONNX_TOO_COMPLEX", got=f"{len(model.functions)} functions")
    if model.training_info:
        raise Refusal("E_ONNX_OP", got="training information", fix="Export for inference only.")
    census = Census()
    local = {(f.domain, f.name) for f in model.functions}
    main = _walk_nodes(list(model.graph.node), census, local, memory, graph=model.graph)
    bodies: dict[Name, tuple[int, Calls]] = {}
    for function in model.functions:
        before = census.nodes
        # Names inside a function are its own: constants of the graph must not leak into it.
        census.constants.clear()
        census.grown.clear()
        calls = _walk_nodes(list(function.node), census, local, memory)
        bodies[(function.domain, function.name)] = (census.nodes - before, calls)
    _refuse_endless_unfolding(main, bodies)
    return census


def _refuse_strange_opset(model: onnx.ModelProto) -> None:
    versions = [o.version for o in model.opset_import if o.domain in ("", "ai.onnx")]
    newest = onnx.defs.onnx_opset_version()
    if not versions or not _OLDEST_OPSET <= max(versions) <= newest:
        raise Refusal(
            "E_ONNX_OP",
            expected=f"an opset from {_OLDEST_OPSET} to {newest}",
            got=f"opset {max(versions, default=0)}",
        )


def _refuse_much_text(model: onnx.ModelProto) -> None:
    size = sum(len(entry.key) + len(entry.value) for entry in model.metadata_props)
    if size > MOST_TEXT:
        raise Refusal(
            "E_ONNX_TOO_COMPLEX",
            "The metadata are larger than any contract needs.",
            expected=f"at most {MOST_TEXT / 1e6:.0f} MB of text",
            got=f"{size / 1e6:.0f} MB",
            fix="Delete what is not needed from `model.metadata_props`.",
        )


def _walk_nodes(
    nodes: list[onnx.NodeProto],
    census: Census,
    local: set[Name],
    memory: int,
    *,
    graph: onnx.GraphProto | None = None,
) -> Calls:
    """Check nodes and all their subgraphs; return how often each local function is called."""
    calls: Calls = {}
    stack = [(1, nodes, graph)]
    while stack:
        depth, nodes, graph = stack.pop()
        if depth > MOST_DEPTH:
            raise Refusal("E_ONNX_TOO_COMPLEX", got=f"graphs nested more than {MOST_DEPTH} deep")
        if graph is not None:
            _check_initialisers(graph, census, memory)
        no = stored_no(graph) if graph is not None else ()
        for node in nodes:
            census.nodes += 1
            if census.nodes > MOST_NODES:
                raise Refusal("E_ONNX_TOO_COMPLEX", got=f"more than {MOST_NODES} nodes")
            kind = (node.domain, node.op_type)
            if kind in local:
                calls[kind] = calls.get(kind, 0) + 1
            else:
                _check_operator(node)
                refuse_chance(node, no)
            for tensor in _tensors(node):
                _check_tensor(tensor, memory)
            if node.op_type == "Constant" and node.output and len(node.attribute) == 1:
                census.constants[node.output[0]] = node.attribute[0].t
            _check_request(node, census, memory)
            stack += [(depth + 1, list(g.node), g) for g in _subgraphs(node)]
    return calls


def _check_operator(node: onnx.NodeProto) -> None:
    name = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
    if node.domain not in _DOMAINS or node.op_type in _READS_FILES:
        raise Refusal("E_ONNX_OP", f"The operator {cleaned(name, 80)} is not run here.", got=name)


def _subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _tensors(node: onnx.NodeProto) -> Iterator[onnx.TensorProto]:
    for attribute in node.attribute:
        if attribute.HasField("t"):
            yield attribute.t
        yield from attribute.tensors
        if attribute.HasField("sparse_tensor"):
            yield from (attribute.sparse_tensor.values, attribute.sparse_tensor.indices)
        for sparse in attribute.sparse_tensors:
            yield from (sparse.values, sparse.indices)


def _check_initialisers(graph: onnx.GraphProto, census: Census, memory: int) -> None:
    for tensor in graph.initializer:
        _check_tensor(tensor, memory)
        census.constants[tensor.name] = tensor
        census.parameters += math.prod(tensor.dims)
    for sparse in graph.sparse_initializer:
        _check_tensor(sparse.values, memory)
        _check_tensor(sparse.indices, memory)
        _refuse_huge(sparse.dims, sparse.values.data_type, "a sparse tensor", memory)


def _check_tensor(tensor: onnx.TensorProto, memory: int) -> None:
    if tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL:
        raise Refusal("E_ONNX_EXTERNAL_DATA", got=f"the tensor {cleaned(tensor.name, 80)}")
    if any(d < 0 for d in tensor.dims):
        raise Refusal("E_ONNX_BROKEN", "A tensor has a negative size.", got=f"{tensor.name}")
    elements = math.prod(tensor.dims)
    if tensor.data_type == _STRING:
        present, needed = len(tensor.string_data), elements
    elif tensor.data_type not in _BITS:
        raise Refusal("E_ONNX_BROKEN", "A tensor has an unknown number type.", got=tensor.name)
    else:
        _refuse_huge(tensor.dims, tensor.data_type, "a stored tensor", memory)
        bits = _BITS[tensor.data_type]
        if tensor.raw_data:
            present, needed = len(tensor.raw_data), (elements * bits + 7) // 8
        else:
            present, needed = _typed_entries(tensor), _entries_needed(elements, tensor.data_type)
    if present != needed:
        raise Refusal(
            "E_ONNX_BROKEN",
            f"The tensor {cleaned(tensor.name, 80)} does not hold what its shape says.",
            expected=f"{needed} for the shape {list(tensor.dims)[:8]}",
            got=f"{present}",
        )


def _entries_needed(elements: int, data_type: int) -> int:
    if data_type in _COMPLEX:
        return 2 * elements
    bits = _BITS[data_type]
    return elements if bits >= _BYTE else (elements * bits + 7) // 8


def _typed_entries(tensor: onnx.TensorProto) -> int:
    return sum(
        len(entries)
        for entries in (
            tensor.float_data, tensor.int32_data, tensor.int64_data,
            tensor.double_data, tensor.uint64_data,
        )
    )  # fmt: skip


def _refuse_huge(dims: object, data_type: int, what: str, memory: int) -> None:
    wanted = math.prod(dims) * _BITS.get(data_type, 8) // 8  # type: ignore[call-overload]
    if wanted > memory:
        raise Refusal(
            "E_MEMORY",
            f"The model asks for {what} of {wanted / 1e9:.1f} GB.",
            expected=f"at most {memory / 1e9:.1f} GB in all",
            got=f"{wanted / 1e9:.1f} GB",
        )


def _check_request(node: onnx.NodeProto, census: Census, memory: int) -> None:
    """Refuse an allocation that can be read off the file. The kernel's limit is the real guard."""
    names = list(node.input)
    if node.op_type == "Concat":
        _check_growth(node, census, memory)
        return
    if node.op_type == "ConstantOfShape" and names:
        shape = _integers(census, names[0])
    elif node.op_type in {"Expand", "Tile", "Reshape"} and len(names) > 1:
        shape = [d for d in _integers(census, names[1]) if d > 0]
    elif node.op_type == "Range" and len(names) == 3:  # noqa: PLR2004 - start, limit, delta
        start, limit, delta = (next(iter(_integers(census, n)), 0) for n in names)
        shape = [(limit - start) // delta] if delta else []
    else:
        return
    if shape and all(d >= 0 for d in shape):
        _refuse_huge(shape, 1, f"a tensor ({node.op_type})", memory)


def _check_growth(node: onnx.NodeProto, census: Census, memory: int) -> None:
    """Refuse constants that are put together to more than fits, as is done while loading."""
    sizes = []
    for name in node.input:
        stored = census.constants.get(name)
        sizes.append(census.grown.get(name) or (math.prod(stored.dims) if stored else 0))
    if all(sizes) and node.output:
        census.grown[node.output[0]] = sum(sizes)
        _refuse_huge([sum(sizes)], 1, "a tensor (Concat)", memory)


def _integers(census: Census, name: str) -> list[int]:
    tensor = census.constants.get(name)
    if tensor is None or math.prod(tensor.dims) > 16:  # noqa: PLR2004 - a shape, not a weight
        return []
    if tensor.data_type not in (onnx.TensorProto.INT64, onnx.TensorProto.INT32):
        return []
    return [int(value) for value in onnx.numpy_helper.to_array(tensor).reshape(-1)]


def _refuse_endless_unfolding(main: Calls, bodies: dict[Name, tuple[int, Calls]]) -> None:
    """Refuse functions that call each other in a circle or unfold to too many nodes.

    Each function's unfolded size is counted once, bottom up (Kahn's order), so that a file whose
    functions call each other twice, forty deep, costs forty steps and not 2**40.
    """
    waiting = {name: calls.keys() for name, (_, calls) in bodies.items()}
    size: dict[Name, int] = {}
    while waiting:
        ready = [name for name, calls in waiting.items() if calls <= size.keys()]
        if not ready:
            raise Refusal("E_ONNX_TOO_COMPLEX", got="functions that call each other in a circle")
        for name in ready:
            del waiting[name]
            nodes, calls = bodies[name]
            size[name] = nodes + sum(times * size[called] for called, times in calls.items())
    total = sum(times * size[called] for called, times in main.items())
    if total > MOST_UNFOLDED:
        raise Refusal("E_ONNX_TOO_COMPLEX", got=f"{total} nodes when unfolded")
