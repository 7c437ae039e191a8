"""Which analysis an evaluation asks for."""

from collections.abc import Callable
from typing import get_args

from runner.analyses import quantize, robustness, saliency
from runner.analyses.runs import File, Runs
from runner.contract import Evaluation, Purpose, Tier
from runner.failures import Refusal

_ANALYSES: dict[Purpose, Callable[[Runs], list[File]]] = {
    "robustness": robustness.run,
    "saliency": saliency.run,
    "quantize": quantize.run,
}


def refuse_unless_possible(evaluation: Evaluation, *, tier: Tier) -> None:
    """Refuse what no time would make possible. Raises Refusal (E_ANALYSIS)."""
    if evaluation.purpose == "saliency" and evaluation.task != "classification":
        raise Refusal(
            "E_ANALYSIS",
            "Saliency is for classification: boxes and masks already say where they look.",
            expected="a classification benchmark",
            got=evaluation.task,
            fix="Try /analysis errors or /analysis robustness.",
        )
    if evaluation.purpose != "quantize":
        return
    if evaluation.format != "onnx":
        raise Refusal(
            "E_ANALYSIS",
            "Only ONNX files are quantised here.",
            expected="an ONNX model",
            got=evaluation.format,
            fix="Export the model to ONNX and submit that.",
        )
    if tier != "full":
        # The quantiser writes files, and nothing but a private tmpfs bounds how much.
        raise Refusal(
            "E_ANALYSIS",
            "Quantising asks for a runner with all walls.",
            expected="a runner of tier full",
            got=f"one of tier {tier}",
            fix="Ask the moderators: `bookwiz-runner probe` says what is missing on the runner.",
        )


def purposes(tier: Tier) -> tuple[Purpose, ...]:
    """Return what a runner of ``tier`` can run a model for: what it announces of itself."""
    return tuple(p for p in get_args(Purpose) if p != "quantize" or tier == "full")


def run(purpose: Purpose, runs: Runs) -> list[File]:
    """Return the files of one analysis (see the package). Raises Refusal."""
    return _ANALYSES[purpose](runs)
