"""``python -m bench [NAME]…``: measure, print a table, and write it to docs/benchmarks.md."""

import importlib
import os
import platform
import sys
import traceback
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.figures import Figure, table

BENCHES = (
    "evaluation",
    "metrics",
    "refusals",
    "answer",
    "commands",
    "platforms",
    "resident",
    "recovery",
    "burst",
)
_PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
_HEAD = """# Benchmarks

Written by `make bench`. Each ratio was measured in one run on one machine, both sides minutes apart
at most; compare ratios between machines, not seconds. *Efficiency* is what an evaluation reached,
from the first input byte to the last prediction, over bare `session.run` of the member's own graph
on a resident batch with the same threads, strewn among the same job's batches.

"""


def main() -> int:
    wanted = sys.argv[1:] or list(BENCHES)
    unknown = set(wanted) - set(BENCHES)
    if unknown:
        print(
            f"There is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}."
        )
        return 2
    figures: list[Figure] = []
    for name in wanted:
        print(f"{name} …", flush=True)
        measured = measured_by(name)
        print(table(measured), "\n", flush=True)
        figures += measured
    if not sys.argv[1:]:
        _PAGE.write_text(f"{_HEAD}{_machine()}\n\n{table(figures)}\n")
        print(f"wrote docs/{_PAGE.name}")
    return 0 if all(f.good is not False for f in figures) else 1


def measured_by(name: str) -> list[Figure]:
    """Return what a benchmark measured; where it broke, a line that says so and is not good."""
    try:
        figures: list[Figure] = importlib.import_module(f"bench.{name}").measure()
    except Exception as error:  # noqa: BLE001 - whatever it is, the other benchmarks have their lines
        traceback.print_exc()
        words = " ".join(f"{type(error).__name__}: {error}".split()).replace("|", "/")
        return [Figure(f"{name}: not measured, it broke", words[:120], "", False)]
    return figures


def _machine() -> str:
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()}-core {platform.machine()} CPU, Python {platform.python_version()}, "
        f"ONNX Runtime {version('onnxruntime')}, SQLAlchemy {version('sqlalchemy')}."
    )


if __name__ == "__main__":
    sys.exit(main())
