"""Turning what the bot sends into a message: files, components, pings."""

import re
from copy import deepcopy

from .reading import FILE, GALLERY, THUMBNAIL, walk, words
from .refusals import Refused
from .world import COMPONENTS_V2, EPHEMERAL, Message, is_v2

PING = re.compile(r"<@(?P<role>&?)!?(?P<id>\d+)>|@(?P<all>everyone|here)\b")
KEPT_FLAGS = EPHEMERAL | COMPONENTS_V2 | 1 << 2 | 1 << 12  # also: no previews, silent


def made(fake, channel, body, files, **more):
    """Give a message of the bot as *body* describes it."""
    message = Message(fake.ids(), channel, fake.bot_user, fake.clock.now(), by_bot=True, **more)
    message.flags = (body.get("flags") or 0) & KEPT_FLAGS
    message.nonce = body.get("nonce")
    fill(fake, message, body, files)
    if not (message.content or message.embeds or message.components or message.attachments):
        raise Refused(400, 50006, "Cannot send an empty message")
    return message


def fill(fake, message, body, files):
    """Put the parts that *body* names into a message; of an edited one the others stay."""
    if "attachments" in body or files:
        _attach(fake, message, body.get("attachments"), files)
    if "content" in body:
        message.content = body["content"] or ""
    if "embeds" in body:
        message.embeds = [_embed(e, message) for e in body["embeds"] or ()]
    if "components" in body:
        message.components = deepcopy(body["components"] or [])
        _complete(message)
    if is_v2(body.get("flags") or 0):
        message.flags |= COMPONENTS_V2
    if is_v2(message.flags):
        _only_components(fake, message)
    message.pings |= pings_of(message, body.get("allowed_mentions"))


def _only_components(fake, message):
    """Refuse words beside components V2; a file that none of them shows is seen by nobody."""
    for name in ("content", "embeds"):
        if getattr(message, name):
            why = {"code": "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", "message": name}
            raise Refused(400, 50035, "Invalid Form Body", {name: {"_errors": [why]}})
    named = str(message.components)
    for attachment in message.attachments:
        attachment.shown = False
        if not attachment.is_at(named):
            fake.violations.append(f"{attachment.name} is shown by no component")


def edited(fake, message, body, files):
    """Change a message, and say so at the gateway."""
    fill(fake, message, body, files)
    message.edited_at = fake.clock.now()
    message.edits += 1
    fake.tell_of_message("MESSAGE_UPDATE", message)
    return message


def _attach(fake, message, described, files):
    """Keep the attachments that are named by their id, and add the new ones."""
    fresh = {number: (name, content) for number, name, content in files}
    before = {a.id: a for a in message.attachments}
    if described is None:
        described = [{"id": number} for number in fresh]
        message.attachments = list(message.attachments)
    else:
        message.attachments = []
    for entry in described:
        number = int(entry["id"])
        if number in before:
            message.attachments.append(before[number])
        elif number in fresh:
            name, content = fresh[number]
            name = entry.get("filename") or name
            about = entry.get("description")
            message.attachments.append(fake.cdn.keep(name, content, description=about))
        else:
            raise Refused(400, 50035, "Invalid Form Body")


def _media(url, message):
    """Give the file that ``attachment://name`` means, or None for another address."""
    name = url.removeprefix("attachment://")
    if name == url:
        return None
    for attachment in message.attachments:
        if attachment.name == name:
            return attachment
    raise Refused(400, 50035, "Invalid Form Body")


def _embed(embed, message):
    embed = {"type": "rich"} | deepcopy(embed)
    for part in ("image", "thumbnail"):
        if part in embed and (file := _media(embed[part]["url"], message)):
            embed[part] |= {"url": file.url, "proxy_url": file.url, "width": 0, "height": 0}
            file.shown = False
    return embed


def _complete(message):
    """Number the components and resolve their media, as Discord does."""
    given = {c["id"] for c in walk(message.components) if c.get("id")}
    number = 0
    for part in walk(message.components):
        if not part.get("id"):
            number += 1
            while number in given:
                number += 1
            part["id"] = number
        if part["type"] == THUMBNAIL:
            _resolve(part["media"], message)
        elif part["type"] == GALLERY:
            for item in part["items"]:
                _resolve(item["media"], message)
        elif part["type"] == FILE:
            file = _resolve(part["file"], message)
            if file is None:
                raise Refused(400, 50035, "Invalid Form Body")
            part |= {"name": file.name, "size": len(file.content)}


def _resolve(media, message):
    file = _media(media["url"], message)
    if file is None:
        media |= {"proxy_url": media["url"], "loading_state": 2, "flags": 0}
        return next((a for a in message.attachments if a.is_at(media["url"])), None)
    media |= {
        "url": file.url,
        "proxy_url": file.url,
        "content_type": file.mimetype,
        "attachment_id": str(file.id),
        "placeholder": "",
        "loading_state": 2,
        "flags": 0,
        "width": None,
        "height": None,
    }
    return file


def pings_of(message, allowed):
    """Give whom a message notifies: ids, or “everyone”; all that are named, unless *allowed* less."""
    everything = ["users", "roles", "everyone"]
    parse = everything if allowed is None else allowed.get("parse") or []
    named = allowed or {}
    found = set()
    for match in PING.finditer(f"{message.content}\n{words(message.components)}"):
        if match["all"]:
            if "everyone" in parse:
                found.add("everyone")
            continue
        kind = "roles" if match["role"] else "users"
        if kind in parse or match["id"] in map(str, named.get(kind) or ()):
            found.add(int(match["id"]))
    if message.reference is not None and named.get("replied_user", allowed is None):
        found.add(message.reference.author.id)
    return found
