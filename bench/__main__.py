"""``python -m bench [NAME]…``: measure, print a table, and write it to docs/benchmarks.md."""

import importlib
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.figures import Figure, table

BENCHES = ("evaluation", "metrics", "refusals", "answer", "commands", "resident")
_PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
_HEAD = """# Benchmarks

Written by `make bench`. Each ratio was measured in one run on one machine, both sides minutes apart
at most; compare ratios between machines, not seconds. *Efficiency* is what an evaluation reached,
from the first input byte to the last prediction, over bare `session.run` of the member's own graph
on a resident batch with the same threads, measured in the same job.

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
        measured = importlib.import_module(f"bench.{name}").measure()
        print(table(measured), "\n", flush=True)
        figures += measured
    if not sys.argv[1:]:
        _PAGE.write_text(f"{_HEAD}{_machine()}\n\n{table(figures)}\n")
        print(f"wrote {_PAGE.relative_to(Path.cwd())}")
    return 0 if all(f.good is not False for f in figures) else 1


def _machine() -> str:
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()}-core {platform.machine()} CPU, Python {platform.python_version()}, "
        f"ONNX Runtime {version('onnxruntime')}, SQLAlchemy {version('sqlalchemy')}."
    )


sys.exit(main())
