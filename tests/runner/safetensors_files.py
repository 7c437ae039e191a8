"""Safetensors files for tests, good, broken and hostile, made byte by byte."""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NAMES = {"float32": "F32", "float16": "F16", "float64": "F64", "int64": "I64", "uint8": "U8"}


def safetensors_of(
    tensors: dict[str, NDArray[Any]], *, metadata: dict[str, str] | None = None
) -> bytes:
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    data = b""
    for name, array in tensors.items():
        begin = len(data)
        data += np.ascontiguousarray(array).tobytes()
        header[name] = {
            "dtype": _NAMES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [begin, len(data)],
        }
    return raw(json.dumps(header), data)


def raw(header: str, data: bytes = b"", *, length: int | None = None) -> bytes:
    """A file of this header and these bytes; ``length`` is what it says of the header's length."""
    text = header.encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def described(*tensors: tuple[str, str, list[int], list[int]]) -> str:
    """The header of tensors (name, dtype, shape, offsets), whatever they say."""
    parts = [
        f"{json.dumps(name)}: "
        + json.dumps({"dtype": dtype, "shape": shape, "data_offsets": offsets})
        for name, dtype, shape, offsets in tensors
    ]
    return "{" + ", ".join(parts) + "}"


FOUR = ("a", "F32", [1], [0, 4])

BROKEN: dict[str, tuple[bytes, str]] = {
    "cut before the length": (b"\x08\0\0", "cut short"),
    "header of 100 GB": (raw("{}", length=100 << 30), "larger than any network"),
    "header beyond the end": (raw('{"a": 1}', length=4000), "longer than the file"),
    "no JSON": (raw('{"a": '), "not JSON"),
    "deep JSON": (raw('{"a":' * 50_000 + "1" + "}" * 50_000), "not JSON"),
    "a list": (raw("[]"), "not a JSON object"),
    "not a number": (raw('{"a": NaN}'), "not JSON"),
    "number of 5,000 digits": (
        raw('{"a": {"dtype": "F32", "shape": [' + "9" * 5000 + '], "data_offsets": [0, 4]}}'),
        "not JSON",
    ),
    "metadata of numbers": (raw('{"__metadata__": {"a": 1}}'), "strings"),
    "same name twice": (
        raw(described(FOUR, ("b", "F32", [1], [4, 8]), ("a", "F32", [1], [8, 12])), bytes(12)),
        "twice",
    ),
    "same field twice": (
        raw('{"a": {"dtype": "F32", "shape": [1], "shape": [9], "data_offsets": [0, 4]}}', bytes(4)),
        "twice",
    ),
    "overlap": (raw(described(FOUR, ("b", "F32", [1], [2, 6])), bytes(6)), "share"),
    "hole": (raw(described(FOUR, ("b", "F32", [1], [8, 12])), bytes(12)), "no tensor"),
    "rest": (raw(described(FOUR), bytes(90)), "no tensor"),
    "outside": (raw(described(("a", "F32", [2], [0, 8])), bytes(4)), "outside"),
    "100 GB claimed": (
        raw(described(("a", "F32", [25_000_000_000], [0, 100_000_000_000])), bytes(4)),
        "outside",
    ),
    "shape and bytes differ": (raw(described(("a", "F32", [9], [0, 4])), bytes(4)), "not fit"),
    "backwards": (raw(described(("a", "F32", [1], [4, 0])), bytes(4)), "not fit"),
    "negative shape": (raw(described(("a", "F32", [-1], [0, 4])), bytes(4)), "no proper shape"),
    "shape of words": (
        raw('{"a": {"dtype": "F32", "shape": ["1"], "data_offsets": [0, 4]}}', bytes(4)),
        "no proper shape",
    ),
    "true for a number": (
        raw('{"a": {"dtype": "F32", "shape": [true], "data_offsets": [0, 4]}}', bytes(4)),
        "no proper shape",
    ),
    "1,000 dimensions": (
        raw(described(("a", "F32", [1] * 1000, [0, 4])), bytes(4)),
        "no proper shape",
    ),
    "unknown dtype": (raw(described(("a", "PICKLE", [1], [0, 4])), bytes(4)), "unknown dtype"),
    "no dtype": (raw('{"a": {"shape": [1], "data_offsets": [0, 4]}}', bytes(4)), "not described"),
    "too many tensors": (
        raw(
            "{" + ",".join(
                f'"{n}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}' for n in range(20_001)
            ) + "}"
        ),
        "more tensors",
    ),
}  # fmt: skip
