"""Who stands where on a board. Pure: entries in, places out."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from runner.errands import Ranking


@dataclass(frozen=True)
class Entry:
    """A submission that counts, as the board sees it."""

    submission: str
    who: str  #: a member's name or a baseline's
    member_id: int | None
    value: float  #: what the Ladder released; where a board is shown by dev, the figure on dev
    low: float | None
    high: float | None
    p50_ms: float | None
    size: int  #: bytes
    memory_mb: int | None = None
    unsandboxed: bool = False

    @property
    def team(self) -> object:
        """Whose best counts: a member's; each baseline stands for itself."""
        return self.member_id if self.member_id is not None else self.submission


@dataclass(frozen=True)
class Placed:
    """An entry with its place. Those that cannot be told apart share one."""

    entry: Entry
    rank: int
    tied: bool
    front: bool = False  #: nobody is clearly better without being slower

    @property
    def shown(self) -> str:
        return f"{self.rank} (tied)" if self.tied else str(self.rank)


@dataclass(frozen=True)
class Standing:
    """A board as it can be shown now."""

    placed: tuple[Placed, ...]
    tested: bool = False  #: ties are by significance; else by equal values alone
    newer: int = 0  #: entries that are not in it yet: their ranking is being computed
    lost: int = 0  #: entries that cannot be ranked: what was kept of their images is gone

    def of(self, submission: str) -> Placed | None:
        return next((p for p in self.placed if p.entry.submission == submission), None)


def best_of_each(entries: Iterable[Entry]) -> list[Entry]:
    """Keep the best entry of every member; each baseline stands for itself."""
    best: dict[object, Entry] = {}
    for entry in entries:
        if entry.team not in best or entry.value > best[entry.team].value:
            best[entry.team] = entry
    return list(best.values())


def place(entries: Iterable[Entry]) -> list[Placed]:
    """Order *entries*, best first. Equal values share the better rank (1, 2, 2, 4)."""
    ordered = sorted(entries, key=lambda e: (-e.value, e.submission))
    placed = []
    for entry in ordered:
        same = [e.value == entry.value for e in ordered]
        placed.append(Placed(entry, rank=same.index(True) + 1, tied=sum(same) > 1))
    return placed


def basis_of(submissions: Iterable[str]) -> str:
    """Name a set of entries; what is kept of one never changes, so its ranking does not either."""
    return hashlib.sha256(" ".join(sorted(submissions)).encode()).hexdigest()


def standing(entries: Sequence[Entry], ranking: Ranking | None) -> Standing:
    """Show *entries*, all that count, in the places that were last computed.

    An entry that is newer than the ranking waits for the next one; one that is gone from the board
    is gone at once. Without a ranking, equal values tie.
    """
    best = best_of_each(entries)
    if ranking is None:
        return Standing(tuple(place(best)), newer=0)
    by_id = {e.submission: e for e in entries}
    placed = tuple(
        Placed(replace(by_id[r.submission], low=r.low, high=r.high), r.rank, r.tied, front=r.front)
        for r in ranking.ranked
        if r.submission in by_id
    )
    known = {r.submission for r in ranking.ranked}
    waiting = [e.submission for e in best if e.submission not in known]
    lost = sum(id_ in ranking.left_out for id_ in waiting)
    return Standing(placed, tested=True, newer=len(waiting) - lost, lost=lost)
