"""From our own markdown to what Discord makes of text.

Discord's markdown is not CommonMark: it has no character entities, takes a single line break for
one, and finds people, channels and instants in angle brackets. So the words are parsed as the
CommonMark they are, and said again in Discord's own, with everything escaped that is only words.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import unquote

from markdown_it.token import Token

from bot.chat.source import MARKDOWN
from bot.kit.blocks import closing

_WEB = ("http://", "https://")
_MARKS = {"strong": "**", "em": "*", "s": "~~"}
_HEADINGS = {"h1": "## ", "h2": "### "}  # a size smaller: cards stand among other people's words
_BARE_LINK = re.compile(r"(https?://[^\s<>]+)")
_MEANINGFUL = re.compile(r"([\\*_~`|<>\[\]])")
_AT_A_START = re.compile(r"^(\s*)(#{1,3}|-#|[-+]|>{1,3})(?=\s)|^(\s*\d+)(?=\.\s)", re.MULTILINE)
_MENTION = re.compile(r"@(?=everyone|here|&?!?\d)")
_JOINED = "@\u2060"  # looks the same, and means nobody


def blocks(markdown: str) -> Iterator[str]:
    """What *markdown* says, a paragraph, list, heading or block of code at a time."""
    tokens = MARKDOWN.parse(markdown)
    yield from _blocks(tokens, 0, len(tokens))


def inline(markdown: str) -> str:
    """One line of it."""
    return _inline(MARKDOWN.parseInline(markdown)[0].children or [])


def plain(markdown: str) -> str:
    """The words of one line, as they are read, for where Discord takes no markdown."""
    children = MARKDOWN.parseInline(markdown)[0].children or []
    return harmless("".join(c.content or (" " if c.type == "softbreak" else "") for c in children))


def escaped(words: str) -> str:
    """*words* as they are: no format, no link but bare ones, nobody named."""
    pieces = _BARE_LINK.split(words)
    for number in range(0, len(pieces), 2):
        pieces[number] = _MEANINGFUL.sub(r"\\\1", pieces[number])
    return harmless("".join(pieces))


def harmless(words: str) -> str:
    """*words* in which nobody is called, wherever they stand."""
    return _MENTION.sub(_JOINED, words)


def fenced(words: str) -> str:
    """*words* in a block of equally wide characters."""
    inside = harmless(words).replace("```", "`\u2060``")
    return f"```\n{inside}\n```"


def shorter(block: str, most: int) -> Iterator[str]:
    """*block* in pieces of at most *most* characters, cut between lines or words where possible."""
    fence = "```\n" if block.startswith("```\n") and block.endswith("\n```") else ""
    rest = block.removeprefix(fence).removesuffix("\n```") if fence else block
    room = most - 2 * len(fence) if fence else most
    while len(rest) > room:
        end = max(rest.rfind("\n", 0, room), 0 if fence else rest.rfind(" ", 0, room)) + 1 or room
        if rest[end - 1] == "\\":  # what it escapes must not be left behind
            end -= 1
        yield f"{fence}{rest[:end].rstrip()}\n```" if fence else rest[:end].rstrip()
        rest = rest[end:]
    if rest.strip():
        yield f"{fence}{rest}\n```" if fence else rest


def _blocks(tokens: list[Token], start: int, end: int) -> Iterator[str]:
    at = start
    while at < end:
        token = tokens[at]
        close = closing(tokens, at)
        match token.type:
            case "heading_open":
                words = _inline(tokens[at + 1].children or [])
                mark = _HEADINGS.get(token.tag)
                yield f"{mark}{words}" if mark else f"**{words}**"
            case "paragraph_open":
                yield _at_line_starts(_inline(tokens[at + 1].children or []))
            case "fence" | "code_block":
                yield fenced(token.content.rstrip("\n") or " ")
            case "bullet_list_open" | "ordered_list_open":
                yield "\n".join(_items(tokens, at, close))
            case "blockquote_open":
                inside = "\n\n".join(_blocks(tokens, at + 1, close))
                yield "\n".join(f"> {line}" for line in inside.split("\n"))
            case "hr":
                yield "─────"
            case _:
                pass
        at = close + 1


def _items(tokens: list[Token], start: int, end: int) -> Iterator[str]:
    ordered = tokens[start].type == "ordered_list_open"
    number = int(tokens[start].attrs.get("start", 1)) if ordered else 1
    at = start + 1
    while at < end:
        close = closing(tokens, at)
        mark = f"{number}. " if ordered else "- "
        lines = "\n".join(_blocks(tokens, at + 1, close)).split("\n")
        yield mark + ("\n" + " " * len(mark)).join(lines)
        number += 1
        at = close + 1


def _at_line_starts(text: str) -> str:
    """*text* with what would begin a list, a heading or a quote taken as the characters they are."""
    return _AT_A_START.sub(lambda m: f"{m[1]}\\{m[2]}" if m[2] else f"{m[3]}\\", text)


def _inline(children: list[Token]) -> str:
    made: list[str] = []
    targets: list[str] = []
    bold = 0
    for child in children:
        kind, _, edge = child.type.rpartition("_")
        bold += child.nesting if kind == "strong" else 0
        if kind in _MARKS:
            made.append(_MARKS[kind])
        elif kind == "link" and edge == "open":
            targets.append(str(child.attrs["href"]))
            made.append("\x01")  # where the words of the link begin
        elif kind == "link":
            begin = len(made) - 1 - made[::-1].index("\x01")
            words = "".join(made[begin + 1 :])
            made[begin:] = [_linked(words, targets.pop(), bold=bold > 0)]
        elif child.type == "hardbreak":
            made.append("\n")
        elif child.type == "softbreak":
            made.append(" ")
        elif child.type == "code_inline":
            made.append(_code(child.content))
        elif child.content:
            made.append(escaped(child.content.replace("\x01", "")))
    return "".join(made) or "\u200b"


def _linked(words: str, target: str, *, bold: bool) -> str:
    if target.startswith("when:"):
        return _instant(target) or words
    if target.startswith("member:"):
        return words if bold else f"**{words}**"
    if target.startswith("channel:discord/"):
        return f"<#{unquote(target).rpartition('/')[2]}>"
    if target.startswith("/"):
        return _code(unquote(target))
    if target.lower().startswith(_WEB) and not re.search(r"[\s<>]", target):
        return f"[{words}](<{target}>)"
    return words


def _code(words: str) -> str:
    ticks = "``" if "`" in words else "`"
    padded = f" {words} " if "`" in words else words
    return f"{ticks}{harmless(padded)}{ticks}" if words.strip() else words


def _instant(target: str) -> str:
    try:
        moment = datetime.fromisoformat(unquote(target.removeprefix("when:")))
    except ValueError:
        return ""
    return f"<t:{int(moment.timestamp())}:f>" if moment.tzinfo else ""
