"""From a template to words. What members wrote can neither format, nor link, nor ping.

Templates are jinja2 and give CommonMark (see ``bot.kit.message``). Every value is escaped where it
is put in; only the filters here make links. ``.html.j2`` templates are escaped for HTML instead.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

import jinja2
from jinja2.runtime import Undefined

from bot.kit.blocks import blocks_of
from bot.kit.command import Person
from bot.kit.feature import Feature
from bot.kit.message import Message, Place

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~&:@=])")
_ESCAPE = re.compile(r"\\(.)")
_SPAN = re.compile(r"\\.|`((?:\\.|[^`\\])*)`")
_KEPT = (
    "\n\u200c\u200d"  # line breaks, and the joiners that Persian, Hindi and emoji are written with
)
_MARGIN = re.compile(r"^[ \t]+|[ \t]+$")  # four in front would be code, two behind a line break
_MANY = 5_000  # one in so many is .02 %


class Safe(str):
    """Markdown that we made ourselves and that is put in as it is."""

    __slots__ = ()


def clean(text: str) -> str:
    """Take out what no sentence needs: control characters and overrides of the text's direction."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c
        for c in text.replace("\t", " ")
        if c in _KEPT or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co"}
    )


def escape(text: str) -> Safe:
    """Make *text* show as it is written, a line break included, wherever it stands."""
    lines = [_SPECIAL.sub(r"\\\1", _MARGIN.sub(" ", line)) for line in clean(text).split("\n")]
    if len(lines) == 1:
        return Safe(lines[0])
    return Safe("\\\n".join(stripped for line in lines if (stripped := line.strip())))


def line(text: Any) -> Safe:
    """*text* in one line, for a table or a heading."""
    return text if isinstance(text, Safe) else escape(clean(" ".join(str(text).split())).strip())


def when(moment: datetime, zone: str = "UTC") -> Safe:
    """An instant. Adapters show it in the reader's zone; the words are for those that cannot."""
    from zoneinfo import ZoneInfo

    local = moment.astimezone(ZoneInfo(zone))
    return Safe(f"[{local:%a %d %b %Y, %H\\:%M} {local.tzname()}](when:{moment.isoformat()})")


def member(person: Person) -> Safe:
    """A member's name, which adapters may link. It never pings."""
    return Safe(f"[{line(person.name)}](member:{person.id})")


def channel(place: Place) -> Safe:
    """A channel, which adapters show by the name it has there."""
    return Safe(f"[#{line(place.channel)}](channel:{place.platform}/{quote(place.channel)})")


def picture(sha256: str, name: str, alt: str) -> Safe:
    return Safe(f"![{line(alt)}](blob:{sha256}/{quote(clean(name), safe='')})")


def file(sha256: str, name: str, label: str) -> Safe:
    return Safe(f"[{line(label)}](blob:{sha256}/{quote(clean(name), safe='')})")


def code(text: str) -> Safe:
    """Lines to copy, shown as they are; a fence in them cannot end ours."""
    lines = clean(text).strip("\n").replace("```", "'''").split("\n")
    return Safe("\n".join(["```", *(_SPECIAL.sub(r"\\\1", row) for row in lines), "```"]))


def bar(share: float, width: int = 20) -> Safe:
    """A progress bar in characters, with the figure beside it."""
    share = max(0.0, min(1.0, share))
    full = round(share * width)
    return Safe("▰" * full + "▱" * (width - full) + f" {share:.0%}")


def percent(share: float, digits: int = 1, *, of: int = 0) -> Safe:
    """A share in per cent; with the hundredths where it was counted *of* enough to mean them."""
    digits = 2 if of >= _MANY else digits
    return Safe(f"{100 * share:.{digits}f} %")


def plural(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def size(count: int) -> str:
    """A number of bytes as people say it."""
    for unit, width in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= width:
            return f"{count / width:.1f} {unit}"
    return f"{count} bytes"


def duration(seconds: float) -> str:
    """A length of time as people say it."""
    if seconds < 90:  # noqa: PLR2004
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def _code_as_it_is(markdown: str) -> str:
    """Take the escapes of values out of code, which shows a backslash as it stands."""
    lines, fenced = [], False
    for row in markdown.split("\n"):
        if row.startswith("```"):
            fenced = not fenced
        elif fenced:
            row = _ESCAPE.sub(r"\1", row)  # noqa: PLW2901
        elif "`" in row:
            # In a table a bar ends the cell, in code as well.
            row = _SPAN.sub(_in_cell if row.startswith("|") else _unescaped, row)  # noqa: PLW2901
        lines.append(row)
    return "\n".join(lines)


def _unescaped(found: re.Match[str]) -> str:
    if found[1] is None:  # an escape outside of any span
        return found[0]
    return "`" + _ESCAPE.sub(lambda pair: pair[1].replace("`", "'"), found[1]) + "`"


def _in_cell(found: re.Match[str]) -> str:
    return found[0] if found[1] is None else _unescaped(found).replace("|", r"\|")


def _finalize(value: Any) -> Any:
    if isinstance(value, (Safe, Undefined)):
        return value
    if value is None:
        return ""
    return escape(str(value))


class Renderer:
    """All templates of all features, each under its feature's name, and the kit's own."""

    def __init__(self, features: Mapping[str, Feature]) -> None:
        loaders: dict[str, jinja2.BaseLoader] = {
            f.name: jinja2.PackageLoader(f.package) for f in features.values()
        }
        loaders["kit"] = jinja2.PackageLoader("bot.kit")
        options: dict[str, Any] = {
            "loader": jinja2.PrefixLoader(loaders),
            "undefined": jinja2.StrictUndefined,
            "trim_blocks": True,
            "lstrip_blocks": True,
        }
        filters = {
            "when": when,
            "member": member,
            "channel": channel,
            "line": line,
            "bar": bar,
            "code": code,
            "percent": percent,
            "plural": plural,
            "duration": duration,
            "bytes": size,
            "picture": picture,
            "file": file,
        }
        self.url = ""  #: where visitors reach our web pages, once that is known
        filters["page"] = self._page_link
        self._words = jinja2.Environment(**options, autoescape=False, finalize=_finalize)  # noqa: S701 - _finalize escapes
        self._words.filters |= filters
        self._pages = jinja2.Environment(**options, autoescape=True)
        self._pages.filters |= {
            "percent": percent, "plural": plural, "duration": duration, "bytes": size
        }  # fmt: skip

    def message(
        self, template: str, values: Mapping[str, Any], *, private: bool = False
    ) -> Message:
        """Render ``feature/name.md.j2``. An undefined name in a template is a bug and raises."""
        return Message(
            blocks=blocks_of(_code_as_it_is(self.part(template, values))), private=private
        )

    def part(self, template: str, values: Mapping[str, Any]) -> Safe:
        """The markdown of ``feature/name.md.j2``, to stand in another template."""
        return Safe(self._words.get_template(template).render(values))

    def _page_link(self, path: str, label: str) -> Safe:
        """A link to one of our web pages; its label alone where nobody could reach it."""
        return Safe(f"[{line(label)}](<{self.url}{quote(path)}>)") if self.url else line(label)

    def page(self, template: str, values: Mapping[str, Any]) -> str:
        """Render ``feature/name.html.j2``."""
        return self._pages.get_template(template).render(values)
