"""From a template to blocks. What members wrote can neither format, nor link, nor ping.

Templates are jinja2 and give CommonMark (see ``bot.kit.message``). Every value is escaped where it
is put in; only the filters here make links. ``.html.j2`` templates are escaped for HTML instead.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

import jinja2
from jinja2.runtime import Undefined
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.kit.command import Person
from bot.kit.feature import Feature
from bot.kit.message import (
    Block,
    Button,
    Buttons,
    Fields,
    File,
    Image,
    Message,
    Place,
    Table,
    Text,
)

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~&:@=])")
_ESCAPE = re.compile(r"\\(.)")
_SPAN = re.compile(r"\\.|`((?:\\.|[^`\\])*)`")
_KEPT = (
    "\n\u200c\u200d"  # line breaks, and the joiners that Persian, Hindi and emoji are written with
)
_MARGIN = re.compile(r"^[ \t]+|[ \t]+$")  # four in front would be code, two behind a line break
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
_MANY = 5_000  # one in so many is .02 %
_ALIGN = {"text-align:right": "right", "text-align:center": "center"}


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


@lru_cache(maxsize=256)  # help, cards and boards are asked for again and again
def blocks_of(markdown: str) -> tuple[Block, ...]:
    """Read our own markdown into blocks: tables, pictures, files and buttons apart from text."""
    lines = markdown.split("\n")
    blocks: list[Block] = []
    tokens = _MARKDOWN.parse(markdown)
    position = 0
    while position < len(tokens):
        token = tokens[position]
        end = position if token.nesting == 0 else _closing(tokens, position)
        inner = tokens[position : end + 1]
        start, stop = token.map or (0, 0)
        block = _special(inner)
        if block is not None:
            blocks.append(block)
        else:
            text = "\n".join(lines[start:stop]).strip("\n")
            if blocks and isinstance(blocks[-1], Text):
                blocks[-1] = Text(markdown=f"{blocks[-1].markdown}\n\n{text}")
            else:
                blocks.append(Text(markdown=text))
        position = end + 1
    return tuple(blocks)


def words(message: Message) -> str:
    """What *message* says, without markup and without buttons: for where neither can be shown."""
    spoken = Message(blocks=tuple(b for b in message.blocks if not isinstance(b, Buttons)))
    tokens = _MARKDOWN.parse(spoken.plain())
    return "\n".join(
        t.content.rstrip()
        if t.type in {"fence", "code_block"}
        else "".join("\n" if c.type.endswith("break") else c.content for c in t.children or [])
        for t in tokens
        if t.type in {"fence", "code_block", "inline"}
    )


def _closing(tokens: list[Token], position: int) -> int:
    depth = 0
    for index in range(position, len(tokens)):
        depth += tokens[index].nesting
        if depth == 0:
            return index
    return len(tokens) - 1


def _special(inner: list[Token]) -> Block | None:
    if inner[0].type == "table_open":
        return _table(inner)
    if inner[0].type != "paragraph_open":
        return None
    children = [
        c
        for c in inner[1].children or []
        if not (c.type in {"text", "softbreak"} and not c.content.strip())
    ]
    if len(children) == 1 and children[0].type == "image":
        sha256, _, name = str(children[0].attrs["src"]).removeprefix("blob:").partition("/")
        alt = "".join(c.content for c in children[0].children or [])
        return Image(sha256=sha256, name=unquote(name), alt=alt)
    links = [c for c in children if c.type == "link_open"]
    if (
        not links
        or children[0].type != "link_open"
        or any(c.level == 0 and c.type not in {"link_open", "link_close"} for c in children)
    ):
        return None
    labels = ["".join(t.content for t in group) for group in _inside_links(children)]
    targets = [unquote(str(link.attrs["href"])) for link in links]
    if all(t.startswith("/") for t in targets):
        styles = [str(link.attrs.get("title", "plain")) for link in links]
        return Buttons(
            buttons=tuple(
                Button(label=label, command=target, style=style)
                for label, target, style in zip(labels, targets, styles, strict=True)
            )
        )
    if len(links) == 1 and targets[0].startswith("blob:"):
        sha256, _, name = targets[0].removeprefix("blob:").partition("/")
        return File(sha256=sha256, name=name, label=labels[0])
    return None


def _inside_links(children: list[Token]) -> list[list[Token]]:
    groups: list[list[Token]] = []
    for child in children:
        if child.type == "link_open":
            groups.append([])
        elif child.type != "link_close":
            groups[-1].append(child)
    return groups


def _table(inner: list[Token]) -> Table | Fields:
    rows: list[list[str]] = []
    align: list[str] = []
    for index, token in enumerate(inner):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in {"th_open", "td_open"}:
            rows[-1].append(inner[index + 1].content)
            if token.type == "th_open":
                align.append(_ALIGN.get(str(token.attrs.get("style", "")), "left"))
    head, *body = rows
    if not any(head) and len(head) == 2:  # noqa: PLR2004 - a name and a value
        return Fields(pairs=tuple((name, value) for name, value in body))
    return Table(head=tuple(head), rows=tuple(tuple(r) for r in body), align=tuple(align))
