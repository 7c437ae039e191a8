"""What a person sees of a message or a modal: the words, and what can be pressed or filled in."""

ROW, BUTTON, STRING_SELECT, TEXT_INPUT = 1, 2, 3, 4
USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT = 5, 6, 7, 8
SECTION, TEXT, THUMBNAIL, GALLERY, FILE, SEPARATOR, CONTAINER = 9, 10, 11, 12, 13, 14, 17
LABEL, FILE_UPLOAD, RADIO_GROUP, CHECKBOX_GROUP, CHECKBOX = 18, 19, 21, 22, 23
SELECTS = (STRING_SELECT, USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT)


class NotThere(AssertionError):  # noqa: N818 - a fact, as tests read it
    """A person looked for something that is not on their screen."""


def walk(components):
    """Give every component, each before those inside it, in the order of reading."""
    for component in components:
        yield component
        yield from walk(component.get("components") or ())
        for name in ("accessory", "component"):
            if name in component:
                yield from walk([component[name]])


def words(components):
    """Give the words of components, line by line."""
    lines = []
    for part in walk(components):
        kind = part["type"]
        if kind == TEXT:
            lines.append(part["content"])
        elif kind == BUTTON:
            lines.append(f"[{label_of(part)}]")
        elif kind == LABEL:
            lines += [part["label"], part.get("description")]
        elif kind == TEXT_INPUT:
            lines += [part.get("label"), part.get("value")]
        elif kind in SELECTS:
            lines += [part.get("placeholder"), *(o["label"] for o in part.get("options") or ())]
        elif kind == FILE:
            lines.append(part["file"]["url"].partition("?")[0].rpartition("/")[2])
        elif kind == THUMBNAIL:
            lines.append(part.get("description"))
        elif kind == GALLERY:
            lines += [item.get("description") for item in part["items"]]
    return "\n".join(filter(None, lines))


def text_of(message):
    """Give everything that is read in a message."""
    lines = [message.content]
    for embed in message.embeds:
        lines += [embed.get("author", {}).get("name"), embed.get("title"), embed.get("description")]
        for field in embed.get("fields") or ():
            lines += [field["name"], field["value"]]
        lines.append(embed.get("footer", {}).get("text"))
    lines += [words(message.components), *(a.name for a in message.attachments if a.shown)]
    return "\n".join(filter(None, lines))


def label_of(component):
    """Give the words on a button."""
    emoji = (component.get("emoji") or {}).get("name")
    return " ".join(filter(None, [emoji, component.get("label")]))


def buttons_of(components):
    """Give the labels of all buttons."""
    return [label_of(c) for c in walk(components) if c["type"] == BUTTON]


def find(components, wanted, kinds):
    """Give the one component of *kinds* whose label, custom_id or placeholder is *wanted*."""
    there = [c for c in walk(components) if c["type"] in kinds]
    for of in (
        label_of,
        lambda c: c.get("label"),
        lambda c: c.get("custom_id"),
        lambda c: c.get("placeholder"),
    ):
        found = [c for c in there if of(c) == wanted]
        if found:
            return found[0]
    names = [label_of(c) or c.get("custom_id") for c in there]
    raise NotThere(f"{wanted!r} is not there; there are {names}")


def option_of(select, wanted):
    """Give the option of a select that reads or is worth *wanted*."""
    for option in select.get("options") or ():
        if wanted in (option["label"], option["value"]):
            return option
    there = [o["label"] for o in select.get("options") or ()]
    raise NotThere(f"no option {wanted!r}; there are {there}")
