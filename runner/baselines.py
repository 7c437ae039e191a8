"""The digits benchmark of the demo: real handwriting that scikit-learn carries, and two first entries.

scikit-learn is imported here only, and only by the command that makes these files.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from runner.formats.preprocessing import KEY
from runner.handwriting import attributes, elsewhere

NAME = "Digits"
LICENCE = "CC BY 4.0"
SOURCE = (
    "Alpaydin & Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine Learning "
    "Repository, https://doi.org/10.24432/C50P49, as bundled with scikit-learn"
)
SPLITS = {"train": 897, "dev": 200, "board": 500, "shadow": 200}
_SEED = 20240501
_OPSET, _IR = 17, 8  # old enough for every ONNX Runtime that is still in use
_HIDDEN = 64
_WHITE = 16  # load_digits counts 0 to 16 dark pixels in each 4×4 block


@dataclass(frozen=True)
class DigitsFiles:
    """Where the files lie: npz of each split, and the two models by name."""

    splits: dict[str, Path]
    models: dict[str, Path]


def write_digits(folder: Path) -> DigitsFiles:
    """Write four npz files and two ONNX models to ``folder``; the same bytes every time.

    The shadow is what other pens and scanners would have made of its digits.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts = digits()
    parts["shadow"] = (elsewhere(parts["shadow"][0]), parts["shadow"][1])
    splits = {}
    for name, (images, labels) in parts.items():
        splits[name] = folder / f"{name}.npz"
        classes = np.array([str(digit) for digit in range(10)])
        arrays: dict[str, Any] = {"images": images, "labels": labels, "classes": classes}
        arrays |= {f"attribute_{key}": words for key, words in attributes(images).items()}
        np.savez_compressed(splits[name], **arrays)
    images, labels = parts["train"]
    models = {}
    for name, model in {
        "nearest-centroid": _nearest_centroid(images, labels),
        "small-mlp": _small_mlp(images, labels),
    }.items():
        onnx.checker.check_model(model, full_check=True)
        models[name] = folder / f"{name}.onnx"
        models[name].write_bytes(model.SerializeToString(deterministic=True))
    return DigitsFiles(splits, models)


def digits() -> dict[str, tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """Return images uint8 [n, 8, 8, 1] and labels int64 [n] of each split, stratified and seeded."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    found: Any = load_digits()
    images = np.rint(found.images * (255 / _WHITE)).astype(np.uint8)[..., None]
    labels = found.target.astype(np.int64)
    rest = np.arange(len(labels))
    parts = {}
    for name, count in list(SPLITS.items())[1:]:
        rest, taken = train_test_split(
            rest, test_size=count, stratify=labels[rest], random_state=_SEED
        )
        parts[name] = (images[taken], labels[taken])
    return {"train": (images[rest], labels[rest]), **parts}


def _nearest_centroid(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> onnx.ModelProto:
    """Return a model whose logits are −½·distance² to each class mean, in x/255; weak on purpose.

    −½‖x − m‖² is x·m − ½‖m‖² up to a term that is the same for every class: one matrix product.
    """
    pixels = _scaled(images)
    means = np.stack([pixels[labels == digit].mean(axis=0) for digit in range(10)])
    return _model(
        "nearest-centroid",
        [
            helper.make_node("Flatten", ["images"], ["pixels"]),
            helper.make_node("Gemm", ["pixels", "means", "offsets"], ["logits"]),
        ],
        {"means": means.T, "offsets": -0.5 * (means**2).sum(axis=1)},
        TensorProto.FLOAT,
    )


def _small_mlp(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> onnx.ModelProto:
    """Return a network of one hidden layer that takes pixels as they are: x/255 happens inside."""
    from sklearn.neural_network import MLPClassifier
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    fitted = MLPClassifier(
        (_HIDDEN,), solver="lbfgs", max_iter=400, alpha=1.0, tol=1e-3, random_state=_SEED
    )
    # Matrices this small are eight times slower on two threads than on one.
    with threadpool_limits(1):
        fitted.fit(_scaled(images), labels)
    (first, second), (bias1, bias2) = fitted.coefs_, fitted.intercepts_
    return _model(
        "small-mlp",
        [
            helper.make_node("Cast", ["images"], ["numbers"], to=TensorProto.FLOAT),
            helper.make_node("Flatten", ["numbers"], ["pixels"]),
            helper.make_node("Gemm", ["pixels", "weights1", "bias1"], ["sums"]),
            helper.make_node("Relu", ["sums"], ["hidden"]),
            helper.make_node("Gemm", ["hidden", "weights2", "bias2"], ["logits"]),
        ],
        # Dividing the weights by 255 once spares dividing every pixel.
        {"weights1": first / 255, "bias1": bias1, "weights2": second, "bias2": bias2},
        TensorProto.UINT8,
    )


def _scaled(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    return images.reshape(len(images), -1) / 255


def _model(
    name: str, nodes: list[onnx.NodeProto], weights: dict[str, NDArray[Any]], kind: int
) -> onnx.ModelProto:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        name,
        [value("images", kind, ["N", 8, 8, 1])],
        [value("logits", TensorProto.FLOAT, ["N", 10])],
        [numpy_helper.from_array(w.astype(np.float32), n) for n, w in weights.items()],
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR,
        producer_name="bookwiz",
    )
    if kind == TensorProto.UINT8:
        helper.set_model_props(model, {KEY: '{"layout": "NHWC"}'})
    return model
