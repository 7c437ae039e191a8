"""Hostile and broken files, made when they are needed; nobody has to keep one on disk.

One table for each kind of file (``onnx_files.CORPUS`` …); every entry goes through the preflight
check and through a whole evaluation (``tests/runner/test_corpus.py``).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Hostile:
    """A file, and what must become of it."""

    make: Callable[[], bytes]
    #: of the check; any: whatever it is, it must be nobody's fault but the file's
    verdict: Literal["accept", "refuse", "contain", "any"]
    code: str = ""  #: of the check; empty where it is accepted
    evaluated: str | None = None  #: code of the evaluation, where it is another than the check's
    format: str = "onnx"
    declared: dict[str, str] = field(default_factory=dict)  #: fields of ``contract.Declared``
    task: str = "classification"


Corpus = dict[str, Hostile]
