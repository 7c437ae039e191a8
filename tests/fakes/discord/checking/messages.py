"""What messages are made of: content, embeds, files, pings."""

from tests.fakes.discord import limits
from tests.fakes.discord.world import COMPONENTS_V2

from . import components

COMMON = ("content", "embeds", "allowed_mentions", "components", "flags", "attachments", "tts")
MORE = ("sticker_ids", "poll")
SENT = (*COMMON, *MORE, "nonce", "enforce_nonce", "message_reference")
FOLLOWED_UP = (*COMMON, *MORE, "username", "avatar_url", "thread_name", "applied_tags")
EMBED = (
    "type", "url", "title", "color", "timestamp", "description", "author", "image", "thumbnail",
    "footer", "fields", "provider", "video", "flags",
)  # fmt: skip
#: what discord.py repeats of an attachment that stays, and Discord ignores
KEPT_ATTACHMENT = (
    "size", "url", "proxy_url", "spoiler", "content_type", "height", "width", "duration_secs",
    "waveform",
)  # fmt: skip
ATTACHMENT = ("id", "filename", "description", "title", "is_spoiler", *KEPT_ATTACHMENT)


def sent(found, body, files, file_limit):
    found.fields((), body, SENT)
    nonce = body.get("nonce")
    if isinstance(nonce, str):
        found.text(("nonce",), nonce, limits.NONCE)
    said(found, (), body, files, file_limit)


def followed_up(found, body, files, file_limit):
    found.fields((), body, FOLLOWED_UP)
    said(found, (), body, files, file_limit)


def edited(found, body, files, file_limit):
    found.fields((), body, COMMON)
    said(found, (), body, files, file_limit)


def said(found, at, body, files, file_limit):
    """Check a message, wherever in a request it stands."""
    found.text((*at, "content"), body.get("content"), limits.CONTENT)
    v2 = bool((body.get("flags") or 0) & COMPONENTS_V2)
    if v2:
        for name in ("content", "embeds", "poll", "sticker_ids"):
            if body.get(name):
                words = (
                    f"The '{name}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
                )
                found.add((*at, name), "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", words)
    embeds(found, (*at, "embeds"), body.get("embeds") or [])
    components.of_message(found, (*at, "components"), body.get("components") or [], v2=v2)
    attachments(found, (*at, "attachments"), body.get("attachments") or [], files, file_limit)
    pings(found, body)


def pings(found, body):
    """Hold the rule of this house: no message of the bot notifies anybody by what stands in it."""
    if not {"content", "embeds", "components"} & set(body):
        return
    allowed = body.get("allowed_mentions")
    if allowed is None:
        found.house.append("allowed_mentions is missing: Discord would ping whoever is named")
    elif allowed.get("parse") or allowed.get("users") or allowed.get("roles"):
        found.house.append(f"allowed_mentions lets pings through: {allowed}")
    elif "parse" not in allowed or allowed.get("replied_user"):
        found.house.append(f"allowed_mentions does not switch everything off: {allowed}")


def embeds(found, at, given):
    found.count(at, given, limits.EMBEDS)
    total = 0
    for number, embed in enumerate(given):
        total += _embed(found, (*at, number), embed)
    if total > limits.EMBED_CHARACTERS:
        words = f"Embed size exceeds maximum size of {limits.EMBED_CHARACTERS}; it is {total}."
        found.add(at, "MAX_EMBED_SIZE_EXCEEDED", words)


def _embed(found, at, embed):
    """Check one embed, and give how many characters count of it."""
    found.fields(at, embed, EMBED)
    texts = [
        (("title",), embed.get("title"), limits.EMBED_TITLE),
        (("description",), embed.get("description"), limits.EMBED_DESCRIPTION),
        (("footer", "text"), embed.get("footer", {}).get("text"), limits.EMBED_FOOTER),
        (("author", "name"), embed.get("author", {}).get("name"), limits.EMBED_AUTHOR),
    ]
    fields = embed.get("fields") or []
    found.count((*at, "fields"), fields, limits.EMBED_FIELDS)
    for number, field in enumerate(fields):
        found.fields(
            (*at, "fields", number), field, ("name", "value", "inline"), needed=("name", "value")
        )
        for name, most in (
            ("name", limits.EMBED_FIELD_NAME),
            ("value", limits.EMBED_FIELD_VALUE),
        ):
            found.text((*at, "fields", number, name), field.get(name), most, least=1)
            texts.append((("fields", number, name), field.get(name), most))
    for where, value, most in texts:
        found.text((*at, *where), value, most)
    return sum(len(value or "") for _, value, _ in texts)


def attachments(found, at, given, files, file_limit):
    found.count(at, given, limits.ATTACHMENTS)
    for number, entry in enumerate(given):
        found.fields((*at, number), entry, ATTACHMENT, needed=("id",))
        found.text((*at, number, "description"), entry.get("description"), limits.FILE_DESCRIPTION)
    found.count(("files",), files, limits.ATTACHMENTS)
    for number, content in enumerate(files):
        if len(content) > file_limit:
            words = f"Request entity too large: {len(content)} bytes are more than {file_limit}"
            found.add(("files", number), "FILE_TOO_LARGE", words)
