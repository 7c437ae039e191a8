"""A pytest plugin: nothing is left out in silence, and with BOOKWIZ_TEST_STRICT=1 nothing at all.

Loaded by ``-p tests.strict``. A test of one of the marks below that skips itself because the
machine lacks something fails in strict mode. Tests of ``real_inputs`` may be left out, since their
inputs are not part of the project; that is said at the end.
"""

import os
from collections import Counter

import pytest

NEEDED = ("browser", "postgres", "root", "sandbox", "torch")
OPTIONAL = ("real_inputs",)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    mark = next((m for m in (*NEEDED, *OPTIONAL) if item.get_closest_marker(m)), None)
    if not report.skipped or hasattr(report, "wasxfail") or mark is None:
        return report
    reason = getattr(call.excinfo.value, "msg", str(call.excinfo.value))
    if mark in NEEDED and os.environ.get("BOOKWIZ_TEST_STRICT") == "1":
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was left out, and nothing may be: {reason}"
    else:
        report.user_properties.append((_LEFT_OUT, (mark, reason)))
    return report


def pytest_terminal_summary(terminalreporter):
    # What is left out is read from the reports, which come back from every process of pytest-xdist.
    left_out = Counter(
        tuple(value)
        for report in terminalreporter.stats.get("skipped", [])
        for name, value in report.user_properties
        if name == _LEFT_OUT
    )
    for (mark, reason), count in sorted(left_out.items()):
        terminalreporter.write_line(f"NOT TRIED ({mark}, {count}): {reason}", yellow=True)


_LEFT_OUT = "left_out"
