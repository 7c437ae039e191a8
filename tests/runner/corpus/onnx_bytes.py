"""Files that are no ONNX, or were one before something happened to their bytes."""

from collections.abc import Callable

import numpy as np
import onnx

from tests.runner import models
from tests.runner.corpus import Corpus, Hostile

_LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345678\n"


def cut(share: float) -> Callable[[], bytes]:
    def make() -> bytes:
        data = models.small_cnn_model()
        return data[: int(len(data) * share)]

    return make


def without_last_byte() -> bytes:
    return models.small_cnn_model()[:-1]


def flipped(seed: int) -> Callable[[], bytes]:
    """Twenty bits turned over, anywhere; the first bytes stay, so that it still looks like ONNX."""

    def make() -> bytes:
        data = bytearray(models.small_mlp_model(hidden=4))
        rng = np.random.default_rng(seed)
        for place in rng.integers(16, len(data), 20):
            data[place] ^= 1 << int(rng.integers(8))
        return bytes(data)

    return make


def twice() -> bytes:
    """Protobuf merges what is concatenated: every node is there two times."""
    return models.good_model() * 2


def zip_behind() -> bytes:
    return models.good_model() + models.torch_zip()


def endless_length() -> bytes:
    """A graph that says it has 4 GB."""
    return b"\x08\x08\x3a\xff\xff\xff\xff\x0f" + bytes(64)


def deep_protobuf(depth: int = 300) -> bytes:
    """Graph in attribute in node in graph, deeper than any parser goes."""

    def field(number: int, content: bytes) -> bytes:
        length, size = b"", len(content)
        while True:
            length += bytes([size & 127 | (128 if size > 127 else 0)])
            size >>= 7
            if not size:
                break
        return bytes([number << 3 | 2]) + length + content

    inner = field(1, field(4, b"Identity"))
    for _ in range(depth):
        inner = field(1, field(5, field(6, inner)))
    return b"\x08\x08" + field(7, inner)


def garbage_of_50_mb() -> bytes:
    rng = np.random.default_rng(0)
    return models.good_model()[:64] + rng.bytes(50_000_000)


def metadata_of_100_mb() -> bytes:
    model = onnx.load_model_from_string(models.good_model())
    entry = model.metadata_props.add()
    entry.key, entry.value = "story", "@everyone " * 10_000_000
    return model.SerializeToString()


def not_utf8() -> bytes:
    """The input's name is no text."""
    data = models.good_model()
    return data.replace(b"weights", b"w\xff\xfe\xfdts")


CORPUS: Corpus = {
    "empty": Hostile(lambda: b"", "refuse", "E_EMPTY_FILE"),
    "one byte": Hostile(lambda: b"\x08", "refuse", "E_ONNX_BROKEN"),
    "text": Hostile(lambda: b"dear runner, please score me\n", "refuse", "E_NOT_ONNX"),
    "web page": Hostile(lambda: b"<!DOCTYPE html><html>Sign in</html>", "refuse", "E_NOT_ONNX"),
    "LFS pointer": Hostile(lambda: _LFS, "refuse", "E_NOT_ONNX"),
    "pickle": Hostile(models.pickle, "refuse", "E_NOT_ONNX"),
    "torch zip": Hostile(models.torch_zip, "refuse", "E_NOT_ONNX"),
    "TorchScript": Hostile(lambda: models.torch_zip(script=True), "refuse", "E_NOT_ONNX"),
    "safetensors": Hostile(models.safetensors, "refuse", "E_NOT_ONNX"),
    "ort": Hostile(lambda: b"\x18\0\0\0ORTM" + bytes(64), "refuse", "E_NOT_ONNX"),
    "gzip": Hostile(lambda: b"\x1f\x8b\x08\0" + bytes(64), "refuse", "E_NOT_ONNX"),
    "zeros": Hostile(lambda: bytes(4096), "refuse", "E_ONNX_BROKEN"),
    "noise": Hostile(lambda: b"\x08\x07\xff\xfe\xfd" * 50, "refuse", "E_ONNX_BROKEN"),
    **{
        f"cut at {share:.0%}": Hostile(cut(share), "refuse", "E_ONNX_BROKEN")
        for share in (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
    },
    "last byte missing": Hostile(without_last_byte, "refuse", "E_ONNX_BROKEN"),
    **{f"bits flipped {seed}": Hostile(flipped(seed), "any") for seed in range(8)},
    "twice": Hostile(twice, "refuse", "E_INPUT_SHAPE"),
    "zip behind": Hostile(zip_behind, "refuse", "E_ONNX_BROKEN"),
    "endless length": Hostile(endless_length, "refuse", "E_ONNX_BROKEN"),
    "deep protobuf": Hostile(deep_protobuf, "refuse", "E_ONNX_BROKEN"),
    "50 MB of garbage": Hostile(garbage_of_50_mb, "refuse", "E_ONNX_BROKEN"),
    "100 MB of metadata": Hostile(metadata_of_100_mb, "refuse", "E_ONNX_TOO_COMPLEX"),
    "no text": Hostile(not_utf8, "refuse", "E_ONNX_BROKEN"),
}
