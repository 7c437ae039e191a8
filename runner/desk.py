"""``bookwiz-runner desk``: errands in on stdin, answers out on stdout, as JSON lines.

The trusted side: it reads labels and what runners predicted, and never runs a model; what it has to
open of one, it opens in a cell. A line is
``{"id": …, "errand": {…}}``; the answer ``{"id": …, "done": {…}}`` or ``{"id": …, "failure": {…}}``.
Ends at end of file, and with its parent.
"""

import json
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.sandbox.confine import die_with_parent

if TYPE_CHECKING:
    from runner.contract import Plain

log = logging.getLogger(__name__)

#: which function carries out which kind of errand: called with a Desk and the errand, it returns
#: the answer. Imported when first asked for, so that scoring never waits for matplotlib.
ERRANDS = {
    "score": "runner.scoring:carry_out",
    "rank": "runner.ranking.ties:carry_out",
    "compare": "runner.ranking.compare:carry_out",
    "reveal": "runner.ranking.reveal:carry_out",
    "report": "runner.report.page:carry_out",
    "analysis": "runner.report.analysis:carry_out",
    "dataset": "runner.datasets.eda:carry_out",
    "starter": "runner.starters.writing:carry_out",
    "look": "runner.preflight:carry_out",
}


@dataclass(frozen=True)
class Desk:
    """Where an errand finds its files."""

    files: Path  #: content-addressed: ``ab/ab12…``
    datasets: Path

    def file(self, sha256: str) -> Path:
        """Return where the file of that hash is, or would be."""
        return self.files / sha256[:2] / sha256

    def read(self, sha256: str, *, what: str, most: int, size: int | None = None) -> bytearray:
        """Return a file that a runner made. Raises Refusal as ``runner.opening.named`` does."""
        from runner import opening

        return opening.named(self.file(sha256), sha256, what=what, most=most, size=size)


def serve(files: Path, datasets: Path) -> None:
    """Serve until stdin ends."""
    if sys.platform == "linux":
        die_with_parent(os.getppid())
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    desk = Desk(files, datasets)
    with out:
        out.write(b'{"hello": "desk"}\n')
        for line in sys.stdin.buffer:
            out.write(json.dumps(answer(desk, line)).encode() + b"\n")


def answer(desk: Desk, line: bytes) -> dict[str, Any]:
    """Return the answer to one line. Never raises."""
    from pydantic import TypeAdapter, ValidationError

    from runner.errands import Errand
    from runner.evaluate import failure_of
    from runner.failures import Refusal

    number = None
    try:
        said = json.loads(line)
        number = said["id"]
        errand = TypeAdapter[Any](Errand).validate_python(said["errand"])
        done = carry_out(desk, errand)
    except (ValueError, KeyError, TypeError) as error:
        if not isinstance(error, ValidationError):
            log.exception("errand broke")
        refusal = Refusal("E_RUNNER_BUG", got=f"{type(error).__name__}")
    except Refusal as found:
        refusal = found
    except Exception as error:
        log.exception("errand broke")
        refusal = Refusal("E_RUNNER_BUG", got=type(error).__name__)
    else:
        return {"id": number, "done": done.model_dump(mode="json")}
    return {"id": number, "failure": failure_of(refusal).model_dump(mode="json")}


def carry_out(desk: Desk, errand: Any) -> "Plain":
    """Do one errand. Raises Refusal."""
    module, _, name = ERRANDS[errand.kind].partition(":")
    run: Callable[[Desk, Any], Plain] = getattr(import_module(module), name)
    return run(desk, errand)
