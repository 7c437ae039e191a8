"""A board as somebody wants to look at it: what is fast or small enough, and in which order. Pure."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from bot.features.leaderboards.ranking import Entry, Placed
from runner.contract import Outcome

#: by what a board can be ordered, and where each order begins: the best first, or the least
ORDERS: dict[str, Callable[[Entry], float | None]] = {
    "score": lambda entry: -entry.value,
    "latency": lambda entry: entry.p50_ms,
    "size": lambda entry: entry.size,
    "memory": lambda entry: entry.memory_mb,
}


@dataclass(frozen=True)
class Bounds:
    """What an entry may cost; 0: as much as it likes."""

    latency: float = 0  #: milliseconds for one image
    size: float = 0  #: megabytes on disk
    memory: float = 0  #: megabytes while it runs

    def keep(self, entry: Entry) -> bool:
        """Whether an entry is known to stay within all of them."""
        return (
            (not self.latency or (entry.p50_ms is not None and entry.p50_ms <= self.latency))
            and (not self.size or entry.size <= self.size * 1e6)
            and (
                not self.memory or (entry.memory_mb is not None and entry.memory_mb <= self.memory)
            )
        )

    @property
    def words(self) -> str:
        said = []
        if self.latency:
            said.append(
                f"at most {self.latency:g} ms for one image ({1000 / self.latency:.0f} FPS at batch 1)"
            )
        if self.size:
            said.append(f"at most {self.size:g} MB")
        if self.memory:
            said.append(f"at most {self.memory:g} MB of memory")
        return ", ".join(said)


@dataclass(frozen=True)
class View:
    """What the address of a board's page asks for. Anything strange in it asks for nothing."""

    bounds: Bounds = Bounds()
    order: str = ""  #: of ``ORDERS``, with ``-`` before it: the other way round; empty: by place

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "View":
        bounds = Bounds(**{name: _number(query.get(name, "")) for name in vars(Bounds())})
        order = query.get("sort", "")
        return cls(bounds, order if order.removeprefix("-") in ORDERS else "")

    def shown(self, placed: Iterable[Placed]) -> list[Placed]:
        """Those within the bounds, in order; of whom a cost is not known comes last."""
        kept = [row for row in placed if self.bounds.keep(row.entry)]
        if not self.order:
            return kept
        cost, back = ORDERS[self.order.removeprefix("-")], self.order.startswith("-")
        known = [row for row in kept if cost(row.entry) is not None]
        known.sort(key=lambda row: cost(row.entry) or 0, reverse=back)
        return known + [row for row in kept if cost(row.entry) is None]

    def ordered(self, name: str) -> str:
        """The address that orders by a column; asked for again, the other way round."""
        return _address(vars(self.bounds), f"-{name}" if self.order == name else name)

    def within(self, **bounds: float) -> str:
        """The address that narrows to *bounds* alone, in the order of now."""
        return _address(bounds, self.order)

    def aria(self, name: str) -> str:
        """What a screen reader is told of a column's order."""
        if self.order.removeprefix("-") != name:
            return "none"
        up = (name == "score") == self.order.startswith("-")
        return "ascending" if up else "descending"


def _address(bounds: Mapping[str, float], order: str) -> str:
    said = {name: f"{value:g}" for name, value in bounds.items() if value}
    return "?" + urlencode(said | ({"sort": order} if order else {}))


def _number(text: str) -> float:
    try:
        value = float(text[:20])
    except ValueError:
        return 0
    return value if math.isfinite(value) and value > 0 else 0


@dataclass(frozen=True)
class Condition:
    """How the first entries of a board do on the dev images that share an attribute."""

    name: str  #: ``light: night``
    images: int
    scores: tuple[float | None, ...]  #: of each of them, in the board's order


def conditions(outcomes: Sequence[Outcome]) -> list[Condition]:
    """What entries' outcomes say of dev's conditions, one line each; dev's images are public."""
    found = [
        {
            (s.attribute, s.value): s
            for split in o.scores
            if split.split == "dev"
            for s in split.slices
        }
        for o in outcomes
    ]
    names = dict.fromkeys(name for slices in found for name in slices)
    return [
        Condition(
            f"{attribute}: {value}",
            next(s[attribute, value].images for s in found if (attribute, value) in s),
            tuple(s[attribute, value].score if (attribute, value) in s else None for s in found),
        )
        for attribute, value in names
    ]
