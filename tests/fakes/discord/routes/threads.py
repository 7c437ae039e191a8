"""Threads: opening them at a message, alone or in a forum, and who is in them."""

from tests.fakes.discord import limits, payloads, posting
from tests.fakes.discord.crowd import room_for
from tests.fakes.discord.refusals import Refused, unknown
from tests.fakes.discord.world import NAMES

from .declared import Route


def at_message(call):
    """Open a public thread at a message; it has the message's id."""
    message, channel = call.message, call.channel
    if message.thread is not None:
        raise Refused(400, 160004, "A thread has already been created for this message")
    if channel.kind not in ("text", "news"):
        raise Refused(400, 50024, "Cannot execute action on this channel type")
    call.need("create_public_threads", channel)
    _room(channel)
    kind = "news_thread" if channel.kind == "news" else "thread"
    thread = call.fake.open_thread(channel, call.body["name"], kind=kind, at=message)
    return payloads.channel(thread, viewer=call.fake.bot_user.id)


def alone(call):
    """Open a thread that belongs to no message; in a forum it begins with one."""
    channel, body, fake = call.channel, call.body, call.fake
    _room(channel)
    if channel.kind == "forum":
        return _in_forum(call, channel)
    if channel.kind not in ("text", "news"):
        raise Refused(400, 50024, "Cannot execute action on this channel type")
    kind = NAMES.get(body.get("type", 12))
    if kind not in ("thread", "private_thread", "news_thread"):
        raise Refused(400, 50035, "Invalid Form Body")
    private = kind == "private_thread"
    call.need("create_private_threads" if private else "create_public_threads", channel)
    thread = fake.open_thread(channel, body["name"], kind=kind)
    return payloads.channel(thread, viewer=fake.bot_user.id)


def _room(channel):
    threads = channel.guild.threads if channel.guild else []
    room_for(threads, limits.THREADS_OF_A_GUILD, 160006, "active threads")


def _in_forum(call, forum):
    call.need("send_messages", forum)
    fake, body = call.fake, call.body
    first = posting.made(fake, forum, body["message"], call.files)
    thread = fake.open_thread(forum, body["name"], kind="thread", number=first.id)
    first.channel = thread
    fake.put(first)
    payload = payloads.channel(thread, viewer=fake.bot_user.id)
    return payload | {"message": payloads.as_message(first)}


def _who(call):
    return call.fake.bot_user.id if call.parts["user"] == "@me" else call.part("user")


def _thread(call):
    thread = call.channel
    if not thread.is_thread:
        raise Refused(400, 50024, "Cannot execute action on this channel type")
    return thread


def add_member(call):
    thread = _thread(call)
    if _who(call) not in thread.guild.members:
        raise unknown("User", 10013)
    if thread.archived:
        raise Refused(400, 50083, "Thread is archived")
    call.need("send_messages_in_threads", thread)
    call.fake.enter_thread(thread, _who(call))


def remove_member(call):
    thread, who = _thread(call), _who(call)
    if who != call.fake.bot_user.id:
        call.need("manage_threads", thread)
    call.fake.leave_thread(thread, who)


def members(call):
    thread = _thread(call)
    return [payloads.thread_member(thread, who) for who in thread.thread_members]


def member(call):
    thread, who = _thread(call), _who(call)
    if who not in thread.thread_members:
        raise unknown("Member", 10007)
    return payloads.thread_member(thread, who)


def active(call):
    """Give the threads of a server that are not archived and that the bot sees."""
    fake = call.fake
    seen = [t for t in call.guild.threads if fake.bot_sees(t)]
    mine = fake.bot_user.id
    return {
        "threads": [payloads.channel(t, viewer=mine) for t in seen],
        "members": [payloads.thread_member(t, mine) for t in seen if mine in t.thread_members],
    }


_MEMBER = "/channels/{channel}/thread-members/{user}"
ROUTES = [
    Route("POST", "/channels/{channel}/messages/{message}/threads", at_message),
    Route("POST", "/channels/{channel}/threads", alone),
    Route("GET", "/channels/{channel}/thread-members", members),
    Route("GET", _MEMBER, member),
    Route("PUT", _MEMBER, add_member),
    Route("DELETE", _MEMBER, remove_member),
    Route("GET", "/guilds/{guild}/threads/active", active),
]
