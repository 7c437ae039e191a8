"""Whether Slack would take blocks and views: our table of limits, and slack_sdk's own models.

Each complaint reads as Slack's do: what must be, and where, as a JSON pointer.
"""

import json

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

from . import limits
from .elements import check_element
from .texts import check_text, long

#: type of a block → where it may stand
SURFACES = {
    "actions": {"message", "modal", "home"},
    "context": {"message", "modal", "home"},
    "divider": {"message", "modal", "home"},
    "file": {"message"},
    "header": {"message", "modal", "home"},
    "image": {"message", "modal", "home"},
    "input": {"message", "modal", "home"},
    "markdown": {"message"},
    "rich_text": {"message", "modal", "home"},
    "section": {"message", "modal", "home"},
    "table": {"message"},
    "video": {"message", "modal", "home"},
}


def check_blocks(blocks, *, surface="message", at="/blocks"):
    """Give what Slack would complain about; empty when it would take the blocks."""
    if not isinstance(blocks, list) or not all(isinstance(b, dict) for b in blocks):
        return [f"must be an array of blocks [json-pointer:{at}]"]
    most = limits.BLOCKS_OF_A_MESSAGE if surface == "message" else limits.BLOCKS_OF_A_VIEW
    complaints = [f"no more than {most} items allowed [json-pointer:{at}]"] * (len(blocks) > most)
    for i, block in enumerate(blocks):
        complaints += _check_block(block, surface, f"{at}/{i}")
    ids = [b["block_id"] for b in blocks if b.get("block_id")]
    twice = sorted({i for i in ids if ids.count(i) > 1})
    complaints += [f"block_id `{i}` already exists [json-pointer:{at}]" for i in twice]
    return complaints or _models_say(blocks, at)


def too_long(blocks):
    """Tell whether the blocks together are more than one message holds."""
    return len(json.dumps(blocks, ensure_ascii=False)) > limits.CHARACTERS_OF_ALL_BLOCKS


def check_view(view):
    """Give what Slack would complain about in a modal or a home."""
    if not isinstance(view, dict) or view.get("type") not in {"modal", "home"}:
        return ["must be a modal or a home [json-pointer:/view/type]"]
    complaints = check_blocks(view.get("blocks"), surface=view["type"], at="/view/blocks")
    for name, most in (
        ("private_metadata", limits.PRIVATE_METADATA),
        ("callback_id", limits.CALLBACK_ID),
        ("external_id", limits.EXTERNAL_ID),
    ):
        complaints += long(view.get(name), most, f"/view/{name}")
    if view["type"] == "modal":
        complaints += _check_titles(view)
    return complaints


def _check_titles(view):
    complaints = check_text(view.get("title"), limits.VIEW_TITLE, "/view/title", plain=True)
    for name in ("submit", "close"):
        if view.get(name) is not None:
            complaints += check_text(view[name], limits.VIEW_BUTTON, f"/view/{name}", plain=True)
    if view.get("submit") is None and any(b.get("type") == "input" for b in view["blocks"]):
        complaints.append("a view with input blocks needs `submit` [json-pointer:/view]")
    return complaints


def _check_block(block, surface, at):
    kind = block.get("type")
    if kind not in SURFACES:
        return [f"unsupported type: {kind} [json-pointer:{at}/type]"]
    if surface not in SURFACES[kind]:
        return [f"unsupported type: {kind} in a {surface} [json-pointer:{at}/type]"]
    complaints = long(block.get("block_id"), limits.BLOCK_ID, f"{at}/block_id")
    return complaints + _CHECKS.get(kind, _anything)(block, surface, at)


def _anything(block, surface, at):
    return []


def _section(block, surface, at):
    fields, complaints = block.get("fields"), []
    if block.get("text") is None and not fields:
        complaints.append(f"missing required field: text or fields [json-pointer:{at}]")
    if block.get("text") is not None:
        complaints += check_text(block["text"], limits.SECTION_TEXT, f"{at}/text")
    if len(fields or ()) > limits.SECTION_FIELDS:
        complaints.append(
            f"no more than {limits.SECTION_FIELDS} items allowed [json-pointer:{at}/fields]"
        )
    for i, one in enumerate(fields or ()):
        complaints += check_text(one, limits.FIELD_TEXT, f"{at}/fields/{i}")
    if block.get("accessory"):
        complaints += check_element(block["accessory"], f"{at}/accessory", inside="section")
    return complaints


def _header(block, surface, at):
    return check_text(block.get("text"), limits.HEADER_TEXT, f"{at}/text", plain=True)


def _markdown(block, surface, at):
    return long(block.get("text") or None, limits.MARKDOWN_TEXT, f"{at}/text", needed=True)


def _many(block, most, at):
    elements = block.get("elements")
    if not isinstance(elements, list) or not elements:
        return [f"no fewer than 1 item allowed [json-pointer:{at}/elements]"]
    too_many = len(elements) > most
    return [f"no more than {most} items allowed [json-pointer:{at}/elements]"] * too_many


def _context(block, surface, at):
    complaints = _many(block, limits.CONTEXT_ELEMENTS, at)
    for i, element in enumerate(block.get("elements") or ()):
        here = f"{at}/elements/{i}"
        if element.get("type") == "image":
            complaints += _image(element, surface, here)
        else:
            complaints += check_text(element, limits.CONTEXT_TEXT, here)
    return complaints


def _actions(block, surface, at):
    complaints = _many(block, limits.ACTIONS_ELEMENTS, at)
    for i, element in enumerate(block.get("elements") or ()):
        complaints += check_element(element, f"{at}/elements/{i}", inside="actions")
    ids = [e["action_id"] for e in block.get("elements") or () if e.get("action_id")]
    twice = sorted({i for i in ids if ids.count(i) > 1})
    return complaints + [f"action_id `{i}` already exists [json-pointer:{at}]" for i in twice]


def _input(block, surface, at):
    complaints = check_text(block.get("label"), limits.INPUT_LABEL, f"{at}/label", plain=True)
    if block.get("hint") is not None:
        complaints += check_text(block["hint"], limits.INPUT_HINT, f"{at}/hint", plain=True)
    element = block.get("element")
    if not isinstance(element, dict):
        return [*complaints, f"missing required field: element [json-pointer:{at}]"]
    if element.get("type") == "file_input" and surface != "modal":
        complaints.append(f"file_input stands in modals only [json-pointer:{at}/element]")
    return complaints + check_element(element, f"{at}/element", inside="input")


def _image(block, surface, at):
    complaints = long(block.get("alt_text"), limits.IMAGE_ALT_TEXT, f"{at}/alt_text", needed=True)
    if block.get("slack_file") is None:
        url = block.get("image_url")
        complaints += long(url, limits.IMAGE_URL, f"{at}/image_url", needed=True)
    if block.get("title") is not None:
        complaints += check_text(block["title"], limits.IMAGE_TITLE, f"{at}/title", plain=True)
    return complaints


def _models_say(blocks, at):
    """Let the models of slack_sdk say what they would refuse to send."""
    complaints = []
    for i, block in enumerate(blocks):
        try:
            parsed = Block.parse(block)
            if parsed is not None:
                parsed.validate_json()
        except (SlackObjectFormationError, TypeError) as refused:
            complaints.append(f"{refused} [json-pointer:{at}/{i}]")
    return complaints


_CHECKS = {
    "section": _section,
    "header": _header,
    "markdown": _markdown,
    "context": _context,
    "actions": _actions,
    "input": _input,
    "image": _image,
}
