"""From blocks to what the page shows: HTML that nobody but us can have put a tag into.

The page takes this HTML as it is, so this is the one place where text becomes markup. HTML in the
source is off, links lead to http(s), a mail address or one of our own schemes, and pictures come
from our own store.
"""

from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.kit.message import Block, Buttons, Fields, File, Image, Message, Table, Text

_MARKDOWN = MarkdownIt("commonmark", {"html": False})
# It would take the digits and colons of "when:…" for a host and its port.
_MARKDOWN.normalizeLink = str  # type: ignore[assignment,method-assign]
_ELSEWHERE = ("http://", "https://", "mailto:")


def blocks_for_page(message: Message) -> list[dict[str, Any]]:
    """The blocks as JSON; every key that begins with ``html`` holds HTML, all others plain text."""
    return [_block(block) for block in message.blocks]


def file_url(sha256: str, name: str) -> str:
    return f"/api/files/{quote(sha256, safe='')}/{quote(name, safe='')}"


def _block(block: Block) -> dict[str, Any]:
    match block:
        case Text():
            return {"kind": "text", "html": _render(_MARKDOWN.parse(block.markdown))}
        case Fields():
            pairs = [[_inline(name), _inline(value)] for name, value in block.pairs]
            return {"kind": "fields", "html_pairs": pairs}
        case Table():
            return {
                "kind": "table",
                "html_head": [_inline(cell) for cell in block.head],
                "html_rows": [[_inline(cell) for cell in row] for row in block.rows],
                "align": list(block.align),
            }
        case Image() | File():
            return {**block.model_dump(), "url": file_url(block.sha256, block.name)}
        case Buttons():
            return block.model_dump(mode="json")


def _inline(markdown: str) -> str:
    return _render(_MARKDOWN.parseInline(markdown))


def _render(tokens: list[Token]) -> str:
    for token in tokens:
        if token.children:
            token.children = _resolved(token.children)
    return str(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))


def _resolved(children: list[Token]) -> list[Token]:
    """Turn every link into the element its scheme stands for, and foreign pictures into words."""
    closing = "span"
    resolved = []
    for child in children:
        if child.type == "link_open":
            child.tag, child.attrs = _element(str(child.attrs["href"]))
            closing = child.tag
        elif child.type == "link_close":
            child.tag = closing
        elif child.type == "image":
            child = _picture(child)  # noqa: PLW2901 - the list is made anew
        resolved.append(child)
    return resolved


def _element(href: str) -> tuple[str, dict[str, str | int | float]]:
    scheme, _, rest = href.partition(":")
    if scheme == "when" and (moment := _instant(unquote(rest))):
        return "time", {"datetime": moment.isoformat(), "class": "when"}
    if scheme == "member":
        return "span", {"class": "member"}
    if scheme == "blob":
        sha256, _, name = unquote(rest).partition("/")
        return "a", {"href": file_url(sha256, name), "class": "file", "download": name}
    if href.startswith("/"):
        return "button", {"type": "button", "class": "inline", "data-command": unquote(href)}
    if href.lower().startswith(_ELSEWHERE):
        return "a", {"href": href, "target": "_blank", "rel": "noopener noreferrer nofollow"}
    return "span", {}


def _picture(token: Token) -> Token:
    source = str(token.attrs.get("src", ""))
    if not source.startswith("blob:"):
        return Token("text", "", 0, content=token.content)
    sha256, _, name = unquote(source.removeprefix("blob:")).partition("/")
    token.attrs = {"src": file_url(sha256, name), "alt": "", "loading": "lazy"}
    return token


def _instant(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
