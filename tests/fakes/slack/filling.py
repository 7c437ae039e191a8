"""What stands in the fields of a view: at first, and when a person fills them in."""

from .reading import NotThere, elements_of, option_of

#: type of an element → where its value stands in the state, and in the element at first
ONE = {
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "users_select": ("selected_user", "initial_user"),
    "channels_select": ("selected_channel", "initial_channel"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "checkboxes": ("selected_options", "initial_options"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "file_input": ("files", "initial_files"),
}
OPTIONS = {"selected_option", "selected_options"}
LISTS = {key for key, _ in ONE.values() if key.endswith("s")}


class CannotSubmit(AssertionError):  # noqa: N818 - a fact, as tests read it
    """Slack's own screen would not let a person submit this."""


def initial_state(blocks):
    """Give the state of a view in which nobody typed yet."""
    state = {}
    for block, element in elements_of(blocks):
        if element["type"] in ONE:
            key, initial = ONE[element["type"]]
            value = element.get(initial, [] if key in LISTS else None)
            entry = {"type": element["type"], key: value}
            state.setdefault(block["block_id"], {})[element["action_id"]] = entry
    return state


def filled(element, wanted, offered=()):
    """Give the entry of the state when a person fills *wanted* into *element*."""
    if element["type"] not in ONE:
        raise NotThere(f"nothing can be filled into a {element['type']}")
    key, _ = ONE[element["type"]]
    if key in LISTS:
        each = wanted if isinstance(wanted, (list, tuple, set)) else [wanted]
        value = [_one(element, key, one, offered) for one in each]
    else:
        value = None if wanted is None else _one(element, key, wanted, offered)
    return {"type": element["type"], key: value}


def _one(element, key, wanted, offered):
    if key in OPTIONS:
        return option_of(element, wanted, offered)
    if key == "files":
        return wanted.as_file()
    if key == "value":
        return str(wanted)
    return getattr(wanted, "id", wanted)


def check_filled(blocks, state):
    """Refuse what Slack's own screen would not let pass: empty, too short, too long, not a number."""
    for block, element in elements_of(blocks):
        if block["type"] != "input" or element["type"] not in ONE:
            continue
        key, _ = ONE[element["type"]]
        value = state[block["block_id"]][element["action_id"]][key]
        label = block["label"]["text"]
        if value in (None, "", []):
            if not block.get("optional"):
                raise CannotSubmit(f"{label!r} is empty")
            continue
        if key == "value":
            _check_typed(label, element, value)
        if key == "files":
            _check_files(label, element, value)


def _check_typed(label, element, value):
    if not element.get("min_length", 0) <= len(value) <= element.get("max_length", 3000):
        raise CannotSubmit(f"{label!r} has {len(value)} characters")
    if element["type"] == "number_input":
        try:
            number = float(value)
        except ValueError:
            raise CannotSubmit(f"{label!r} is no number: {value!r}") from None
        whole = element.get("is_decimal_allowed") or number.is_integer()
        low, high = element.get("min_value", number), element.get("max_value", number)
        if not whole or not float(low) <= number <= float(high):
            raise CannotSubmit(f"{label!r} does not take {value}")


def _check_files(label, element, files):
    if len(files) > element.get("max_files", 10):
        raise CannotSubmit(f"{label!r} takes {element.get('max_files', 10)} files")
    kinds = element.get("filetypes")
    for file in files:
        if kinds and file["filetype"] not in kinds:
            raise CannotSubmit(f"{label!r} takes {kinds}, not {file['name']}")
        if file["size"] > 10 * 2**20:
            raise CannotSubmit(f"{file['name']} is over 10 MB")
