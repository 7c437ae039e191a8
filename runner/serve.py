"""``bookwiz-runner serve``: evaluations in on stdin, progress and outcomes out on stdout, as JSON lines.

One at a time. Nothing else ever reaches stdout: the real one is moved away before anything that
could print is imported. Ends at end of file, and with its parent.
"""

import json
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, BinaryIO

from runner.plain_text import cleaned
from runner.sandbox.cell import Cell
from runner.sandbox.confine import die_with_parent

if TYPE_CHECKING:
    from runner.contract import Progress


def serve() -> None:
    """Serve until stdin ends."""
    if sys.platform == "linux":
        die_with_parent(os.getppid())
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # The first cell begins its imports before this process does: they take their time together.
    spare = Cell()
    try:
        with out:
            _answer(sys.stdin.buffer, out, spare)
    finally:
        spare.close()


def _answer(lines: Iterable[bytes], out: BinaryIO, spare: Cell) -> None:
    """Answer each of ``lines`` on ``out``; ``spare`` is the first evaluation's cell."""
    from pydantic import ValidationError

    from runner import host
    from runner.analyses import running
    from runner.contract import Evaluation
    from runner.evaluate import Evaluator
    from runner.formats import admission
    from runner.gpus import gpus
    from runner.sandbox.tier import prove, unsafe_allowed

    tier = prove().tier
    evaluator = Evaluator(tier, allow_none=unsafe_allowed(), spare=spare)

    def say(**words: Any) -> None:
        out.write(json.dumps(words).encode() + b"\n")

    def report(progress: "Progress") -> None:
        say(progress=progress.model_dump(mode="json"))

    try:
        evaluator.prepare()
        say(
            hello={
                "runner": host.runner_name(),
                "tier": tier,
                "hardware": host.hardware(),
                "versions": host.versions(),
                "formats": admission.formats_opened(tier),
                "purposes": running.purposes(tier),
                "gpus": gpus(),
            }
        )
        for line in lines:
            try:
                evaluation = Evaluation.model_validate_json(line)
            except ValidationError as error:
                # Nobody to answer: without a submission there is no outcome.
                say(error=cleaned(error.errors(include_url=False, include_input=False)))
                continue
            outcome = evaluator.evaluate(evaluation, report)
            say(outcome=outcome.model_dump(mode="json"))
            evaluator.prepare()
    finally:
        evaluator.close()
