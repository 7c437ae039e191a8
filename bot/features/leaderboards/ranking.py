"""Who stands where on a board. Pure: entries in, places out."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """A scored submission as the board sees it."""

    submission: str
    who: str  #: a member's name or a baseline's
    member_id: int | None
    value: float
    low: float | None
    high: float | None
    p50_ms: float | None
    size: int  #: bytes


@dataclass(frozen=True)
class Placed:
    """An entry with its place. Equal scores share one."""

    entry: Entry
    rank: int
    tied: bool

    @property
    def shown(self) -> str:
        return f"{self.rank} (tied)" if self.tied else str(self.rank)


def best_of_each(entries: Sequence[Entry]) -> list[Entry]:
    """Keep the best entry of every member; each baseline stands for itself."""
    best: dict[object, Entry] = {}
    for entry in entries:
        key = entry.member_id if entry.member_id is not None else entry.submission
        if key not in best or entry.value > best[key].value:
            best[key] = entry
    return list(best.values())


def place(entries: Sequence[Entry]) -> list[Placed]:
    """Order *entries*, best first. Equal values share the better rank (1, 2, 2, 4)."""
    ordered = sorted(entries, key=lambda e: (-e.value, e.submission))
    placed = []
    for index, entry in enumerate(ordered):
        same = [e.value == entry.value for e in ordered]
        placed.append(Placed(entry, rank=same.index(True) + 1, tied=sum(same) > 1))
        assert index >= placed[-1].rank - 1
    return placed
