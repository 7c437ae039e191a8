"""A pytest plugin: nothing is left out in silence, and with BOOKWIZ_TEST_STRICT=1 nothing at all.

Loaded by ``-p tests.strict``. A test of one of the marks below that skips itself because the
machine lacks something fails in strict mode. Tests of ``shared_data`` may be left out, since their
inputs are not part of the project; that is said at the end.
"""

import os
from collections import Counter

import pytest

NEEDED = ("browser", "postgres", "sandbox", "torch")
OPTIONAL = ("shared_data",)


def pytest_configure(config):
    config.stash[_LEFT_OUT] = Counter()


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
        item.config.stash[_LEFT_OUT][mark, reason] += 1
    return report


def pytest_terminal_summary(terminalreporter, config):
    for (mark, reason), count in sorted(config.stash[_LEFT_OUT].items()):
        terminalreporter.write_line(f"NOT TRIED ({mark}, {count}): {reason}", yellow=True)


_LEFT_OUT = pytest.StashKey[Counter]()
