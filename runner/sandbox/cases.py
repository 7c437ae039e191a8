"""In which situation a runner finds itself, in words, and what to type to get to tier ``full``."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from runner.contract import Tier
from runner.sandbox import bubblewrap, confine

_APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
_CLONE = Path("/proc/sys/kernel/unprivileged_userns_clone")
_MOST = Path("/proc/sys/user/max_user_namespaces")
_SECONDS = 5.0
_OF_THE_PROBES = (
    "Namespaces can be had here: it is what the sentence above names that stands between this and "
    "tier full. Mend that first; a wall of ours that broke is a bug to report with that sentence."
)


@dataclass(frozen=True)
class Case:
    """Who this is and where, and what to do about it; no ``advice`` where nothing is missing."""

    words: str
    advice: str = ""


def this_one(tier: Tier) -> Case:
    """Return the case of this process at ``tier``, by trying bubblewrap where it is not full."""
    root = os.geteuid() == 0
    who = "root, which gives itself up: models run as nobody" if root else f"user {os.geteuid()}"
    place = "in a container" if in_container() else "on a host"
    words = f"started {place} by {who}"
    if tier == "full":
        return Case(f"{words}, in namespaces made by bubblewrap")
    refusal = why_no_namespaces()
    if refusal is None:
        return Case(words, _OF_THE_PROBES)
    return Case(f"{words}, without namespaces ({refusal})", _advice(refusal))


def in_container() -> bool:
    """Return whether this looks like one. For words only: nothing is decided by it."""
    marks = (Path("/.dockerenv"), Path("/run/.containerenv"))
    return any(mark.exists() for mark in marks) or bool(os.environ.get("KUBERNETES_SERVICE_HOST"))


def why_no_namespaces() -> str | None:
    """Return what bubblewrap answers when it is asked for a cell's namespaces; None if they came."""
    wrapper = bubblewrap.program()
    if wrapper is None:
        return "bubblewrap is not installed"
    command = [wrapper, "--unshare-user", *bubblewrap.NAMESPACES.values(), "--disable-userns"]
    command += ["--ro-bind", "/", "/", "--proc", "/proc", "true"]
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        preexec_fn=confine.become_nobody,
    )
    if done.returncode == 0:
        return None
    return done.stderr.strip().removeprefix("bwrap: ")[:200] or f"status {done.returncode}"


def _advice(refusal: str) -> str:
    if "not installed" in refusal:
        return "For tier full: apt install bubblewrap (or dnf, apk, pacman)."
    if in_container():
        return (
            "For tier full: docker run --security-opt seccomp=docs/compose/seccomp.json "
            "--security-opt systempaths=unconfined (see docs/sandbox.md)."
        )
    for file, stopped, command in (
        (_MOST, "0", "sysctl user.max_user_namespaces=15000"),
        (_CLONE, "0", "sysctl kernel.unprivileged_userns_clone=1"),
        (_APPARMOR, "1", "sysctl kernel.apparmor_restrict_unprivileged_userns=0"),
    ):
        if file.exists() and file.read_text().strip() == stopped:
            return f"For tier full, as root: {command} (see docs/sandbox.md)."
    return "For tier full: let this user make user namespaces (see docs/sandbox.md)."
