"""Structured logs. Never a message's text, never a secret: those are taken out by name."""

import logging
import re
import sys
from typing import Any, Literal

import structlog

_SECRET = re.compile(
    r"(token|secret|password|passwd|authorization|cookie|signature|api_?key)", re.IGNORECASE
)
_WORDS = {"text", "body", "message", "line", "values", "content", "answer", "form"}
_URL_PASSWORD = re.compile(r"(\w+://[^:/@\s]+:)[^@/\s]+@")


def redact(_logger: Any, _method: str, entry: dict[str, Any]) -> dict[str, Any]:
    """Replace what members wrote and what opens doors; structlog calls this for every entry."""
    for key, value in entry.items():
        if key == "event":
            continue
        if _SECRET.search(key):
            entry[key] = "[secret]"
        elif key in _WORDS:
            entry[key] = f"[{len(str(value))} characters]"
        elif isinstance(value, str):
            entry[key] = _URL_PASSWORD.sub(r"\1[secret]@", value)
    return entry


def set_up(level: str, form: Literal["auto", "console", "json"]) -> None:
    """Send structlog's and the libraries' logs to standard error, in one form."""
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    before = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redact,
    ]
    render: Any = (
        structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    )
    tracebacks = [] if console else [structlog.processors.format_exc_info]
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,  # type: ignore[arg-type] # redact takes a plain dict, as structlog's own do
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *tracebacks,
                render,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("aiohttp.access", "apscheduler", "aiosqlite"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
