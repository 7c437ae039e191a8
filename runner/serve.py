"""``bookwiz-runner serve``: evaluations in on stdin, progress and outcomes out on stdout, as JSON lines.

One at a time. Nothing else ever reaches stdout: the real one is moved away before anything that
could print is imported. Ends at end of file, and with its parent.
"""

import json
import logging
import os
import sys
from collections.abc import Iterable
from typing import Any, BinaryIO

from pydantic import ValidationError

from runner import host
from runner.contract import Evaluation, Progress
from runner.evaluate import Evaluator
from runner.plain_text import cleaned
from runner.sandbox.cell import Cell
from runner.sandbox.confine import die_with_parent
from runner.sandbox.tier import prove, unsafe_allowed

log = logging.getLogger(__name__)


def serve() -> None:
    """Serve until stdin ends."""
    if sys.platform == "linux":
        die_with_parent(os.getppid())
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with out:
        _answer(sys.stdin.buffer, out)


def _answer(lines: Iterable[bytes], out: BinaryIO) -> None:
    spare = Cell()  # its imports and the probes take their time together
    tier = prove().tier
    evaluator = Evaluator(tier, allow_none=unsafe_allowed(), spare=spare)

    def say(**words: Any) -> None:
        out.write(json.dumps(words).encode() + b"\n")

    def report(progress: Progress) -> None:
        say(progress=progress.model_dump(mode="json"))

    try:
        evaluator.prepare()
        say(
            hello={
                "runner": host.runner_name(),
                "tier": tier,
                "hardware": host.hardware(),
                "versions": host.versions(),
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
