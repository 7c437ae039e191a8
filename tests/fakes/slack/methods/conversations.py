"""conversations.*: channels and direct messages."""

from .declared import SlackError, method

READ = ("channels:read", "groups:read", "im:read", "mpim:read")
HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")


@method("conversations.open", "im:write", "mpim:write", tier=3)
def open_(call):
    if call.args.get("channel"):
        channel = call.channel()
        return {"channel": {"id": channel.id}, "no_op": True, "already_open": True}
    users = call.args.get("users") or ""
    ids = users.split(",") if isinstance(users, str) else users
    people = [call.person(i.strip()) for i in ids if i.strip()]
    if not people:
        raise SlackError("users_list_not_supplied")
    known = any(c.dm_with == people for c in call.team.channels)
    channel = call.fake.direct(*people, refuse=SlackError)
    said = channel.as_conversation() if call.flag("return_im") else {"id": channel.id}
    return {"channel": said, "already_open": known, "no_op": known}


@method("conversations.info", *READ, tier=3)
def info(call):
    return {"channel": call.channel().as_conversation()}


@method("conversations.list", *READ, tier=2)
def list_(call):
    kinds = {"public_channel": "channel", "private_channel": "group", "im": "im", "mpim": "mpim"}
    wanted = {kinds[k.strip()] for k in (call.args.get("types") or "public_channel").split(",")}
    hides = call.flag("exclude_archived")
    channels = [
        c.as_conversation()
        for c in call.team.channels
        if c.kind in wanted
        and not c.deleted
        and not (hides and c.archived)
        and (c.kind == "channel" or call.team.bot in c.members)
    ]
    return call.page(channels, "channels")


@method("users.conversations", *READ, tier=3)
def of_user(call):
    person = call.person(call.args["user"]) if call.args.get("user") else call.team.bot
    channels = [c for c in call.team.channels if person in c.members and not c.deleted]
    return call.page([c.as_conversation() for c in channels], "channels")


def _between(call, messages):
    """Give the newest first, and those between oldest and latest."""
    oldest, latest = call.args.get("oldest"), call.args.get("latest")
    inclusive = call.flag("inclusive")

    def inside(ts):
        late_enough = not oldest or float(ts) > float(oldest) or (inclusive and ts == oldest)
        early_enough = not latest or float(ts) < float(latest) or (inclusive and ts == latest)
        return late_enough and early_enough

    return [m for m in messages if inside(m.ts)]


@method("conversations.history", *HISTORY, tier=3)
def history(call):
    channel = call.channel(member=True)
    found = _between(call, [m for m in channel.said if m.thread_ts in (None, m.ts)])
    metadata = call.flag("include_all_metadata")
    page = call.page([_told(m, metadata=metadata) for m in reversed(found)], "messages", most=999)
    return page | {"has_more": bool(page["response_metadata"]["next_cursor"]), "pin_count": 0}


@method("conversations.replies", *HISTORY, tier=3)
def replies(call):
    channel = call.channel(member=True)
    ts = call.need("ts")
    thread = [m for m in channel.said if ts in (m.ts, m.thread_ts)]
    if not any(m.ts == ts for m in thread):
        raise SlackError("thread_not_found")
    metadata = call.flag("include_all_metadata")
    root, *rest = thread
    found = [root, *_between(call, rest)]
    page = call.page([_told(m, metadata=metadata) for m in found], "messages", most=999)
    return page | {"has_more": bool(page["response_metadata"]["next_cursor"])}


def _told(message, *, metadata):
    told = message.as_message(metadata=metadata)
    answers = [m for m in message.channel.said if m.thread_ts == message.ts and m is not message]
    if answers:
        told |= {
            "thread_ts": message.ts,
            "reply_count": len(answers),
            "reply_users": sorted({m.user.id for m in answers}),
            "latest_reply": answers[-1].ts,
        }
    return told


@method("conversations.join", "channels:join", tier=3)
def join(call):
    channel = call.channel()
    if channel.kind != "channel":
        raise SlackError("method_not_supported_for_channel_type")
    if channel.archived:
        raise SlackError("is_archived")
    if call.team.bot not in channel.members:
        channel.members.append(call.team.bot)
    return {"channel": channel.as_conversation()}


@method("conversations.leave", "channels:manage", "groups:write", tier=3)
def leave(call):
    channel = call.channel()
    if call.team.bot not in channel.members:
        return {"not_in_channel": True}
    channel.members.remove(call.team.bot)
    return {}


@method("conversations.members", *READ, tier=4)
def members(call):
    return call.page([p.id for p in call.channel().members], "members")


@method("conversations.create", "channels:manage", "groups:write", tier=2)
def create(call):
    name = call.need("name")
    if not name.replace("-", "").replace("_", "").isalnum() or name != name.lower():
        raise SlackError("invalid_name_specials")
    if len(name) > 80:
        raise SlackError("invalid_name_maxlength")
    if any(c.name == name for c in call.team.channels):
        raise SlackError("name_taken")
    channel = call.fake.channel(
        name, team=call.team, private=call.flag("is_private"), members=(), bot=True
    )
    return {"channel": channel.as_conversation()}


@method("conversations.invite", "channels:manage", "groups:write", tier=3)
def invite(call):
    channel = call.channel(member=True)
    for given in call.need("users").split(","):
        person = call.person(given)
        if person in channel.members:
            raise SlackError("already_in_channel")
        channel.members.append(person)
    return {"channel": channel.as_conversation()}
