"""Slack's blocks as its client draws them."""

import html


def drawn(blocks):
    return "".join(_block(b) for b in blocks)


def _block(block):
    match block["type"]:
        case "header":
            return f"<h2>{_plain(block['text'])}</h2>"
        case "rich_text":
            return "".join(_element(e) for e in block["elements"])
        case "context":
            return f"<small>{' '.join(_plain(e) for e in block['elements'])}</small>"
        case "image":
            return f'<div class="picture">{html.escape(block["alt_text"])}</div>'
        case "actions":
            return f'<div class="row">{"".join(_button(b) for b in block["elements"])}</div>'
        case "divider":
            return "<hr>"
    raise ValueError(block["type"])


def _button(button):
    return f'<button class="{button.get("style", "plain")}">{_plain(button["text"])}</button>'


def _element(element):
    inside = element["elements"]
    match element["type"]:
        case "rich_text_section":
            return f"<div>{_inline(inside)}</div>"
        case "rich_text_preformatted":
            return f"<pre>{_inline(inside)}</pre>"
        case "rich_text_quote":
            return f"<blockquote>{_inline(inside)}</blockquote>"
        case "rich_text_list":
            numbered = element["style"] == "ordered"
            first = element.get("offset", 0) + 1
            left = element.get("indent", 0) * 16
            return "".join(
                f'<div class="item" style="margin-left:{left}px">'
                f"{f'{n}.' if numbered else '•'} {_inline(item['elements'])}</div>"
                for n, item in enumerate(inside, first)
            )
    raise ValueError(element["type"])


def _inline(parts):
    return "".join(_part(p) for p in parts)


def _part(part):
    style = part.get("style", {})
    match part["type"]:
        case "text":
            shown = html.escape(part["text"]).rstrip("\n").replace("\n", "<br>")
            shown += "<br>" if part["text"].endswith("\n\n") else ""
        case "link":
            shown = f'<a href="#">{html.escape(part["text"])}</a>'
        case "date":
            shown = "<mark>Nov 23, 2026, 10:00 AM</mark>"
        case "channel":
            shown = "<mark>#channel</mark>"
        case other:
            raise ValueError(other)
    for name, tag in (("code", "code"), ("bold", "b"), ("italic", "i"), ("strike", "s")):
        if style.get(name):
            shown = f"<{tag}>{shown}</{tag}>"
    return shown


def _plain(text):
    return html.escape(text["text"])
