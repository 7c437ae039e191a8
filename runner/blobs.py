"""Files named by their content: fetching what the bot stored, storing what the runner made."""

import hashlib
import os
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

from runner.contract import Artifact, Blob, Format
from runner.failures import Refusal
from runner.formats import admission, sniff


def local_path(url: str) -> Path:
    """Return the path of a ``file:///…`` URL. Raises ValueError for any other."""
    parts = urlsplit(url)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        raise ValueError(f"only file:/// URLs are fetched here, not {parts.scheme}")
    return Path(unquote(parts.path))


def fetch_model(blob: Blob, *, most: int, format: Format = "onnx") -> bytes:
    """Return the bytes that ``blob`` names.

    Raises Refusal: E_RUNNER_FETCH where they are not what was stored, E_NOT_ONNX, E_FORMAT or
    E_MODEL_TOO_LARGE (``most`` bytes) for what no model file of ``format`` can be.
    """
    try:
        with local_path(blob.url).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size != blob.size:
                raise Refusal("E_RUNNER_FETCH", expected=f"{blob.size} bytes", got=f"{size} bytes")
            head = file.read(sniff.HEAD_BYTES)
            if format == "onnx":
                sniff.refuse_unless_onnx(head, size=size, most=most)
            else:
                sniff.refuse_too_large(size, most=most)
            data = head + file.read()
            if format != "onnx":
                admission.refuse_another_format(head, data[-sniff.TAIL_BYTES :], format)
    except (OSError, ValueError) as error:
        raise Refusal("E_RUNNER_FETCH", got=str(error)) from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != blob.sha256:
        raise Refusal("E_RUNNER_FETCH", expected=blob.sha256[:12], got=digest[:12])
    return data


def store(folder: Path, data: bytes, *, name: str, media_type: str, alt: str = "") -> Artifact:
    """Put ``data`` at ``<folder>/<sha[:2]>/<sha>``, whole or not at all, and say what it is."""
    digest = hashlib.sha256(data).hexdigest()
    target = folder / digest[:2] / digest
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".arriving-")
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    return Artifact(name=name, media_type=media_type, sha256=digest, size=len(data), alt=alt)
