"""Structured logs. Never a message's text, never a secret: those are taken out by name."""

import logging
import re
import sys
import traceback
from typing import Any, Literal

import structlog

_SECRET = re.compile(
    r"(token|secret|password|passwd|authorization|cookie|signature|api_?key)", re.IGNORECASE
)
_WORDS = {"text", "body", "message", "line", "values", "content", "answer", "form"}
_URL_PASSWORD = re.compile(r"(\w+://[^:/@\s]*:)[^/\s]+@")

_ADDRESS = re.compile(r"(/upload/)[0-9A-Za-z_-]{22}/[^\s?#\"']*")  # who has it can send a file


def redact(_logger: Any, _method: str, entry: dict[str, Any]) -> dict[str, Any]:
    """Replace what members wrote and what opens doors; structlog calls this for every entry."""
    return {key: _redacted(key, value) for key, value in entry.items()}


def _redacted(key: str, value: Any) -> Any:
    if _SECRET.search(key):
        return "[secret]"
    if key in _WORDS:
        return f"[{len(str(value))} characters]"
    if isinstance(value, dict):
        return {inner: _redacted(str(inner), deep) for inner, deep in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redacted("", deep) for deep in value]
    if isinstance(value, str):
        return _ADDRESS.sub(r"\1[secret]", _URL_PASSWORD.sub(r"\1[secret]@", value))
    return value


def tell_where(_logger: Any, _method: str, entry: dict[str, Any]) -> dict[str, Any]:
    """Replace an exception by its kind and the lines it came through.

    Its words may quote a member: a database error carries the row, a ValueError the value.
    """
    given = entry.pop("exc_info", None)
    error = given[1] if isinstance(given, tuple) else given
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        entry["exception"] = "\n".join(_where(error))
    return entry


def _where(error: BaseException) -> list[str]:
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    parts = [*_where(cause), "which led to"] if cause else []
    if isinstance(error, BaseExceptionGroup):
        parts += [part for one in error.exceptions for part in _where(one)]
    parts += [part.rstrip() for part in traceback.format_tb(error.__traceback__)]
    # What the system says of a file or a network quotes nobody, and an admin needs it.
    words = f": {error}" if isinstance(error, OSError) else ""
    return [*parts, f"{type(error).__name__}{words}"]


def set_up(level: str, form: Literal["auto", "console", "json"]) -> None:
    """Send structlog's and the libraries' logs to standard error, in one form."""
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    before: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        tell_where,
        redact,
    ]
    render: Any = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if console
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                render,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("alembic", "aiohttp.access", "apscheduler", "aiosqlite"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
