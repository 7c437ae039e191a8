"""A message as a terminal shows it: no markup, no escapes, tables in columns."""

from collections.abc import Callable

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.chat.local.markup import file_url
from bot.kit.message import Block, Buttons, Fields, File, Form, Image, Message, Table, Text

_MARKDOWN = MarkdownIt("commonmark", {"html": False})
_ADJUST: dict[str, Callable[[str, int], str]] = {
    "left": str.ljust,
    "right": str.rjust,
    "center": str.center,
}


def words_of(message: Message, *, url: str = "") -> str:
    """All that *message* says; *url* is the chat's address, for its files."""
    return "\n\n".join(part for block in message.blocks if (part := _block(block, url)))


def form_in_words(form: Form) -> str:
    """What the form asks for, and how to answer it from here."""
    lines = [f"{form.title}: this opens a form. Fill it in with --form NAME=VALUE", ""]
    width = max((len(field.name) for field in form.fields), default=0)
    for field in form.fields:
        choices = f" ({', '.join(value for value, _ in field.choices)})" if field.choices else ""
        mark = "*" if field.required else " "
        lines.append(f"  {mark} {field.name.ljust(width)}  {field.label}{choices}")
        if field.problem:
            lines.append(f"    {' ' * width}  ! {field.problem}")
    return "\n".join([*lines, "", "  * must be given"])


def _block(block: Block, url: str) -> str:
    match block:
        case Text():
            return _paragraphs(_MARKDOWN.parse(block.markdown))
        case Fields():
            pairs = [(_inline(name), _inline(value)) for name, value in block.pairs]
            width = max((len(name) for name, _ in pairs), default=0)
            return "\n".join(f"{name.ljust(width)}  {value}" for name, value in pairs)
        case Table():
            return _columns(block)
        case Image():
            return f"[picture: {block.alt}]\n{url}{file_url(block.sha256, block.name)}"
        case File():
            return f"[file: {block.label}]\n{url}{file_url(block.sha256, block.name)}"
        case Buttons():
            return "  ".join(f"[{button.label}]" for button in block.buttons)


def _columns(table: Table) -> str:
    rows = [[_inline(cell) for cell in row] for row in (table.head, *table.rows)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.head))]
    lines = [
        "  ".join(
            _ADJUST[align](cell, width)
            for cell, width, align in zip(row, widths, table.align, strict=True)
        ).rstrip()
        for row in rows
    ]
    lines.insert(1, "  ".join("─" * width for width in widths))
    return "\n".join(lines)


def _paragraphs(tokens: list[Token]) -> str:
    """Blocks apart by an empty line, lists tight, quotes and code set off."""
    parts: list[tuple[bool, str]] = []  # whether it is part of a list
    lists: list[int | None] = []  # the number an open ordered list is at; None for bullets
    quotes, bullet = 0, ""
    for token in tokens:
        match token.type:
            case "bullet_list_open":
                lists.append(None)
            case "ordered_list_open":
                lists.append(int(token.attrs.get("start", 1)) - 1)
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
            case "list_item_open":
                number = lists[-1]
                lists[-1] = None if number is None else number + 1
                bullet = "- " if number is None else f"{number + 1}. "
            case "blockquote_open" | "blockquote_close":
                quotes += token.nesting
            case "inline" | "fence" | "code_block":
                code = token.type != "inline"
                text = token.content.rstrip("\n") if code else _children(token.children or [])
                indent = "  " * max(0, len(lists) - 1)
                first = f"{'> ' * quotes}{indent}{bullet}{'    ' if code else ''}"
                rest = f"{'> ' * quotes}{indent}{' ' * len(bullet)}{'    ' if code else ''}"
                shown = first + f"\n{rest}".join(text.split("\n"))
                parts.append((bool(lists), shown))
                bullet = ""
            case _:
                pass
    text = ""
    for index, (listed, shown) in enumerate(parts):
        tight = index and listed and parts[index - 1][0]
        text += ("\n" if tight else "\n\n" if index else "") + shown
    return text


def _inline(markdown: str) -> str:
    return "".join(_children(t.children or []) for t in _MARKDOWN.parseInline(markdown))


def _children(children: list[Token]) -> str:
    out: list[str] = []
    target, label_from = "", 0
    for child in children:
        match child.type:
            case "softbreak" | "hardbreak":
                out.append("\n")
            case "link_open":
                target, label_from = str(child.attrs["href"]), len(out)
            case "link_close":
                if target.startswith("http") and "".join(out[label_from:]) != target:
                    out.append(f" ({target})")
            case _:
                out.append(child.content)
    return "".join(out)
