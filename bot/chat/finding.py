"""One thing that was looked at."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Whether it is as it should be, in words, and what to do where it is not."""

    good: bool
    what: str
    next: str = ""  #: the command to type, or what to do, when it is not good or was left out
    left_out: bool = False  #: it was not looked at: neither good nor bad


def printable(name: str) -> str:
    """*name*, which somebody chose, so that a terminal shows it and does nothing else."""
    return "".join(c for c in name if c.isprintable())[:100]
