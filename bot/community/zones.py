"""Which time zone somebody means, by the names of the IANA zones."""

from collections.abc import Sequence
from difflib import get_close_matches
from zoneinfo import ZoneInfo

from bot.kit import clock
from bot.kit.command import Choice, Refusal
from bot.kit.work import Context


def normal(text: str) -> str:
    """*text* as zone names are compared: capitals and spaces aside."""
    return "_".join(text.lower().replace("_", " ").split())


def find(text: str, names: Sequence[str]) -> str | None:
    """The zone of that name, or of that city where only one zone has it."""
    wanted = normal(text)
    whole = [n for n in names if normal(n) == wanted]
    if whole:
        return whole[0]
    city = [n for n in names if normal(n).rpartition("/")[2] == wanted]
    return city[0] if len(city) == 1 else None


def matching(text: str, names: Sequence[str]) -> list[str]:
    """Zones that hold *text* anywhere, those whose city begins with it first."""
    wanted = normal(text)
    held = [n for n in names if wanted in normal(n)]
    return sorted(held, key=lambda n: (not normal(n).rpartition("/")[2].startswith(wanted), n))


def nearest(text: str, names: Sequence[str], *, most: int = 3) -> list[str]:
    """Zones that *text* may have been meant for, best first."""
    wanted = normal(text)
    held = matching(text, names)[:most]
    by_name = {normal(n): n for n in names}
    close = [by_name[m] for m in get_close_matches(wanted, by_name, n=most, cutoff=0.6)]
    by_city = {normal(n).rpartition("/")[2]: n for n in names}
    city = wanted.rpartition("/")[2]
    close += [by_city[m] for m in get_close_matches(city, by_city, n=most, cutoff=0.75)]
    return list(dict.fromkeys([*held, *close]))[:most]


def meant(text: str) -> str:
    """The zone that somebody means.

    Raises:
        Refusal: It is no place, or several; the nearest are named.
    """
    zone = find(text, clock.zones())
    if zone is None:
        near = nearest(text, clock.zones())
        raise Refusal(
            f"I know no time zone “{text}”.",
            code="E_TIMEZONE",
            # An abbreviation or an offset would be wrong for half of the year.
            expected="a place, such as Europe/Berlin or America/New_York",
            got=text,
            fix=f"Did you mean {' or '.join(near)}?"
            if near
            else "Type the nearest large city and choose from the list.",
            field="zone",
        )
    return zone


async def suggest(ctx: Context, text: str) -> list[Choice]:
    """Zones that hold *text*, each with what its clocks show."""
    return [
        Choice(name, f"{name} · {ctx.now.astimezone(ZoneInfo(name)):%H:%M} now")
        for name in matching(text, clock.zones())[:25]
    ]
