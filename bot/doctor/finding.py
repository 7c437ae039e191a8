"""One thing that was looked at."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Whether it is as it should be, in words, and what to do where it is not."""

    good: bool
    what: str
    next: str = ""  #: the command to type, or what to do, when it is not good
