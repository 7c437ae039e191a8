"""What is known of each image, from a CSV or JSON file by file name: night, camera, source.

CSV: a head with ``file`` first, then a column for each attribute. JSON: ``{"a.png": {"light":
"night"}, …}``. A name may have its folder (``cat/1.png``) or not.
"""

import csv
import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from runner.datasets.source import DatasetError

_MOST = 32  # attributes
_MOST_BYTES = 200_000_000
UNKNOWN = "unknown"
_SHOWN = 5


def attributes_of(
    path: Path, names: Sequence[str], where: str
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Return the words of each attribute for the images ``names``, and doubts.

    An image that the file does not name is "unknown". Raises DatasetError.
    """
    if not names:
        raise DatasetError(
            f"{where}: its images have no file names that --attributes could name; an .npz holds "
            "them as attribute_NAME"
        )
    table = _read(path)
    attributes = list(dict.fromkeys(key for said in table.values() for key in said))
    if not attributes or len(attributes) > _MOST:
        raise DatasetError(
            f"{path.name}: {len(attributes)} attributes, expected 1 to {_MOST} beside the file name"
        )
    by_base: dict[str, dict[str, str]] = {}
    for name, said in table.items():
        by_base.setdefault(PurePosixPath(name).name, said)
    found = [table.get(name) or by_base.get(PurePosixPath(name).name) for name in names]
    missing = [name for name, said in zip(names, found, strict=True) if said is None]
    if len(missing) == len(names):
        raise DatasetError(
            f"{path.name} names none of the images of {where}; {names[0]} for one is not there"
        )
    warnings = []
    if missing:
        some = ", ".join(missing[:_SHOWN])
        warnings.append(f"{len(missing)} images are not in {path.name}: {some}")
    return {
        key: tuple((said or {}).get(key, UNKNOWN) for said in found) for key in attributes
    }, tuple(warnings)


def _read(path: Path) -> dict[str, dict[str, str]]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DatasetError(f"{path.name} is larger than {_MOST_BYTES // 1_000_000} MB")
        text = path.read_text("utf-8-sig")
        return _json(text) if path.suffix.lower() == ".json" else _csv(text, path.name)
    except (OSError, UnicodeDecodeError, ValueError, RecursionError, csv.Error) as error:
        raise DatasetError(f"{path.name}: cannot be read ({error})") from error


def _json(text: str) -> dict[str, dict[str, str]]:
    said: Any = json.loads(text)
    if not isinstance(said, dict) or not all(isinstance(v, dict) for v in said.values()):
        raise ValueError('expected {"a.png": {"light": "night"}, …}')
    return {
        str(name): {_word(key): _word(value) for key, value in values.items()}
        for name, values in said.items()
    }


def _csv(text: str, where: str) -> dict[str, dict[str, str]]:
    rows = [row for row in csv.reader(text.splitlines()) if row]
    if not rows or rows[0][0].strip().lower() not in ("file", "file_name", "filename", "image"):
        raise DatasetError(f"{where}: its first line must be: file,ATTRIBUTE,…")
    head = [_word(cell) for cell in rows[0][1:]]
    return {
        row[0].strip(): dict(zip(head, (_word(cell) for cell in row[1:]), strict=False))
        for row in rows[1:]
    }


def _word(value: Any) -> str:
    return " ".join(str(value).split())[:60] or UNKNOWN
