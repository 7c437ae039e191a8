"""From our own markdown to the elements of Slack's rich text.

Rich text takes words literally. What a member wrote can neither format, nor link, nor ping there,
and nothing has to be escaped: Slack's other markup, mrkdwn, has no way to show an asterisk as an
asterisk. See docs/decisions/0035.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from markdown_it.token import Token

from bot.chat.source import MARKDOWN
from bot.kit.blocks import closing

_WEB = ("http://", "https://", "mailto:")
_MARKS = {"strong": "bold", "em": "italic", "s": "strike"}
Json = dict[str, Any]


@dataclass(frozen=True)
class Heading:
    """A heading of the first two levels; Slack has a block of its own for it."""

    text: str


def rich(markdown: str) -> Iterator[Json | Heading]:
    """The elements of a rich text block that show *markdown*, and its headings."""
    tokens = MARKDOWN.parse(markdown)
    yield from _blocks(tokens, 0, len(tokens), indent=0)


def inline(markdown: str) -> list[Json]:
    """The elements of one line."""
    return _inline(MARKDOWN.parseInline(markdown)[0].children or [])


def plain(markdown: str) -> str:
    """The words of one line, as they are read."""
    return "".join(e.get("text") or e.get("fallback") or e.get("url", "") for e in inline(markdown))


def section(elements: list[Json]) -> Json:
    return {"type": "rich_text_section", "elements": elements}


def text(words: str, **style: bool) -> Json:
    return {"type": "text", "text": words, **({"style": style} if style else {})}


def preformatted(words: str) -> Json:
    return {"type": "rich_text_preformatted", "elements": [text(words)]}


def _blocks(tokens: list[Token], start: int, end: int, *, indent: int) -> Iterator[Json | Heading]:
    at = start
    while at < end:
        token = tokens[at]
        close = closing(tokens, at)
        match token.type:
            case "heading_open":
                line = tokens[at + 1]
                if token.tag in {"h1", "h2"}:
                    yield Heading(plain(line.content))
                else:
                    yield section([*_inline(line.children or [], bold=True), text("\n")])
            case "paragraph_open":
                more = close + 1 < end and tokens[close + 1].type == "paragraph_open"
                gap = text("\n\n" if more else "\n")  # Slack puts no space between paragraphs
                yield section([*_inline(tokens[at + 1].children or []), gap])
            case "fence" | "code_block":
                yield preformatted(token.content.rstrip("\n") or " ")
            case "bullet_list_open" | "ordered_list_open":
                yield from _list(tokens, at, close, indent=indent)
            case "blockquote_open":
                inside = _blocks(tokens, at + 1, close, indent=0)
                elements = [e for one in inside for e in _elements_of(one)]
                yield {"type": "rich_text_quote", "elements": elements or [text(" ")]}
            case "hr":
                yield section([text("───\n")])
            case _:
                pass
        at = close + 1


def _list(tokens: list[Token], start: int, end: int, *, indent: int) -> Iterator[Json | Heading]:
    """A list; what is nested in it becomes lists of their own, further in, as Slack wants them."""
    ordered = tokens[start].type == "ordered_list_open"
    style = "ordered" if ordered else "bullet"
    number = int(tokens[start].attrs.get("start", 1)) if ordered else 1
    items: list[Json] = []

    def so_far() -> Json:
        made = {"type": "rich_text_list", "style": style, "indent": indent, "elements": items}
        return made | ({"offset": number - 1} if number > 1 else {})

    at = start + 1
    while at < end:
        close = closing(tokens, at)
        line: list[Json] = []
        nested: list[Json | Heading] = []
        for part in _blocks(tokens, at + 1, close, indent=min(indent + 1, 8)):
            if isinstance(part, dict) and part["type"] == "rich_text_list":
                nested.append(part)
            else:
                line += ([text("\n")] if line else []) + _elements_of(part)
        items.append(section(_without_last_break(line) or [text(" ")]))
        if nested:
            yield so_far()
            yield from nested
            number, items = number + len(items), []
        at = close + 1
    if items:
        yield so_far()


def _elements_of(part: Json | Heading) -> list[Json]:
    if isinstance(part, Heading):
        return [text(part.text, bold=True)]
    if part["type"] == "rich_text_list":
        return [e for item in part["elements"] for e in [text("• "), *item["elements"], text("\n")]]
    if part["type"] == "rich_text_preformatted":
        return [replace_style(e, code=True) for e in part["elements"]]
    return _without_last_break(part["elements"])


def replace_style(element: Json, **style: bool) -> Json:
    return element | {"style": element.get("style", {}) | style}


def _without_last_break(elements: list[Json]) -> list[Json]:
    last = elements[-1] if elements else {}
    return elements[:-1] if last in (text("\n"), text("\n\n")) else elements


@dataclass(frozen=True)
class _Around:
    """What is open around a token."""

    style: dict[str, bool]
    target: str = ""


def _inline(children: list[Token], **style: bool) -> list[Json]:
    made: list[Json] = []
    stack = [_Around(style)]
    for child in children:
        around = stack[-1]
        kind, _, edge = child.type.rpartition("_")
        if edge == "open" and kind in _MARKS:
            stack.append(replace(around, style=around.style | {_MARKS[kind]: True}))
        elif edge == "open" and kind == "link":
            href = str(child.attrs["href"])
            bold = {"bold": True} if href.startswith("member:") else {}
            stack.append(_Around(around.style | bold, href))
            if moment := _instant(href):
                made.append(moment)
        elif edge == "close":
            made_of = stack.pop()
            if made_of.target.startswith("when:") and made and made[-1]["type"] == "date":
                made[-1].pop("open", None)
        elif child.type in {"softbreak", "hardbreak"}:
            made.append(text("\n" if child.type == "hardbreak" else " "))
        elif child.type == "image":
            made.append(text(child.content, **around.style))
        elif child.content:
            style_here = around.style | ({"code": True} if child.type == "code_inline" else {})
            _add_words(made, child.content, replace(around, style=style_here))
    return made or [text(" ")]


def _add_words(made: list[Json], words: str, around: _Around) -> None:
    if made and made[-1].get("open"):  # the words of an instant are what old clients show
        made[-1]["fallback"] += words
        return
    style = {"style": around.style} if around.style else {}
    if around.target.startswith("channel:slack/"):
        name = unquote(around.target).rpartition("/")[2]
        made.append({"type": "channel", "channel_id": name, **style})
    elif around.target.lower().startswith(_WEB):
        made.append({"type": "link", "url": around.target, "text": words, **style})
    elif around.target.startswith("/"):
        made.append(text(unquote(around.target), code=True))
    else:
        made.append({"type": "text", "text": words, **style})


def _instant(href: str) -> Json | None:
    if not href.startswith("when:"):
        return None
    try:
        moment = datetime.fromisoformat(unquote(href.removeprefix("when:")))
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return {
        "type": "date",
        "timestamp": int(moment.timestamp()),
        "format": "{date_short_pretty}, {time}",
        "fallback": "",
        "open": True,
    }
