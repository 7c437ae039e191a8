"""Whether Slack would take an element: buttons, menus, inputs."""

from . import limits
from .texts import check_text, long

BUTTONS = {"button", "overflow", "workflow_button"}
SELECTS = {
    f"{many}{of}_select"
    for many in ("", "multi_")
    for of in ("static", "external", "users", "conversations", "channels")
}
CHOICES = {"checkboxes", "radio_buttons"}
PICKERS = {"datepicker", "timepicker", "datetimepicker"}
TYPED = {
    "plain_text_input",
    "email_text_input",
    "url_text_input",
    "number_input",
    "rich_text_input",
}
INSIDE = {
    "section": BUTTONS | SELECTS | CHOICES | PICKERS - {"datetimepicker"} | {"image"},
    "actions": (BUTTONS | SELECTS | CHOICES | PICKERS | TYPED),
    "input": SELECTS | CHOICES | PICKERS | TYPED | {"file_input"},
}


def check_element(element, at, *, inside):
    """Give what Slack would complain about in one element of a block."""
    if not isinstance(element, dict) or element.get("type") not in INSIDE[inside]:
        kind = element.get("type") if isinstance(element, dict) else element
        return [f"unsupported type: {kind} in {inside} [json-pointer:{at}/type]"]
    complaints = long(element.get("action_id"), limits.ACTION_ID, f"{at}/action_id")
    if element.get("placeholder") is not None:
        complaints += check_text(
            element["placeholder"], limits.PLACEHOLDER, f"{at}/placeholder", plain=True
        )
    if element.get("confirm"):
        complaints += _confirm(element["confirm"], f"{at}/confirm")
    kind = element["type"]
    if kind in {"button", "workflow_button"}:
        complaints += _button(element, at)
    elif kind in {"static_select", "multi_static_select"}:
        complaints += check_choices(element, at)
    elif kind in CHOICES or kind == "overflow":
        most = limits.OVERFLOW_OPTIONS if kind == "overflow" else limits.CHOICE_OPTIONS
        complaints += check_options(element.get("options"), f"{at}/options", most=most)
    elif kind in TYPED or kind == "file_input":
        complaints += _bounds(element, at)
    return complaints


def check_choices(element, at):
    """Check the options or the groups of options of a menu, or of an answer to a suggestion."""
    groups = element.get("option_groups")
    if groups is None:
        return check_options(element.get("options"), f"{at}/options")
    complaints = []
    if not 0 < len(groups) <= limits.SELECT_GROUPS:
        complaints.append(f"1 to {limits.SELECT_GROUPS} items [json-pointer:{at}/option_groups]")
    for i, group in enumerate(groups):
        here = f"{at}/option_groups/{i}"
        complaints += check_text(
            group.get("label"), limits.GROUP_LABEL, f"{here}/label", plain=True
        )
        complaints += check_options(group.get("options"), f"{here}/options")
    return complaints


def check_options(options, at, *, most=limits.SELECT_OPTIONS, least=1):
    """Check a list of options."""
    if not isinstance(options, list) or not least <= len(options) <= most:
        return [f"must be {least} to {most} items [json-pointer:{at}]"]
    complaints = []
    for i, option in enumerate(options):
        here = f"{at}/{i}"
        complaints += check_text(option.get("text"), limits.OPTION_TEXT, f"{here}/text")
        complaints += long(option.get("value"), limits.OPTION_VALUE, f"{here}/value", needed=True)
        if option.get("description") is not None:
            most_said = limits.OPTION_DESCRIPTION
            complaints += check_text(option["description"], most_said, f"{here}/description")
    return complaints


def _button(element, at):
    complaints = check_text(element.get("text"), limits.BUTTON_TEXT, f"{at}/text", plain=True)
    complaints += long(element.get("value"), limits.BUTTON_VALUE, f"{at}/value")
    complaints += long(element.get("url"), limits.BUTTON_URL, f"{at}/url")
    if element.get("style") not in (None, "primary", "danger"):
        complaints.append(f"must be primary or danger [json-pointer:{at}/style]")
    return complaints


def _confirm(confirm, at):
    complaints = []
    for name, most, plain in (
        ("title", limits.CONFIRM_TITLE, True),
        ("text", limits.CONFIRM_TEXT, False),
        ("confirm", limits.CONFIRM_BUTTON, True),
        ("deny", limits.CONFIRM_BUTTON, True),
    ):
        complaints += check_text(confirm.get(name), most, f"{at}/{name}", plain=plain)
    return complaints


def _bounds(element, at):
    """Check how much may be typed, and how many files may be given."""
    complaints = []
    for name, least, most in (
        ("max_length", 1, limits.INPUT_VALUE),
        ("min_length", 0, limits.INPUT_VALUE),
        ("max_files", 1, limits.FILES_OF_AN_INPUT),
    ):
        if (value := element.get(name)) is not None and not least <= value <= most:
            complaints.append(f"must be {least} to {most} [json-pointer:{at}/{name}]")
    if element["type"] == "number_input" and "is_decimal_allowed" not in element:
        complaints.append(f"missing required field: is_decimal_allowed [json-pointer:{at}]")
    return complaints
