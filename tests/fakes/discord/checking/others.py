"""Channels, threads, roles and scheduled events."""

from tests.fakes.discord import limits

from . import messages

CHANNEL = (
    "name", "type", "topic", "position", "permission_overwrites", "parent_id", "nsfw", "bitrate",
    "user_limit", "rate_limit_per_user", "default_auto_archive_duration", "archived", "locked",
    "invitable", "auto_archive_duration", "flags", "applied_tags", "available_tags", "rtc_region",
    "video_quality_mode", "default_reaction_emoji", "default_sort_order", "default_forum_layout",
    "default_thread_rate_limit_per_user",
)  # fmt: skip
THREAD = ("name", "auto_archive_duration", "rate_limit_per_user")
EVENT = (
    "name", "description", "image", "scheduled_start_time", "scheduled_end_time", "privacy_level",
    "entity_type", "channel_id", "entity_metadata", "status", "recurrence_rule",
)  # fmt: skip
ROLE = ("name", "permissions", "color", "colors", "hoist", "icon", "unicode_emoji", "mentionable")


def direct(found, body, files, file_limit):
    found.fields((), body, ("recipient_id",), needed=("recipient_id",))


def _thread(found, body):
    found.text(("name",), body.get("name"), limits.CHANNEL_NAME, least=1)
    after = body.get("auto_archive_duration")
    if after is not None:
        found.one_of(("auto_archive_duration",), after, limits.ARCHIVE_AFTER)


def thread_at_message(found, body, files, file_limit):
    found.fields((), body, THREAD)
    _thread(found, body)


def thread(found, body, files, file_limit):
    if "message" in body:
        found.fields((), body, (*THREAD, "message", "applied_tags", "type"))
        messages.said(found, ("message",), body["message"], files, file_limit)
    else:
        found.fields((), body, (*THREAD, "type", "invitable"))
    _thread(found, body)


def channel_made(found, body, files, file_limit):
    found.text(("name",), body.get("name"), limits.CHANNEL_NAME, least=1)
    channel_changed(found, body, files, file_limit)


def channel_changed(found, body, files, file_limit):
    found.fields((), body, CHANNEL)
    found.text(("name",), body.get("name"), limits.CHANNEL_NAME)
    found.text(("topic",), body.get("topic"), limits.CHANNEL_TOPIC)


def role(found, body, files, file_limit):
    found.fields((), body or {}, ROLE)
    found.text(("name",), (body or {}).get("name"), limits.ROLE_NAME)


def event_made(found, body, files, file_limit):
    needed = ("name", "privacy_level", "scheduled_start_time", "entity_type")
    found.fields((), body, EVENT, needed=needed)
    event_changed(found, body, files, file_limit)


def event_changed(found, body, files, file_limit):
    found.fields((), body, EVENT)
    if "name" in body:
        found.text(("name",), body["name"], limits.EVENT_NAME, least=1)
    found.text(("description",), body.get("description"), limits.EVENT_DESCRIPTION)
    place = (body.get("entity_metadata") or {}).get("location")
    found.text(("entity_metadata", "location"), place, limits.EVENT_LOCATION)
    if body.get("privacy_level") not in (None, 2):
        found.one_of(("privacy_level",), body["privacy_level"], (2,))
