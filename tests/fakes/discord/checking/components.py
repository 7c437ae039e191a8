"""Components of messages: rows, buttons, selects, and what components V2 add."""

from tests.fakes.discord import limits
from tests.fakes.discord.reading import (
    BUTTON,
    CHANNEL_SELECT,
    CONTAINER,
    FILE,
    GALLERY,
    MENTIONABLE_SELECT,
    ROLE_SELECT,
    ROW,
    SECTION,
    SELECTS,
    SEPARATOR,
    STRING_SELECT,
    TEXT,
    THUMBNAIL,
    USER_SELECT,
    walk,
)

_SELECT = ("custom_id", "placeholder", "min_values", "max_values", "disabled", "required")
FIELDS = {
    ROW: ("components",),
    BUTTON: ("style", "label", "emoji", "custom_id", "sku_id", "url", "disabled"),
    STRING_SELECT: (*_SELECT, "options"),
    USER_SELECT: (*_SELECT, "default_values"),
    ROLE_SELECT: (*_SELECT, "default_values"),
    MENTIONABLE_SELECT: (*_SELECT, "default_values"),
    CHANNEL_SELECT: (*_SELECT, "default_values", "channel_types"),
    SECTION: ("components", "accessory"),
    TEXT: ("content",),
    THUMBNAIL: ("media", "description", "spoiler"),
    GALLERY: ("items",),
    FILE: ("file", "spoiler"),
    SEPARATOR: ("divider", "spacing"),
    CONTAINER: ("components", "accent_color", "spoiler"),
}
INSIDE = {
    ROW: (BUTTON, *SELECTS),
    SECTION: (TEXT,),
    CONTAINER: (ROW, SECTION, TEXT, GALLERY, FILE, SEPARATOR),
}
TOP = (ROW, SECTION, TEXT, GALLERY, FILE, SEPARATOR, CONTAINER)
OPTION = ("label", "value", "description", "emoji", "default")
LINK, PREMIUM = 5, 6


def of_message(found, at, given, *, v2):
    """Check all components of a message."""
    if v2:
        everything = list(walk(given))
        if len(everything) > limits.COMPONENTS:
            words = f"The total number of components cannot exceed {limits.COMPONENTS}; there are {len(everything)}"
            found.add(at, "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", words)
        length = sum(len(c.get("content") or "") for c in everything if c.get("type") == TEXT)
        if length > limits.COMPONENT_CHARACTERS:
            words = f"The total text displayed cannot exceed {limits.COMPONENT_CHARACTERS}; it is {length}"
            found.add(at, "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", words)
    else:
        found.count(at, given, limits.ROWS)
    for number, component in enumerate(given):
        one(found, (*at, number), component, TOP if v2 else (ROW,))
    unique_ids(found, at, given)


def unique_ids(found, at, given):
    """Check that no custom_id and no id comes twice."""
    for name in ("custom_id", "id"):
        seen = set()
        for part in walk(given):
            value = part.get(name)
            if value and value in seen:
                words = f"Component {name} cannot be duplicated: {value!r}"
                found.add(at, "COMPONENT_CUSTOM_ID_DUPLICATED", words)
            seen.add(value)


def one(found, at, component, kinds):
    """Check one component, which may be of *kinds* where it stands, and those inside it."""
    kind = component.get("type")
    found.one_of((*at, "type"), kind, kinds)
    if kind not in kinds or kind not in FIELDS:
        return
    found.fields(at, component, ("type", "id", *FIELDS[kind]))
    _CHECKS[kind](found, at, component)


def _inside(found, at, component, most, kinds):
    children = component.get("components") or []
    found.count((*at, "components"), children, most, least=1)
    for number, child in enumerate(children):
        one(found, (*at, "components", number), child, kinds)
    return children


def _row(found, at, row):
    children = _inside(found, at, row, limits.BUTTONS_OF_A_ROW, INSIDE[ROW])
    selects = [c for c in children if c.get("type") in SELECTS]
    if selects and len(children) > 1:
        words = "The specified component exceeds the maximum width"
        found.add((*at, "components"), "COMPONENT_LAYOUT_WIDTH_EXCEEDED", words)


def _button(found, at, button):
    found.text((*at, "label"), button.get("label"), limits.BUTTON_LABEL)
    style = button.get("style")
    found.one_of((*at, "style"), style, (1, 2, 3, 4, LINK, PREMIUM))
    if style == LINK:
        found.text((*at, "url"), button.get("url"), limits.BUTTON_URL, least=1)
    elif style != PREMIUM:
        found.text((*at, "custom_id"), button.get("custom_id"), limits.CUSTOM_ID, least=1)
    if style == LINK and button.get("custom_id"):
        found.add(at, "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", "Either, not both")
    if style != PREMIUM and not button.get("label") and not button.get("emoji"):
        found.add(at, "BUTTON_COMPONENT_INVALID", "A button must have a label or an emoji")


def select(found, at, given):
    """Check a select, of a message or of a modal."""
    found.text((*at, "custom_id"), given.get("custom_id"), limits.CUSTOM_ID, least=1)
    found.text((*at, "placeholder"), given.get("placeholder"), limits.PLACEHOLDER)
    found.number((*at, "min_values"), given.get("min_values"), 0, limits.SELECT_OPTIONS)
    found.number((*at, "max_values"), given.get("max_values"), 1, limits.SELECT_OPTIONS)
    if given["type"] == STRING_SELECT:
        options(found, (*at, "options"), given.get("options") or [], limits.SELECT_OPTIONS)
        if (given.get("max_values") or 1) > len(given.get("options") or []):
            words = "max_values must not be more than the options"
            found.add((*at, "max_values"), "SELECT_COMPONENT_MAX_VALUES", words)


def options(found, at, given, most, *, least=1):
    found.count(at, given, most, least=least)
    for number, option in enumerate(given):
        where = (*at, number)
        found.fields(where, option, OPTION)
        found.text((*where, "label"), option.get("label"), limits.OPTION_TEXT, least=1)
        found.text((*where, "value"), option.get("value"), limits.OPTION_TEXT, least=1)
        found.text((*where, "description"), option.get("description"), limits.OPTION_TEXT)
    values = [option.get("value") for option in given]
    if len(set(values)) < len(values):
        words = "The specified option value is already used"
        found.add(at, "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", words)


def _section(found, at, section):
    _inside(found, at, section, limits.SECTION_TEXTS, INSIDE[SECTION])
    one(found, (*at, "accessory"), section.get("accessory") or {}, (BUTTON, THUMBNAIL))


def text(found, at, display):
    found.text((*at, "content"), display.get("content"), limits.COMPONENT_CHARACTERS, least=1)


def _thumbnail(found, at, thumbnail):
    found.text((*at, "media", "url"), thumbnail.get("media", {}).get("url"), 2048, least=1)
    found.text((*at, "description"), thumbnail.get("description"), limits.MEDIA_DESCRIPTION)


def _gallery(found, at, gallery):
    items = gallery.get("items") or []
    found.count((*at, "items"), items, limits.GALLERY_ITEMS, least=1)
    for number, item in enumerate(items):
        found.fields((*at, "items", number), item, FIELDS[THUMBNAIL])
        _thumbnail(found, (*at, "items", number), item)


def _file(found, at, file):
    url = file.get("file", {}).get("url", "")
    if not url.startswith("attachment://") and "/attachments/" not in url:
        words = "Only attachment://<filename> is taken"
        found.add(
            (*at, "file", "url"), "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND", words
        )


def _separator(found, at, separator):
    found.one_of((*at, "spacing"), separator.get("spacing", 1), (1, 2, None))


def _container(found, at, container):
    _inside(found, at, container, limits.COMPONENTS, INSIDE[CONTAINER])
    found.number((*at, "accent_color"), container.get("accent_color"), 0, 0xFFFFFF)


_CHECKS = {
    ROW: _row,
    BUTTON: _button,
    **dict.fromkeys(SELECTS, select),
    SECTION: _section,
    TEXT: text,
    THUMBNAIL: _thumbnail,
    GALLERY: _gallery,
    FILE: _file,
    SEPARATOR: _separator,
    CONTAINER: _container,
}
