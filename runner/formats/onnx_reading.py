"""All that is looked at in an ONNX file before it is loaded: corner by corner, without running it.

Runs inside the sandbox only.
"""

from typing import Any

from runner.formats import onnx_walk
from runner.formats.onnx_flops import flops
from runner.formats.onnx_metadata import declared_output, declared_preprocessing, read_metadata
from runner.formats.onnx_signature import read_signature
from runner.formats.signature import ImageShape, Signature
from runner.plain_text import cleaned


def read_onnx(words: dict[str, Any], data: bytes) -> tuple[Signature, dict[str, Any]]:
    """Return how a model is fed and what can be said of it. Raises Refusal for what will not do.

    ``words`` is a job: height, width, channels, task, classes, declared, limits.
    """
    image = ImageShape(words["height"], words["width"], words["channels"])
    model = onnx_walk.parse(data)
    census = onnx_walk.walk(model, memory=words["limits"]["memory"])
    metadata = read_metadata(model)
    how = declared_preprocessing(metadata, words["declared"]["preproc"], channels=words["channels"])
    signature = read_signature(model, image, how=how, task=words["task"], classes=words["classes"])
    facts = {
        "parameters": census.parameters,
        "opset": max(o.version for o in model.opset_import if o.domain in ("", "ai.onnx")),
        "input": cleaned(signature.words(image)),
        "flops": flops(model, signature.name, signature.shape(signature.batch or 1, image)),
        "producer": cleaned(f"{model.producer_name} {model.producer_version}", 60),
        "output": declared_output(model, metadata, words["task"]),
    }
    return signature, facts
