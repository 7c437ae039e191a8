"""Says what an uploaded file is by its first bytes, without parsing it: safe outside the sandbox."""

from runner.contract import Format
from runner.failures import Refusal

HEAD_BYTES = 4096
TAIL_BYTES = 1 << 16
_TORCH = "a PyTorch file (.pt or .pth), which is a pickle and would run code when opened"
_ZIPS = (
    (b"/constants.pkl", "a TorchScript archive"),
    (b"/code/", "a TorchScript archive"),
    (b"archive_format", "a torch.export archive (.pt2)"),
    (b"/data.pkl", _TORCH),
    (b".npy", "a numpy archive (.npz)"),
    (b"config.json", "a Keras archive"),
    (b"word/", "an office document"),
)
_MAGICS = (
    (b"\x80\x02", _TORCH),
    (b"\x80\x03", _TORCH),
    (b"\x80\x04", _TORCH),
    (b"\x80\x05", _TORCH),
    (b"\x1f\x8b", "a gzip archive: upload the model itself, unpacked"),
    (b"BZh", "a bzip2 archive: upload the model itself, unpacked"),
    (b"\xfd7zXZ", "an xz archive: upload the model itself, unpacked"),
    (b"7z\xbc\xaf", "a 7-Zip archive: upload the model itself, unpacked"),
    (b"Rar!", "a RAR archive: upload the model itself, unpacked"),
    (b"\x89HDF", "an HDF5 file, such as Keras writes"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"\x93NUMPY", "a numpy array (.npy)"),
    (b"GGUF", "a GGUF language model"),
    (b"\x7fELF", "a Linux program"),
    (b"MZ", "a Windows program"),
)
_FLATBUFFERS = {
    b"TFL3": "a TensorFlow Lite model",
    b"ORTM": "an ONNX Runtime model (.ort): upload the .onnx file that it was made from",
}
_MARKUP = (b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")


def what_is_it(head: bytes) -> str | None:
    """Return in words what ``head`` (the first 4,096 bytes) begins, or None where it may be ONNX."""
    if head.startswith(b"PK\x03\x04"):
        return next((words for mark, words in _ZIPS if mark in head), "a zip archive")
    for magic, words in _MAGICS:
        if head.startswith(magic):
            return words
    if head[4:8] in _FLATBUFFERS:
        return _FLATBUFFERS[head[4:8]]
    if _is_safetensors(head):
        return "a safetensors file, which holds weights without the network"
    return _kind_of_text(head)


def format_of(head: bytes, tail: bytes = b"") -> Format | None:
    """Return the format that a file claims by its bytes, or None for what no runner takes.

    ``tail`` (the last 64 kB) has the names in a zip archive; without it, a TorchScript file whose
    weights come first is not told from any other archive.
    """
    if head.startswith(b"PK\x03\x04"):
        names = head + tail
        if b"archive_format" in names:
            return "pt2"
        # A plain torch.save has data.pkl and neither of these.
        return "torchscript" if b"/constants.pkl" in names or b"/code/" in names else None
    if _is_safetensors(head):
        return "safetensors"
    return "onnx" if what_is_it(head) is None else None


def _is_safetensors(head: bytes) -> bool:
    # Eight bytes of length, then JSON: no other magic.
    return head[8:10] in (b'{"', b"{ ", b"{}") and int.from_bytes(head[:8], "little") < 1 << 40


def _kind_of_text(head: bytes) -> str | None:
    text = head.lstrip().lower()
    if text.startswith(_MARKUP):
        return "a web page: the link led to a page about the file, not to the file"
    if text.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer: download the real file first (`git lfs pull`)"
    return "a text file" if _is_text(head) else None


def _is_text(head: bytes) -> bool:
    try:
        words = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:  # a character may be cut at the end of the head
            return False
        words = head[: error.start].decode("utf-8")
    return all(character.isprintable() or character in "\r\n\t\f" for character in words)


def refuse_unless_onnx(head: bytes, *, size: int, most: int) -> None:
    """Raise Refusal for what cannot be an ONNX file or is larger than ``most`` bytes."""
    refuse_empty(size)
    words = what_is_it(head)
    if words is not None:
        raise Refusal("E_NOT_ONNX", got=words)
    refuse_too_large(size, most=most)


def refuse_empty(size: int) -> None:
    """Raise Refusal (E_EMPTY_FILE) for a file without a byte."""
    if not size:
        raise Refusal("E_EMPTY_FILE", got="0 bytes")


def refuse_too_large(size: int, *, most: int) -> None:
    """Raise Refusal (E_MODEL_TOO_LARGE) for more than ``most`` bytes."""
    if size > most:
        raise Refusal(
            "E_MODEL_TOO_LARGE", expected=f"at most {most / 1e6:.0f} MB", got=f"{size / 1e6:.1f} MB"
        )
