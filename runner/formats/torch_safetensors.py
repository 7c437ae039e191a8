"""Reads the header of a safetensors file and compares it with an architecture, before any loading.

The format (github.com/huggingface/safetensors): eight bytes of length, little-endian; a JSON object
of that length, name → {dtype, shape, data_offsets}, with ``__metadata__`` of strings; then the bytes
of all tensors, without holes. Runs inside the sandbox only; needs no PyTorch.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from runner.failures import Refusal
from runner.plain_text import cleaned

MOST_HEADER = 8_000_000  # bytes; a network of a thousand layers has some 200 kB
MOST_TENSORS = 20_000
_MOST_DIMS = 8
_LENGTH = 8
_BYTES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1,
    "BOOL": 1, "U16": 2, "U32": 4, "U64": 8, "F8_E4M3": 1, "F8_E5M2": 1,
}  # fmt: skip
_FLOATS = {"F64", "F32", "F16", "BF16"}
_WHOLES = {"I64", "I32"}
_TOLD = 5


@dataclass(frozen=True)
class Stored:
    """One tensor as the header describes it."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Header:
    """What a file holds. ``metadata`` is the file's own word."""

    tensors: dict[str, Stored]
    metadata: dict[str, str]


def _broken(problem: str, got: object = "") -> Refusal:
    return Refusal("E_SAFETENSORS_BROKEN", problem, got=cleaned(got, 120))


def read_header(data: bytes) -> Header:
    """Return the header of a whole file. Raises Refusal (E_SAFETENSORS_BROKEN)."""
    if len(data) < _LENGTH:
        raise _broken("The file is cut short.", f"{len(data)} bytes")
    length = int.from_bytes(data[:_LENGTH], "little")
    if length > MOST_HEADER:
        raise _broken("The header is larger than any network needs.", f"{length} bytes")
    if _LENGTH + length > len(data):
        raise _broken("The header is longer than the file.", f"{length} of {len(data)} bytes")
    try:
        said = json.loads(
            data[_LENGTH : _LENGTH + length], object_pairs_hook=_once, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        raise _broken("The header is not JSON.") from None
    if not isinstance(said, dict):
        raise _broken("The header is not a JSON object.", type(said).__name__)
    metadata = said.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise _broken("__metadata__ is not an object of strings.")
    if len(said) > MOST_TENSORS:
        raise _broken("The file has more tensors than any network needs.", len(said))
    places = {name: _described(name, words) for name, words in said.items()}
    _refuse_bad_places(places, len(data) - _LENGTH - length)
    return Header({name: stored for name, (stored, _, _) in places.items()}, metadata)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):  # a second entry would be what is loaded, the first what is checked
        seen: set[str] = set()
        name = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _broken("A name appears twice in the header.", name)
    return found


def _no_constant(word: str) -> None:
    raise ValueError(word)


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 62


def _described(name: str, words: Any) -> tuple[Stored, int, int]:
    fields = {"dtype", "shape", "data_offsets"}
    if not isinstance(words, dict) or words.keys() != fields:
        raise _broken("A tensor is not described by dtype, shape and data_offsets.", name)
    dtype, shape, offsets = words["dtype"], words["shape"], words["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _BYTES:
        raise _broken("A tensor has an unknown dtype.", f"{cleaned(name, 60)}: {dtype}")
    good = isinstance(shape, list) and len(shape) <= _MOST_DIMS and all(map(_is_count, shape))
    if not good:
        raise _broken("A tensor has no proper shape.", name)
    if not (isinstance(offsets, list) and len(offsets) == 2 and all(map(_is_count, offsets))):  # noqa: PLR2004
        raise _broken("A tensor has no proper data_offsets.", name)
    begin, end = offsets
    if end - begin != prod(shape) * _BYTES[dtype]:
        got = f"{cleaned(name, 60)}: {prod(shape) * _BYTES[dtype]} bytes in {end - begin}"
        raise _broken("A tensor's shape does not fit its bytes.", got)
    return Stored(dtype, tuple(shape)), begin, end


def _refuse_bad_places(places: Mapping[str, tuple[Stored, int, int]], room: int) -> None:
    """Refuse tensors that overlap, leave holes or lie outside the ``room`` bytes after the header."""
    reached = 0
    for name, (_, begin, end) in sorted(places.items(), key=lambda item: item[1][1:]):
        if end > room:
            got = f"{cleaned(name, 60)}: byte {end} of {room}"
            raise _broken("A tensor lies outside the file.", got)
        if begin < reached:
            raise _broken("Two tensors share their bytes.", name)
        if begin > reached:
            raise _broken("There are bytes that belong to no tensor.", f"before {name}")
        reached = end
    if reached != room:
        raise _broken("There are bytes that belong to no tensor.", f"{room - reached} at the end")


def refuse_unless_same(wanted: Mapping[str, Stored], header: Header) -> None:
    """Refuse weights that are not exactly those of the architecture, telling what differs.

    Floats may be stored in any width, for they are computed in float32. Batch norms' counters of
    batches may be missing: nothing is predicted with them. Raises Refusal (E_WEIGHTS).
    """
    there = header.tensors
    missing = [
        name for name in wanted if name not in there and not name.endswith("num_batches_tracked")
    ]
    unexpected = [name for name in there if name not in wanted]
    shapes = [
        f"{name} {list(there[name].shape)} instead of {list(stored.shape)}"
        for name, stored in wanted.items()
        if name in there and there[name].shape != stored.shape
    ]
    types = [
        f"{name} {there[name].dtype}"
        for name, stored in wanted.items()
        if name in there and not _same_kind(there[name].dtype, stored.dtype)
    ]
    found = [
        f"{words}: {_first(names)}"
        for words, names in (
            ("other shape", shapes),
            ("missing", missing),
            ("unexpected", unexpected),
            ("other type", types),
        )
        if names
    ]
    if found:
        raise Refusal(
            "E_WEIGHTS", expected=f"{len(wanted)} tensors of the architecture",
            got="; ".join(found), fix=_prefix(missing, unexpected),
        )  # fmt: skip


def _same_kind(stored: str, wanted: str) -> bool:
    kinds = _FLOATS if wanted in _FLOATS else _WHOLES
    return stored in kinds


def _first(names: list[str]) -> str:
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    return ", ".join(cleaned(name, 80) for name in names[:_TOLD]) + more


def _prefix(missing: list[str], unexpected: list[str]) -> str:
    """Return how to mend names that only a wrapper's prefix makes different."""
    for name in unexpected:
        head, dot, tail = name.partition(".")
        if dot and tail in missing:
            word = cleaned(head, 40)
            return (
                f"Every name begins with '{word}.': save the inner module's state_dict "
                "(DataParallel: `model.module.state_dict()`)."
            )
    return ""
