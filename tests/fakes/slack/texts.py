"""Whether Slack would take a text object."""


def long(value, most, at, *, needed=False):
    """Complain about a string that is missing where it is needed, no string, or too long."""
    if value is None:
        name = at.rsplit("/", 1)[-1]
        return [f"missing required field: {name} [json-pointer:{at}]"] * needed
    if not isinstance(value, str):
        return [f"must be a string [json-pointer:{at}]"]
    if len(value) > most:
        return [f"must be less than {most + 1} characters [json-pointer:{at}]"]
    return []


def check_text(text, most, at, *, plain=False):
    """Complain about what is no text object, or a text that is empty or too long."""
    if not isinstance(text, dict):
        return [f"must be an object [json-pointer:{at}]"]
    kinds = ("plain_text",) if plain else ("plain_text", "mrkdwn")
    if text.get("type") not in kinds:
        return [f"must be one of {', '.join(kinds)} [json-pointer:{at}/type]"]
    if not isinstance(text.get("text"), str):
        return [f"missing required field: text [json-pointer:{at}]"]
    if not text["text"]:
        return [f"must be more than 0 characters [json-pointer:{at}/text]"]
    unknown = set(text) - {"type", "text", "emoji" if text["type"] == "plain_text" else "verbatim"}
    if unknown:
        return [f"additional property: {', '.join(sorted(unknown))} [json-pointer:{at}]"]
    return long(text["text"], most, f"{at}/text")
