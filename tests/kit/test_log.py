import io
import json
import logging

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bot.kit.log import redact, set_up


@pytest.fixture(params=["json", "console"])
def log(request, monkeypatch):
    """What is logged, as text, by structlog or by a library."""
    out = io.StringIO()
    monkeypatch.setattr("sys.stderr", out)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    set_up("info", request.param)
    root.handlers[0].setStream(out)
    yield out
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    "key", ["token", "bot_token", "password", "API_KEY", "Authorization", "cookie"]
)
def test_what_opens_doors_is_not_logged(key):
    assert redact(None, "info", {"event": "x", key: "hunter2"}) == {"event": "x", key: "[secret]"}


@pytest.mark.parametrize(
    "key", ["text", "message", "line", "values", "answer", "form", "content", "body"]
)
def test_of_what_members_wrote_only_the_length_is_logged(key):
    assert redact(None, "info", {"event": "x", key: "I earn 50k"})[key] == "[10 characters]"


@pytest.mark.parametrize(
    ("url", "logged"),
    [
        (
            "postgresql+psycopg://bot:hunter2@db:5432/x",
            "postgresql+psycopg://bot:[secret]@db:5432/x",
        ),
        ("redis://:hunter2@cache", "redis://:[secret]@cache"),
        ("amqp://u:hunt@er2@mq/v", "amqp://u:[secret]@mq/v"),
        ("https://x.org/a:b@c", "https://x.org/a:b@c"),
        ("https://x.org:8080/a", "https://x.org:8080/a"),
    ],
)
def test_a_password_in_an_address_is_not_logged(url, logged):
    entry = redact(
        None, "info", {"event": f"connecting to {url}", "url": url, "deep": {"urls": [url]}}
    )
    assert entry == {"event": f"connecting to {logged}", "url": logged, "deep": {"urls": [logged]}}


def test_secrets_within_values_are_found():
    entry = redact(
        None, "info", {"event": "x", "row": {"token": "hunter2", "text": "hello", "n": 1}}
    )
    assert entry["row"] == {"token": "[secret]", "text": "[5 characters]", "n": 1}


@given(st.dictionaries(st.text(), st.text() | st.dictionaries(st.text(), st.text())))
def test_redacting_never_fails_and_keeps_every_key(entry):
    assert redact(None, "info", dict(entry)).keys() == entry.keys()


def test_a_defect_is_logged_with_where_but_without_the_words(log):
    words = "my salary is 50k"

    def lose():
        raise ValueError(words)

    try:
        try:
            lose()
        except ValueError as error:
            raise RuntimeError(words) from error
    except RuntimeError:
        structlog.get_logger("bot").exception("command.failed", code="BUG-1")
        logging.getLogger("library").exception("failed")
    assert "50k" not in log.getvalue()
    assert log.getvalue().count("in lose") == 2
    assert "ValueError" in log.getvalue()
    assert "RuntimeError" in log.getvalue()
    assert "BUG-1" in log.getvalue()


def test_what_the_system_says_of_files_and_networks_is_kept(log):
    try:
        raise ConnectionRefusedError(111, "Connection refused")
    except OSError:
        structlog.get_logger("bot").exception("courier.failed")
    assert "Connection refused" in log.getvalue()


def test_a_library_log_is_redacted_as_ours_is(log):
    logging.getLogger("library").info("connecting to %s", "postgresql://bot:hunter2@db/x")
    structlog.get_logger("bot").info("connected", url="postgresql://bot:hunter2@db/x")
    assert "hunter2" not in log.getvalue()
    assert log.getvalue().count("[secret]") == 2


@pytest.mark.parametrize("log", ["json"], indirect=True)
def test_json_is_one_object_a_line(log):
    structlog.get_logger("bot").info("started", port=8080)
    logging.getLogger("library").warning("odd")
    entry, _ = [json.loads(line) for line in log.getvalue().splitlines()]
    assert (entry["event"], entry["port"], entry["level"]) == ("started", 8080, "info")
