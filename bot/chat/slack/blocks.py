"""From neutral blocks to Slack's, as many messages as they need.

Limits: 50 blocks and about 13,000 characters a message, 150 of a header, 75 of a button, 2,000 of
its value and of a picture's text (Slack's reference of Block Kit).
"""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bot.chat.columns import as_columns, cells_wide
from bot.chat.slack.markup import Heading, Json, inline, plain, preformatted, rich, section, text
from bot.kit.blocks import words
from bot.kit.message import Buttons, Fields, File, Image, Message, Table, Text

MOST_PARTS = 5
_BLOCKS, _CHARACTERS = 45, 12_000
_HEADER, _LABEL, _VALUE, _ALT = 150, 75, 2_000, 2_000
_TEXT = 3_000  # of one rich text element, and of the words beside the blocks
_TEXT_BYTES = 3_900  # of those words, too: an edit takes 4,000, counted as they are sent
_A_ROW = 5
_STYLES = {"plain": {}, "primary": {"style": "primary"}, "danger": {"style": "danger"}}


@dataclass(frozen=True)
class Part:
    """One message of Slack's: its blocks, and the words for notifications and screen readers."""

    blocks: list[Json]
    text: str


def parts(message: Message, pictures: Mapping[str, str]) -> list[Part]:
    """*message* as Slack shows it best.

    Args:
        message: Its pictures have been uploaded, as far as they are among
        pictures: the hash of each, and the id of its file at Slack.
    """
    blocks = list(_blocks(message, pictures))
    if message.pending:
        blocks.append(_context("⏳ Still at work: this message will change."))
    pages = list(_pages(blocks))
    spoken = escaped(words(message))
    return [
        Part(page, _spoken(spoken if len(pages) == 1 else f"({i}/{len(pages)}) {spoken}"))
        for i, page in enumerate(pages, 1)
    ]


def escaped(words: str) -> str:
    """*words* for a field that Slack looks through for mentions and markup."""
    safe = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return safe.replace("@", "@\u2060")  # no name and no @channel, whatever Slack makes of them


def _blocks(message: Message, pictures: Mapping[str, str]) -> Iterator[Json]:
    numbers = itertools.count()
    for block in message.blocks:
        match block:
            case Text():
                yield from _text(rich(block.markdown))
            case Fields():
                lines = [
                    [text(f"{plain(name)}: ", bold=True), *inline(value), text("\n")]
                    for name, value in block.pairs
                ]
                yield from _text(section(line) for line in lines)
            case Table():
                yield from _table(block)
            case Image():
                yield _image(block, pictures)
            case File():
                yield _context(f"📎 {plain(block.label)} (in the thread)")
            case Buttons():
                yield from _buttons(block, numbers)


def _text(elements: Iterable[Json | Heading]) -> Iterator[Json]:
    """Headings as blocks of their own, all else as rich text."""
    waiting: list[Json] = []
    for element in elements:
        if isinstance(element, Heading):
            if waiting:
                yield _rich(waiting)
            waiting = []
            yield {"type": "header", "text": _plain(_cut(element.text or " ", _HEADER))}
        else:
            waiting += _split(element)
    if waiting:
        yield _rich(waiting)


def _rich(elements: list[Json]) -> Json:
    return {"type": "rich_text", "elements": elements}


def _split(element: Json) -> Iterator[Json]:
    """*element* in pieces of which each fits, cut between words where that is possible."""
    if element["type"] == "rich_text_list":
        yield from _split_list(element)
        return
    piece: list[Json] = []
    size = 0
    for part in element["elements"]:
        for cut in _shorter(part):
            length = len(json.dumps(cut, ensure_ascii=False))
            if piece and size + length > _TEXT * 2:
                yield element | {"elements": piece}
                piece, size = [], 0
            piece.append(cut)
            size += length
    yield element | {"elements": piece}


def _split_list(whole: Json) -> Iterator[Json]:
    """A list in pieces: numbers go on, and what is too long for one item goes on below it."""
    items: list[Json] = []
    size, before = 0, whole.get("offset", 0)

    def piece() -> Json:
        counts = whole["style"] == "ordered" and before
        return whole | {"elements": items} | ({"offset": before} if counts else {})

    for item in whole["elements"]:
        first, *rest = _split(item)
        length = len(json.dumps(first, ensure_ascii=False))
        if items and size + length > _TEXT * 2:
            yield piece()
            before, items, size = before + len(items), [], 0
        items.append(first)
        size += length
        if rest:
            yield piece()
            before, items, size = before + len(items), [], 0
            yield from rest
    if items:
        yield piece()


def _shorter(part: Json) -> Iterator[Json]:
    if part["type"] != "text":
        yield part
        return
    rest = part["text"]
    while len(rest) > _TEXT:
        end = max(rest.rfind("\n", 0, _TEXT), rest.rfind(" ", 0, _TEXT)) + 1 or _TEXT
        yield part | {"text": rest[:end]}
        rest = rest[end:]
    yield part | {"text": rest}


def _table(table: Table) -> Iterator[Json]:
    head = [plain(cell) for cell in table.head]
    rows = [[plain(cell) for cell in row] for row in table.rows]
    if cells_wide(head, rows):
        for row in rows:
            named = [
                f"{name}: {cell}" if name else cell for name, cell in zip(head, row, strict=True)
            ]
            yield from _text(
                [section([text(named[0], bold=True), text(f"\n{' · '.join(named[1:])}\n")])]
            )
    else:
        yield from _text([preformatted(as_columns(head, rows, table.align))])


def _image(image: Image, pictures: Mapping[str, str]) -> Json:
    alt = _cut(plain(image.alt) or image.name, _ALT)
    if image.sha256 not in pictures:
        return _context(f"🖼 {alt}")
    return {"type": "image", "alt_text": alt, "slack_file": {"id": pictures[image.sha256]}}


def _buttons(row: Buttons, numbers: Iterator[int]) -> Iterator[Json]:
    made = [
        {
            "type": "button",
            "action_id": f"say:{next(numbers)}",
            "text": _plain(_cut(button.label, _LABEL)),
            "value": button.command[:_VALUE],
            **_STYLES[button.style],
        }
        for button in row.buttons
    ]
    for start in range(0, len(made), _A_ROW):
        yield {"type": "actions", "elements": made[start : start + _A_ROW]}


def _pages(blocks: list[Json]) -> Iterator[list[Json]]:
    page: list[Json] = []
    size = 0
    for block in blocks:
        for piece in _smaller(block):
            length = len(json.dumps(piece, ensure_ascii=False)) + 40  # Slack adds ids
            if page and (len(page) == _BLOCKS or size + length > _CHARACTERS):
                yield page
                page, size = [], 0
            page.append(piece)
            size += length
    yield page or [_context("—")]


def _smaller(block: Json) -> Iterator[Json]:
    """A rich text block that is too large for a page, in pieces."""
    if block["type"] != "rich_text":
        yield block
        return
    piece: list[Json] = []
    size = 0
    for element in block["elements"]:
        length = len(json.dumps(element, ensure_ascii=False))
        if piece and size + length > _CHARACTERS // 2:
            yield _rich(piece)
            piece, size = [], 0
        piece.append(element)
        size += length
    yield _rich(piece)


def _context(words: str) -> Json:
    return {"type": "context", "elements": [_plain(_cut(words, _ALT))]}


def _plain(words: str) -> Json:
    return {"type": "plain_text", "text": words or " ", "emoji": False}


def _spoken(words: str) -> str:
    cut = _cut(words, _TEXT).encode()
    return (
        cut.decode() if len(cut) <= _TEXT_BYTES else cut[:_TEXT_BYTES].decode(errors="ignore") + "…"
    )


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"
