"""Messages in channels and threads, and opening direct messages."""

from tests.fakes.discord import limits, payloads, posting
from tests.fakes.discord.refusals import MISSING_PERMISSIONS, Refused, unknown

from .declared import Call, Route


def send(call: Call):
    """Post a message; with enforce_nonce the same nonce gives the message it gave before."""
    fake, channel, body = call.fake, call.channel, call.body or {}
    if channel.kind in ("forum", "category"):
        raise Refused(400, 50008, "Cannot send messages in a non-text channel")
    _may_write(call, channel)
    key = channel.id, body.get("nonce")
    before = fake.nonces.get(key) if body.get("enforce_nonce") else None
    if before is not None and fake.clock.now() - before.at < limits.NONCE_SECONDS:
        return payloads.as_message(before, nonce=True)
    reference = _referred(channel, body.get("message_reference"))
    message = posting.made(fake, channel, body, call.files, reference=reference)
    if message.nonce is not None:
        fake.nonces[key] = message
    return payloads.as_message(fake.put(message), nonce=True)


def _may_write(call, channel):
    """Refuse where the bot may not write, in Discord's words for each case."""
    if channel.kind == "dm":
        call.fake.check_direct(channel.with_user)
        return
    if channel.is_thread:
        call.need("send_messages_in_threads", channel)
        if channel.locked and not channel.guild.bot_may("manage_threads", channel):
            raise Refused(400, 160005, "This thread is locked")
        if channel.archived:
            call.fake.unarchive(channel)
    else:
        call.need("send_messages", channel)
    if call.files:
        call.need("attach_files", channel)
    if (call.body or {}).get("embeds"):
        call.need("embed_links", channel)


def _referred(channel, reference):
    if not reference:
        return None
    message = channel.message(reference["message_id"])
    if message is None and reference.get("fail_if_not_exists", True):
        raise Refused(400, 50035, "Invalid Form Body")
    return message


def history(call):
    """Give messages, newest first: the last 50, or so many before, after or around one."""
    channel = call.channel
    if channel.guild is not None and not channel.guild.bot_may("read_message_history", channel):
        return []
    limit = int(call.query.get("limit", 50))
    if not 1 <= limit <= 100:
        raise Refused(400, 50035, "Invalid Form Body")
    found = channel.said
    if "before" in call.query:
        found = [m for m in found if m.id < int(call.query["before"])][-limit:]
    elif "after" in call.query:
        found = [m for m in found if m.id > int(call.query["after"])][:limit]
    else:
        found = found[-limit:]
    return [payloads.as_message(m, nonce=m.by_bot) for m in reversed(found)]


def get(call):
    call.need("read_message_history", call.channel)
    return payloads.as_message(call.message)


def edit(call):
    message = call.message
    if message.author is not call.fake.bot_user:
        raise Refused(403, 50005, "Cannot edit a message authored by another user")
    if message.channel.archived:
        raise Refused(400, 50083, "Thread is archived")
    return payloads.as_message(posting.edited(call.fake, message, call.body or {}, call.files))


def delete(call):
    message = call.message
    if message.author is not call.fake.bot_user:
        if message.channel.kind == "dm":
            raise Refused(403, 50003, "Cannot execute action on a DM channel")
        if not message.channel.guild.bot_may("manage_messages", message.channel):
            raise Refused(*MISSING_PERMISSIONS)
    call.fake.take_back(message)


def open_direct(call):
    user = call.fake.find_user(call.body["recipient_id"])
    if user is None or user.deleted:
        raise unknown("User", 10013)
    if user.bot:
        raise Refused(400, 50007, "Cannot send messages to this user")
    return payloads.channel(call.fake.direct(user))


ROUTES = [
    Route("POST", "/users/@me/channels", open_direct),
    Route("POST", "/channels/{channel}/messages", send),
    Route("GET", "/channels/{channel}/messages", history),
    Route("GET", "/channels/{channel}/messages/{message}", get),
    Route("PATCH", "/channels/{channel}/messages/{message}", edit),
    Route("DELETE", "/channels/{channel}/messages/{message}", delete),
]
