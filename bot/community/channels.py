"""What a community keeps a channel for. Admins choose which with ``/admin channels``."""

from bot.kit.command import Choice

PURPOSES = (
    Choice("checkins", "Check-ins: what members did and what comes next"),
    Choice("leaderboards", "Leaderboards: models that were scored"),
    Choice("moderators", "Moderators: what somebody should look at"),
    Choice("announcements", "Announcements: what everybody should hear"),
    Choice("papers", "Papers: sessions, votes and notes"),
    Choice("general", "General: also what could not be said in its own channel"),
)


def key(purpose: str) -> str:
    """The setting that holds the channel of *purpose*."""
    return f"channel.{purpose}"
