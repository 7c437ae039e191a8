"""chat.*: saying, editing and taking back."""

import json

from tests.fakes.slack import limits
from tests.fakes.slack.blocks import check_blocks, too_long

from .declared import SlackError, method


def content(call, *, most_bytes=None):
    """Give text, blocks and metadata of a message, or refuse them as Slack does."""
    text, blocks = call.args.get("text") or "", call.structure("blocks")
    attachments = call.structure("attachments")
    if not text and not blocks and not attachments and not call.args.get("markdown_text"):
        raise SlackError("no_text")
    if len(text) > limits.TEXT_OF_A_MESSAGE:
        raise SlackError("msg_too_long")
    if most_bytes and len(escaped(text).encode()) > most_bytes:
        raise SlackError("msg_too_long")
    if blocks is not None:
        refuse_bad(blocks)
    return text, blocks or [], _metadata(call)


def escaped(text):
    """Count a bare ``&``, ``<`` or ``>`` as what Slack makes of it; an escaped one stays."""
    bare = text.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
    return bare.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def refuse_bad(blocks):
    """Refuse blocks that Slack would not take."""
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    complaints = check_blocks(blocks)
    if complaints:
        messages = [f"[ERROR] {complaint}" for complaint in complaints]
        raise SlackError(
            "invalid_blocks", errors=complaints, response_metadata={"messages": messages}
        )
    if too_long(blocks):
        raise SlackError("msg_blocks_too_long")


def _metadata(call):
    metadata = call.structure("metadata")
    if metadata is None:
        return None
    if not isinstance(metadata, dict) or not metadata.get("event_type"):
        raise SlackError("invalid_metadata_format")
    if not isinstance(metadata.get("event_payload"), dict):
        raise SlackError("invalid_metadata_schema")
    if len(json.dumps(metadata).encode()) > limits.METADATA_BYTES:
        raise SlackError("metadata_too_large")
    return metadata


def destination(call):
    """Give the channel to post to: by id, by a person's id, or by ``#name``."""
    given = call.need("channel")
    if given[0] in "UW":
        person = next((p for p in call.team.people if p.id == given), None)
        if person is None:
            raise SlackError("channel_not_found")
        return call.fake.direct(person, refuse=SlackError)
    named = next((c for c in call.team.channels if f"#{c.name}" == given), None)
    if named is not None:
        call.args["channel"] = named.id
    channel = call.channel()
    open_to_all = "chat:write.public" in call.token.scopes and channel.kind == "channel"
    if call.team.bot not in channel.members and not open_to_all:
        raise SlackError("not_in_channel")
    if channel.archived:
        raise SlackError("is_archived")
    if channel.kind == "im":
        call.fake.direct(channel.dm_with[0], refuse=SlackError)
    return channel


@method("chat.postMessage", "chat:write", tier="channel")
def post_message(call):
    channel = destination(call)
    text, blocks, metadata = content(call)
    thread = call.args.get("thread_ts")
    if thread and not any(m.ts == thread for m in channel.said):
        raise SlackError("thread_not_found")
    message = call.fake.post(
        channel,
        call.team.bot,
        text,
        blocks=blocks,
        thread_ts=thread,
        metadata=metadata,
        bare_pings=call.flag("link_names") or call.args.get("parse") == "full",
        by_app=True,
    )
    said = message.as_message(metadata=True)
    return {"channel": channel.id, "ts": message.ts, "message": said}


def own_message(call, missing, not_ours):
    channel = call.channel()
    message = next((m for m in channel.said if m.ts == call.need("ts")), None)
    if message is None:
        raise SlackError(missing)
    if message.user is not call.team.bot:
        raise SlackError(not_ours)
    return channel, message


@method("chat.update", "chat:write", tier=3)
def update(call):
    channel, message = own_message(call, "message_not_found", "cant_update_message")
    if channel.archived:
        raise SlackError("is_archived")
    text, blocks, metadata = content(call, most_bytes=limits.BYTES_OF_AN_EDITED_TEXT)
    # Blocks stay as they are only when they are not mentioned and no text is given either.
    keeps = "blocks" not in call.args and not text
    bare = call.flag("link_names") or call.args.get("parse") == "full"
    call.fake.edit(
        message, text, message.blocks if keeps else blocks, metadata=metadata, bare_pings=bare
    )
    return {
        "channel": channel.id,
        "ts": message.ts,
        "text": message.text,
        "message": message.as_message(metadata=True),
    }


@method("chat.delete", "chat:write", tier=3)
def delete(call):
    channel, message = own_message(call, "message_not_found", "cant_delete_message")
    call.fake.take_back(message)
    return {"channel": channel.id, "ts": message.ts}


@method("chat.postEphemeral", "chat:write", tier=4)
def post_ephemeral(call):
    channel = call.channel(member=True)
    if channel.archived:
        raise SlackError("is_archived")
    person = next((p for p in call.team.people if p.id == call.need("user")), None)
    if person is None or person not in channel.members:
        raise SlackError("user_not_in_channel")
    text, blocks, _ = content(call)
    message = call.fake.post(
        channel,
        call.team.bot,
        text,
        blocks=blocks,
        only_for=person,
        thread_ts=call.args.get("thread_ts"),
        by_app=True,
    )
    return {"message_ts": message.ts}


@method("chat.getPermalink", tier="special")
def permalink(call):
    channel = call.channel()
    ts = call.need("message_ts")
    if not any(m.ts == ts for m in channel.said):
        raise SlackError("message_not_found")
    link = f"https://{call.team.domain}.slack.com/archives/{channel.id}/p{ts.replace('.', '')}"
    return {"channel": channel.id, "permalink": link}


@method("reactions.add", "reactions:write", tier=3)
def add_reaction(call):
    channel = call.channel()
    stamp = call.need("timestamp")
    message = next((m for m in channel.said if m.ts == stamp), None)
    if message is None:
        raise SlackError("message_not_found")
    users = message.reactions.setdefault(call.need("name"), [])
    if call.team.bot.id in users:
        raise SlackError("already_reacted")
    users.append(call.team.bot.id)
    return {}
