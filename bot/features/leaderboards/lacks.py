"""What a runner would need that nobody has connected, in the words of who reads it."""

from runner.needs import GPU_LINE, Need, parts_of

_FORMATS = {"safetensors": "safetensors", "torchscript": "TorchScript", "pt2": ".pt2 files"}


def for_member(queue: str, *, format: str, purpose: str) -> str:
    """Such as "No runner that can open TorchScript is connected just now"."""
    line, needs = _parts(queue)
    words = ["with a GPU"] if line == GPU_LINE else []
    if "torch" in needs:
        words.append(f"that can open {_FORMATS[format]}")
    if purpose == "quantize":
        words.append("that can quantise models")
    elif "full" in needs and format in {"onnx", "safetensors"}:  # others ask for it themselves
        words.append("in the full sandbox that this benchmark asks for")
    return " ".join(("No runner", *words, "is connected just now"))


def for_moderators(queue: str) -> tuple[str, str]:
    """The line, and such as "PyTorch and every wall (tier full)": what its runner's host would need."""
    line, needs = _parts(queue)
    words = ["a GPU"] if line == GPU_LINE else []
    words += ["PyTorch"] if "torch" in needs else []
    words += ["every wall (tier full)"] if "full" in needs else []
    return line, " and ".join(words)


def _parts(queue: str) -> tuple[str, frozenset[Need]]:
    parts = parts_of(queue)
    assert parts is not None, "marks are names of ours"
    return parts
