"""Decides by a file's first and last bytes whether a runner may open it at all. Parses nothing.

This is the trusted side's word before a cell gets the file. Loading TorchScript or a ``.pt2`` runs
code that the file brings (torch.export falls back to pickles), so these two ask for every wall.
"""

from importlib.util import find_spec

from runner.codes import EXPORT
from runner.contract import Declared, Evaluation, Format, Tier
from runner.failures import Refusal
from runner.formats import architectures, sniff

PROGRAMS: frozenset[Format] = frozenset({"torchscript", "pt2"})
NAMES: dict[Format, str] = {
    "onnx": "an ONNX model",
    "safetensors": "safetensors weights",
    "torchscript": "a TorchScript archive",
    "pt2": "a torch.export archive (.pt2)",
}


def has_torch() -> bool:
    """Return whether PyTorch is installed here, without importing it."""
    return find_spec("torch") is not None


def formats_opened(tier: Tier) -> tuple[Format, ...]:
    """Return what a runner of ``tier`` opens, best first: what it announces of itself."""
    if not has_torch():
        return ("onnx",)
    if tier == "full":
        return ("onnx", "safetensors", "torchscript", "pt2")
    return ("onnx", "safetensors")


def purpose_of(format: Format) -> str:
    """Return the purpose of the cell that runs files of ``format``."""
    return "predict" if format == "onnx" else "torch"


def words_of(evaluation: Evaluation) -> str:
    """Such as "safetensors (resnet18)"."""
    if evaluation.format == "safetensors":
        return f"safetensors ({evaluation.declared.architecture})"
    return evaluation.format


def refuse_unless_opened(format: Format, declared: Declared, *, tier: Tier) -> None:
    """Refuse what this runner does not open. Raises Refusal: E_NO_TORCH, E_TIER, E_ARCHITECTURE."""
    if format == "onnx":
        return
    if not has_torch():
        raise Refusal("E_NO_TORCH", got=NAMES[format])
    if format in PROGRAMS and tier != "full":
        raise Refusal("E_TIER", got=f"{NAMES[format]} on a runner of tier {tier}")
    if format == "safetensors":
        architectures.named(declared.architecture)


def refuse_another_format(head: bytes, tail: bytes, format: Format) -> None:
    """Refuse a file that is not of ``format`` by its bytes. Raises Refusal: E_NOT_ONNX, E_FORMAT."""
    found = sniff.format_of(head, tail)
    if found == format:
        return
    if format == "onnx":
        raise Refusal("E_NOT_ONNX", got=sniff.what_is_it(head) or "another kind of file")
    got = NAMES[found] if found else sniff.what_is_it(head) or "a file that no runner takes"
    fix = f"Say in the form that it is {NAMES[found]}." if found else EXPORT
    raise Refusal("E_FORMAT", expected=NAMES[format], got=got, fix=fix)
