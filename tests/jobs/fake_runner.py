"""Speaks the protocol of ``bookwiz-runner serve`` and does what the evaluation's dataset says.

``quick`` · ``sleep-SECONDS`` · ``crash`` (dies of SIGKILL) · ``silent`` (never answers) ·
``flood`` (30,000 lines of rubbish first) · ``endless`` (one line without an end) ·
``progress-COUNT`` · ``child-SECONDS`` (has a child of its own meanwhile) · ``cell-SECONDS`` (one that dies with its
parent, as the sandbox's do) · ``refuse``.
What it says of itself beyond the least is JSON in the file FAKE_HELLO. Its own pid, its child's and what it was given go into files of the folder ``artifacts`` names.
"""

import functools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlparse

from runner.sandbox.confine import die_with_parent


def say(**words):
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def note(evaluation, name, text):
    folder = Path(urlparse(evaluation["artifacts"]).path)
    with (folder / name).open("a") as file:
        file.write(f"{text}\n")


def behave(evaluation):  # noqa: C901 - a list of behaviours
    kind, _, amount = evaluation["dataset"].partition("-")
    same = {key: evaluation[key] for key in ("submission", "attempt", "token")}
    match kind:
        case "sleep":
            time.sleep(float(amount))
        case "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        case "silent":
            time.sleep(3600)
        case "flood":
            for n in range(10_000):
                sys.stdout.write(f"rubbish {n}\n[]\n{{}}\n")
            sys.stderr.write("rubbish\n" * 10_000)
        case "endless":
            while True:
                sys.stdout.write("x" * 65536)
        case "progress":
            for n in range(int(amount)):
                say(progress={**same, "stage": "predict", "done": n / int(amount)})
                time.sleep(0.01)
        case "child" | "cell":
            bind = functools.partial(die_with_parent, os.getpid()) if kind == "cell" else None
            child = subprocess.Popen(["sleep", "3600"], preexec_fn=bind)  # noqa: PLW1509 - it has no threads
            note(evaluation, "children", child.pid)
            time.sleep(float(amount))
            child.kill()
            child.wait()
        case "refuse":
            say(error="unknown task")
            return
    say(outcome={**same, "runner": "fake", "tier": "reduced"})


def main():
    die_with_parent(os.getppid())
    hello = {"runner": "fake", "tier": "reduced", "hardware": "none", "versions": {"fake": "1"}}
    file = os.environ.get("FAKE_HELLO")
    say(hello=hello | (json.loads(Path(file).read_text()) if file else {}))
    for line in sys.stdin:
        evaluation = json.loads(line)
        note(evaluation, "pids", os.getpid())
        note(evaluation, "begun", f"{evaluation['submission']} {time.time()}")
        note(
            evaluation, "took", f"{evaluation['submission']} {os.environ.get('FAKE_NAME', 'fake')}"
        )
        behave(evaluation)
        note(evaluation, "ended", f"{evaluation['submission']} {time.time()}")


if __name__ == "__main__":
    main()
