"""Every request is checked against Discord's limits; ours are stricter in one thing: pings."""

from . import commands, messages, modals, others
from .findings import Findings

CHECKS = {
    "POST /channels/{channel}/messages": messages.sent,
    "PATCH /channels/{channel}/messages/{message}": messages.edited,
    "POST /webhooks/{app}/{token}": messages.followed_up,
    "PATCH /webhooks/{app}/{token}/messages/{message}": messages.edited,
    "POST /interactions/{interaction}/{token}/callback": modals.answered,
    "PUT /applications/{app}/commands": commands.registered,
    "PUT /applications/{app}/guilds/{guild}/commands": commands.registered,
    "POST /users/@me/channels": others.direct,
    "POST /channels/{channel}/messages/{message}/threads": others.thread_at_message,
    "POST /channels/{channel}/threads": others.thread,
    "PATCH /channels/{channel}": others.channel_changed,
    "POST /guilds/{guild}/channels": others.channel_made,
    "POST /guilds/{guild}/roles": others.role,
    "POST /guilds/{guild}/scheduled-events": others.event_made,
    "PATCH /guilds/{guild}/scheduled-events/{event}": others.event_changed,
}


def findings_of(request, file_limit):
    """Give what is wrong with a request's body."""
    found = Findings()
    check = CHECKS.get(request.name)
    if check is not None:
        check(found, request.body, [content for _, _, content in request.files], file_limit)
    return found


__all__ = ["Findings", "findings_of"]
