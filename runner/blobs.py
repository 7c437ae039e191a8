"""Files named by their content: fetching what the bot stored, storing what the runner made."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from runner.contract import HANDED_BACK, Artifact, Blob, Format
from runner.failures import Refusal
from runner.formats import admission, sniff
from runner.transfer import (
    Download,
    LinkExpired,
    TransferFailed,
    downloading,
    is_link,
    upload,
)


def local_path(url: str) -> Path:
    """Return the path of a ``file:///…`` URL. Raises ValueError for any other."""
    parts = urlsplit(url)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        raise ValueError(f"only file:/// URLs are fetched here, not {parts.scheme}")
    return Path(unquote(parts.path))


@contextmanager
def opened(blob: Blob) -> Iterator[IO[bytes] | Download]:
    """Read what ``blob`` names, from a shared folder or by its link, as a file of its very size.

    Raises Refusal: E_RUNNER_FETCH where it does not come, HANDED_BACK where its link has expired.
    """
    try:
        if is_link(blob.url):
            with downloading(blob.url, blob.size) as download:
                yield download
        else:
            with local_path(blob.url).open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size != blob.size:
                    raise Refusal(
                        "E_RUNNER_FETCH", expected=f"{blob.size} bytes", got=f"{size} bytes"
                    )
                yield file
    except LinkExpired as error:
        raise Refusal(HANDED_BACK, got=str(error)) from None
    except (OSError, ValueError, TransferFailed) as error:
        raise Refusal("E_RUNNER_FETCH", got=_words(error)) from error


def fetch_model(blob: Blob, *, most: int, format: Format = "onnx") -> bytes:
    """Return the bytes that ``blob`` names.

    Raises Refusal: E_RUNNER_FETCH where they are not what was stored, E_NOT_ONNX, E_FORMAT or
    E_MODEL_TOO_LARGE (``most`` bytes) for what no model file of ``format`` can be.
    """
    with opened(blob) as file:
        head = file.read(sniff.HEAD_BYTES)
        if format == "onnx":
            sniff.refuse_unless_onnx(head, size=blob.size, most=most)
        else:
            sniff.refuse_empty(blob.size)
            sniff.refuse_too_large(blob.size, most=most)
        data = head + file.read()
        if format != "onnx":
            admission.refuse_another_format(head, data[-sniff.TAIL_BYTES :], format)
    digest = hashlib.sha256(data).hexdigest()
    if digest != blob.sha256:
        raise Refusal("E_RUNNER_FETCH", expected=blob.sha256[:12], got=digest[:12])
    return data


def store(place: Path | str, data: bytes, *, name: str, media_type: str, alt: str = "") -> Artifact:
    """Put ``data`` into the store at ``place``, whole or not at all, and say what it is.

    ``place`` is the folder (also as ``file:///…``), which has it as ``<sha[:2]>/<sha>``, or the
    link that takes it by PUT.

    Raises Refusal: E_RUNNER_STORE where it cannot be kept, HANDED_BACK where the link has expired.
    """
    digest = hashlib.sha256(data).hexdigest()
    try:
        if isinstance(place, str) and is_link(place):
            upload(place, data)
        else:
            folder = place if isinstance(place, Path) else local_path(place)
            _write(folder / digest[:2] / digest, data)
    except LinkExpired as error:
        raise Refusal(HANDED_BACK, got=str(error)) from None
    except (OSError, ValueError, TransferFailed) as error:
        raise Refusal("E_RUNNER_STORE", got=_words(error)) from error
    return Artifact(name=name, media_type=media_type, sha256=digest, size=len(data), alt=alt)


def _write(target: Path, data: bytes) -> None:
    with suppress(FileNotFoundError):
        os.utime(target)  # it counts as new: whoever deletes what is old and unnamed leaves it
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".arriving-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _words(error: Exception) -> str:
    """What the system says, without the path: folders of ours are nobody's business."""
    return (isinstance(error, OSError) and error.strerror) or str(error)
