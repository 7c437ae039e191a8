"""What this machine and its software are called, on cards and in hellos."""

import os
import platform
import socket
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from runner.contract import LONGEST_NAME

_SHOWN = ("bookwiz", "numpy", "onnx", "onnxruntime")


def runner_name() -> str:
    """Return the host's name, which a moderator will recognise."""
    return (os.environ.get("BOOKWIZ_RUNNER_NAME") or socket.gethostname() or "runner")[
        :LONGEST_NAME
    ]


def hardware() -> str:
    """Return such as "2-core x86_64 CPU"."""
    return f"{len(os.sched_getaffinity(0))}-core {platform.machine()} CPU"


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    found = [("python", platform.python_version())]
    for name in _SHOWN:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return tuple(found)


def versions() -> dict[str, str]:
    """Return the versions that can change a score."""
    return dict(_versions())
