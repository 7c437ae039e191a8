"""From our own markdown (see ``bot.kit.message``) to blocks, and from blocks to bare words."""

from functools import lru_cache
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.kit.message import Block, Button, Buttons, Fields, File, Image, Message, Table, Text

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
_ALIGN = {"text-align:right": "right", "text-align:center": "center"}


@lru_cache(maxsize=256)  # help, cards and boards are asked for again and again
def blocks_of(markdown: str) -> tuple[Block, ...]:
    """Read our own markdown into blocks: tables, pictures, files and buttons apart from text."""
    lines = markdown.split("\n")
    blocks: list[Block] = []
    tokens = _MARKDOWN.parse(markdown)
    position = 0
    while position < len(tokens):
        token = tokens[position]
        end = position if token.nesting == 0 else closing(tokens, position)
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


def closing(tokens: list[Token], position: int) -> int:
    """The place of the token that closes what the one at *position* opens."""
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
