"""Discord's components as its client draws them."""

import html
import re

_KEPT = re.compile("\x01(\\d+)\x02")
_STYLES = {1: "primary", 2: "plain", 3: "good", 4: "danger", 5: "plain"}


def drawn(components, files):
    return "".join(_one(c, files) for c in components)


def _one(part, files):
    match part["type"]:
        case 17:
            colour = part.get("accent_color")
            edge = f"border-left:4px solid #{colour:06x}" if colour else ""
            return f'<div class="card" style="{edge}">{drawn(part["components"], files)}</div>'
        case 10:
            return f'<div class="text">{markdown(part["content"])}</div>'
        case 1:
            return f'<div class="row">{drawn(part["components"], files)}</div>'
        case 2:
            return f'<button class="{_STYLES[part["style"]]}">{html.escape(part["label"])}</button>'
        case 12:
            shown = [i.get("description", "") for i in part["items"]]
            return "".join(f'<div class="picture">{html.escape(alt)}</div>' for alt in shown)
        case 13:
            name = part["file"]["url"].rpartition("/")[2]
            return f'<div class="file">📄 {html.escape(name)}</div>'
        case 14:
            return "<hr>"
    raise ValueError(part["type"])


def markdown(text):
    """What Discord makes of *text*."""
    kept = []

    def keep(shown):
        kept.append(shown)
        return f"\x01{len(kept) - 1}\x02"

    text = re.sub(
        r"```\n?(.*?)\n?```",
        lambda m: keep(f"<pre>{html.escape(m[1])}</pre>"),
        text,
        flags=re.DOTALL,
    )
    text = re.sub(r"(`+)(.+?)\1", lambda m: keep(f"<code>{html.escape(m[2].strip())}</code>"), text)
    text = re.sub(r"\\([^\w\s])", lambda m: keep(html.escape(m[1])), text)
    text = re.sub(r"<t:(\d+):\w>", lambda _: keep("<mark>23 November 2026 10:00</mark>"), text)
    text = re.sub(r"<#(\d+)>", lambda _: keep("<mark>#channel</mark>"), text)
    text = re.sub(
        r"\[([^\]]*)\]\(<([^>]*)>\)", lambda m: keep(f'<a href="#">{_inline(m[1])}</a>'), text
    )
    shown = "".join(_line(line) for line in html.escape(text, quote=False).split("\n"))
    while _KEPT.search(shown):
        shown = _KEPT.sub(lambda m: kept[int(m[1])], shown)
    return shown


def _line(line):
    for mark, tag in (("### ", "h3"), ("## ", "h2"), ("# ", "h1"), ("-# ", "small")):
        if line.startswith(mark):
            return f"<{tag}>{_inline(line.removeprefix(mark))}</{tag}>"
    if item := re.match(r"(\s*)(-|\d+\.) (.*)", line):
        sign = "•" if item[2] == "-" else item[2]
        return f'<div class="item" style="margin-left:{len(item[1]) * 8}px">{sign} {_inline(item[3])}</div>'
    if line.startswith("&gt; "):
        return f"<blockquote>{_inline(line.removeprefix('&gt; '))}</blockquote>"
    return f"<div>{_inline(line)}</div>" if line else '<div class="gap"></div>'


def _inline(text):
    text = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", text)
    text = re.sub(r"(?<![\w*])\*(?!\s)(.+?)\*", r"<i>\1</i>", text)
    text = re.sub(r"~~(.+?)~~", r"<s>\1</s>", text)
    return re.sub(r"(https?://[^\s<\x01]+)", r'<a href="#">\1</a>', text)
