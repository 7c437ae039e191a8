"""What a file is, by its first bytes: a kind word before the queue. The runner decides for real."""

from bot.kit.command import Refusal

EXPORT = (
    "Export it to ONNX: model.eval(); "
    'torch.onnx.export(model, torch.zeros(1, C, H, W), "model.onnx", input_names=["image"], '
    'dynamic_axes={"image": {0: "batch"}})'
)
_KINDS = (
    (b"PK\x03\x04", "a zip archive, such as a PyTorch .pt or .pth"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"\x89HDF", "an HDF5 file, such as Keras' .h5"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\x7fELF", "a program"),
    (b"\x93NUMPY", "a NumPy array"),
)
_IR_VERSION = 0x08  # the tag of ModelProto.ir_version, field 1, which every exporter writes first
_NEWEST_IR = 64


def refuse_what_is_no_model(head: bytes) -> None:
    """Refuse a file that cannot be ONNX.

    Raises:
        Refusal: With what it seems to be, and how to export a model.
    """
    if len(head) > 2 and head[0] == _IR_VERSION and head[1] < _NEWEST_IR:  # noqa: PLR2004
        return
    raise Refusal(
        "This file is not an ONNX model.",
        code="E_NOT_ONNX",
        expected="an .onnx file",
        got=_what(head),
        fix=EXPORT,
        field="file",
    )


def _what(head: bytes) -> str:
    for magic, kind in _KINDS:
        if head.startswith(magic):
            return kind
    start = head.lstrip()[:200].lower()
    if start.startswith((b"<!doctype", b"<html")):
        return "a web page (was it saved from a download link that asks to sign in?)"
    if len(head) > 16 and head[8:9] == b"{":  # noqa: PLR2004 - safetensors: 8 bytes of length, then JSON
        return "a safetensors file"
    try:
        head.decode()
    except UnicodeDecodeError:
        return "a file of an unknown kind"
    return "a text file"
