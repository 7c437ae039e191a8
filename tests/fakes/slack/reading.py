"""What a person sees of blocks: the words, and what can be pressed or filled in."""


class NotThere(AssertionError):  # noqa: N818 - a fact, as tests read it
    """A person looked for something that is not on their screen."""


def words(blocks):
    """Give all words of blocks, line by line, as they are read."""
    return "\n".join(_words(blocks))


def _words(node):
    if isinstance(node, list):
        for part in node:
            yield from _words(part)
    elif isinstance(node, dict):
        if isinstance(node.get("text"), str):
            yield node["text"]
        for name, part in node.items():
            if name != "text" or not isinstance(part, str):
                yield from _words(part)


def elements_of(blocks):
    """Give (block, element) for everything interactive, in the order of reading."""
    for block in blocks:
        kind = block.get("type")
        if kind == "actions":
            yield from ((block, element) for element in block["elements"])
        elif kind == "section" and block.get("accessory", {}).get("type") not in (None, "image"):
            yield block, block["accessory"]
        elif kind == "input":
            yield block, block["element"]


def label_of(block, element):
    """Give the words on a button, or the label of an input."""
    text = element.get("text") or block.get("label") or element.get("placeholder") or {}
    return text.get("text", "")


def find(blocks, wanted):
    """Give the one (block, element) whose label, action_id, block_id or value is *wanted*."""
    everything = list(elements_of(blocks))
    for of in (
        label_of,
        lambda b, e: e.get("action_id"),
        lambda b, e: b.get("block_id"),
        lambda b, e: e.get("value"),
    ):
        found = [(b, e) for b, e in everything if of(b, e) == wanted]
        if found:
            return found[0]
    there = [label_of(b, e) or e.get("action_id") for b, e in everything]
    raise NotThere(f"{wanted!r} is not there; to press or fill in: {there}")


def buttons(blocks):
    """Give the words on all buttons."""
    return [label_of(b, e) for b, e in elements_of(blocks) if e["type"] == "button"]


def option_of(element, wanted, offered=()):
    """Give the option that reads or is worth *wanted*, of a menu or of what was suggested."""
    options = list(element.get("options") or ()) + list(offered)
    for group in element.get("option_groups") or ():
        options += group["options"]
    for option in options:
        if wanted in (option, option["value"], option["text"]["text"]):
            return option
    raise NotThere(f"no option {wanted!r}; there are {[o['text']['text'] for o in options]}")
