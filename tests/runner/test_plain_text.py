import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.plain_text import cleaned


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("@everyone", "\uff20everyone"),
        ("<!channel> <@U123>", "\u2039!channel\u203a \u2039\uff20U123\u203a"),
        ("two\nlines\tand\0more", "two lines and more"),
        ("right\u202eto left", "right to left"),
        ("failed at /home/bob/model.onnx: no", "failed at [path]: no"),
        ("/onnxruntime_src/core/x.cc:12 bad", "[path]:12 bad"),
        (f"in {sys.prefix}/lib/x.py", "in [path]"),
        ("node /layer1/conv1/Conv", "node /layer1/conv1/Conv"),
    ],
)
def test_text_is_made_fit_to_be_shown(text, clean):
    assert cleaned(text) == clean


@settings(deadline=None)  # a busy machine is no failure
@given(st.text(), st.integers(1, 300))
def test_clean_text_is_one_short_printable_line_that_pings_nobody(text, limit):
    line = cleaned(text, limit)
    assert len(line) <= limit
    assert line.isprintable()
    assert not set(line) & set("@<>\n")


def test_megabytes_are_cut_before_they_are_looked_at():
    assert len(cleaned("/usr/" + "a" * 10_000_000)) <= 200
