"""Scheduled events of a server."""

from datetime import UTC, datetime

from tests.fakes.discord import limits, payloads
from tests.fakes.discord.crowd import room_for
from tests.fakes.discord.refusals import Refused, unknown
from tests.fakes.discord.world import Event

from .declared import Route

STAGE, VOICE, EXTERNAL = 1, 2, 3
SCHEDULED, ACTIVE, COMPLETED, CANCELLED = 1, 2, 3, 4
NEXT = {SCHEDULED: (ACTIVE, CANCELLED), ACTIVE: (COMPLETED,), COMPLETED: (), CANCELLED: ()}


def _event(call):
    found = [e for e in call.guild.events if e.id == call.part("event")]
    if not found:
        raise unknown("Guild Scheduled Event", 10070)
    return found[0]


def all_of(call):
    return [payloads.scheduled(e) for e in call.guild.events]


def get(call):
    return payloads.scheduled(_event(call))


def make(call):
    guild, body = call.guild, call.body
    call.need_in(guild, "create_events")
    room_for(guild.events, limits.EVENTS_OF_A_GUILD, 30038, "guild scheduled events")
    _check(call, body)
    event = Event(call.fake.ids(), guild, dict(body), call.fake.bot_user.id)
    guild.events.append(event)
    call.fake.tell_of_event("CREATE", event)
    return payloads.scheduled(event)


def _check(call, fields):
    """Refuse what Discord refuses: an outside event without place or end, one in the past."""
    kind = fields.get("entity_type")
    outside = kind == EXTERNAL
    place = (fields.get("entity_metadata") or {}).get("location")
    if outside and not (place and fields.get("scheduled_end_time")):
        raise _invalid("scheduled_end_time or entity_metadata")
    if outside and fields.get("channel_id"):
        raise _invalid("channel_id")
    if not outside and call.channel_of(fields.get("channel_id") or 0).kind not in (
        "voice",
        "stage",
    ):
        raise _invalid("channel_id")
    start = datetime.fromisoformat(fields["scheduled_start_time"])
    if start < datetime.fromtimestamp(call.fake.clock.now(), UTC):
        raise _invalid("scheduled_start_time")
    end = fields.get("scheduled_end_time")
    if end and datetime.fromisoformat(end) <= start:
        raise _invalid("scheduled_end_time")


def _invalid(field):
    why = {"_errors": [{"code": "BASE_TYPE_REQUIRED", "message": f"{field} is not right"}]}
    return Refused(400, 50035, "Invalid Form Body", {field: why})


def change(call):
    event, body = _event(call), dict(call.body)
    _own(call, event)
    status = body.pop("status", event.status)
    if status != event.status and status not in NEXT[event.status]:
        raise Refused(400, 180000, "Cannot update a finished event")
    if event.status == SCHEDULED and status == SCHEDULED:
        _check(call, event.fields | body)
    event.fields |= body
    event.status = status
    call.fake.tell_of_event("UPDATE", event)
    if status in (COMPLETED, CANCELLED):
        event.guild.events.remove(event)
    return payloads.scheduled(event)


def delete(call):
    event = _event(call)
    _own(call, event)
    event.guild.events.remove(event)
    call.fake.tell_of_event("DELETE", event)


def _own(call, event):
    mine = event.creator_id == call.fake.bot_user.id
    call.need_in(event.guild, "create_events" if mine else "manage_events")


_EVENT = "/guilds/{guild}/scheduled-events/{event}"
ROUTES = [
    Route("GET", "/guilds/{guild}/scheduled-events", all_of),
    Route("POST", "/guilds/{guild}/scheduled-events", make),
    Route("GET", _EVENT, get),
    Route("PATCH", _EVENT, change),
    Route("DELETE", _EVENT, delete),
]
