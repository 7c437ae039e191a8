"""From neutral blocks to Discord's layouts, as many messages as they need.

Limits: 40 components and 4,000 characters of text a message, 80 of a button, 100 of what it bears,
1,024 of a picture's description, 10 files of 10 MiB (Discord's reference of components).
"""

import hashlib
import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import discord
from discord import ui

from bot.chat.columns import as_columns, cells_wide
from bot.chat.discord.markup import blocks, escaped, fenced, inline, plain, shorter
from bot.kit.files import FileStore
from bot.kit.message import Buttons, Fields, File, Image, Message, Table, Text

MOST_PARTS = 5
MOST_BYTES = 10 * 1024 * 1024  #: of one file, where nobody has paid for more
_CHARACTERS, _COMPONENTS, _FILES = 3_800, 34, 9  # a little below what Discord takes
_LABEL, BEARS, _ALT = 80, 100, 1_024
_A_ROW = 5
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_STYLES = {
    "plain": discord.ButtonStyle.secondary,
    "primary": discord.ButtonStyle.primary,
    "danger": discord.ButtonStyle.danger,
}
PENDING, FAILED = discord.Colour(0x5865F2), discord.Colour(0xDA373C)
_Item = ui.Item[Any]


@dataclass(frozen=True)
class Attached:
    """A file that goes with a message."""

    path: Path
    name: str


@dataclass
class Part:
    """One message of Discord's."""

    items: list[_Item] = field(default_factory=list)
    files: list[Attached] = field(default_factory=list)
    colour: discord.Colour | None = None
    characters: int = 0
    components: int = 1  #: the card itself

    def view(self, marker: int | None = None) -> ui.LayoutView:
        """The card. Nobody waits for its buttons: a press is understood from what it bears."""
        view = ui.LayoutView(timeout=None)
        view.add_item(ui.Container(*self.items, accent_colour=self.colour, id=marker))
        view.stop()  # or discord.py keeps it in memory for ever
        return view

    @contextmanager
    def opened(self) -> Iterator[list[discord.File]]:
        """Its files, open for one request: discord.py closes them after some of those only."""
        files = [discord.File(f.path, filename=f.name) for f in self.files]
        try:
            yield files
        finally:
            for file in files:
                file.close()

    def fits(self, characters: int, components: int, files: int) -> bool:
        return (
            self.characters + characters <= _CHARACTERS
            and self.components + components <= _COMPONENTS
            and len(self.files) + files <= _FILES
        )


def marker(key: str, part: int) -> int:
    """What a card bears that says which message it is: a number of 31 bits, never zero.

    Discord keeps the ids of components, so that a message can be found again at any time.
    """
    return int.from_bytes(hashlib.sha256(f"{key}\n{part}".encode()).digest()[:4]) % (2**31 - 2) + 1


def nonce(key: str, part: int) -> str:
    """What Discord takes for "the same message again" for some minutes: 25 characters at most."""
    return hashlib.sha256(f"{key}\n{part}".encode()).hexdigest()[:24]


def parts(message: Message, store: FileStore, *, most_bytes: int = MOST_BYTES) -> list[Part]:
    """*message* as Discord shows it best.

    Args:
        message: What is to be said.
        store: Where its pictures and files are.
        most_bytes: The largest file that is taken there.
    """
    return _Pages(message, store, most_bytes).made


class _Pages:
    """Fills one page after the other."""

    def __init__(self, message: Message, store: FileStore, most_bytes: int) -> None:
        self._store, self._most = store, most_bytes
        self._colour = FAILED if message.failed else PENDING if message.pending else None
        self.made = [Part(colour=self._colour)]
        self._words: list[str] = []
        self._buttons = 0
        for block in message.blocks:
            self._add(block)
        if message.pending:
            self._say("-# ⏳ Still at work: this message will change.")
        self._flush()
        if not self.made[-1].items:
            self._put(ui.TextDisplay("—"), characters=1)

    def _add(self, block: object) -> None:
        match block:
            case Text():
                for said in blocks(block.markdown):
                    self._say(said)
            case Fields():
                lines = (f"**{inline(name)}:** {inline(value)}" for name, value in block.pairs)
                self._say("\n".join(lines))
            case Table():
                for said in _table(block):
                    self._say(said)
            case Image():
                self._image(block)
            case File():
                self._file(block)
            case Buttons():
                self._row(block)

    def _say(self, words: str) -> None:
        """Take *words* into the text that is being gathered, or begin a new page with them."""
        for piece in shorter(words, _CHARACTERS):
            size = len(piece) + 2
            if not self.made[-1].fits(
                sum(map(len, self._words)) + 2 * len(self._words) + size, 1, 0
            ):
                self._flush()
                if not self.made[-1].fits(size, 1, 0):
                    self.made.append(Part(colour=self._colour))
            self._words.append(piece)

    def _flush(self) -> None:
        if self._words:
            text = _joined(self._words)
            self._words = []
            self._put(ui.TextDisplay(text), characters=len(text))

    def _put(
        self, item: _Item, *, characters: int = 0, components: int = 1, file: Attached | None = None
    ) -> None:
        self._flush()
        if not self.made[-1].fits(characters, components, 1 if file else 0):
            self.made.append(Part(colour=self._colour))
        page = self.made[-1]
        page.items.append(item)
        page.characters += characters
        page.components += components
        if file:
            page.files.append(file)

    def _attached(self, sha256: str, name: str) -> Attached | None:
        """The file as it goes along; None where it is gone or too large."""
        path = self._store.path(sha256)
        if not path.is_file() or path.stat().st_size > self._most:
            return None
        self._flush()
        known = {f.name for page in self.made for f in page.files}
        safe = _UNSAFE.sub("_", name).strip("._")[-80:] or "file"
        return Attached(path, safe if safe not in known else f"{len(known)}-{safe}")

    def _image(self, image: Image) -> None:
        alt = plain(image.alt)[:_ALT] or image.name
        file = self._attached(image.sha256, image.name)
        if file is None:
            self._say(f"🖼 {escaped(alt)}")
            return
        picture = discord.MediaGalleryItem(f"attachment://{file.name}", description=alt)
        self._put(ui.MediaGallery(picture), file=file)

    def _file(self, block: File) -> None:
        file = self._attached(block.sha256, block.name)
        if file is None:
            self._say(f"📎 {inline(block.label)} (too large for Discord, or not kept any more)")
            return
        self._say(f"📎 {inline(block.label)}")
        self._put(ui.File(f"attachment://{file.name}"), file=file)

    def _row(self, row: Buttons) -> None:
        fit = [b for b in row.buttons if len(b.command) <= BEARS - 4]
        for start in range(0, len(fit), _A_ROW):
            made = []
            for button in fit[start : start + _A_ROW]:
                made.append(
                    ui.Button[Any](
                        label=button.label[:_LABEL],
                        style=_STYLES[button.style],
                        custom_id=f"{self._buttons:x}:{button.command}",
                    )
                )
                self._buttons += 1
            self._put(ui.ActionRow(*made), components=1 + len(made))
        for button in row.buttons:
            if button not in fit:  # it can still be typed
                self._say(f"{escaped(button.label)}: `{button.command.replace('`', '')}`")


def command_of(custom_id: str) -> str:
    """The line that a button types."""
    return custom_id.partition(":")[2]


def _joined(words: list[str]) -> str:
    """Paragraphs with a line between them; a heading stays with what it heads."""
    made = words[0]
    for before, piece in itertools.pairwise(words):
        last = before.rpartition("\n")[2]
        close = last.startswith(("## ", "### ")) or piece.startswith(("- ", "1. ", "```"))
        made += ("\n" if close else "\n\n") + piece
    return made


def _table(table: Table) -> Iterator[str]:
    head = [plain(cell) for cell in table.head]
    rows = [[plain(cell) for cell in row] for row in table.rows]
    if not cells_wide(head, rows):
        yield fenced(as_columns(head, rows, table.align))
        return
    for row in table.rows:
        named = [
            f"{escaped(name)}: {inline(cell)}" if name else inline(cell)
            for name, cell in zip(head, row, strict=True)
        ]
        yield "\n".join([f"**{named[0]}**", " · ".join(named[1:])])
