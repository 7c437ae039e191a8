"""Weekly check-ins: what a member did, what comes next, and the streak that makes."""

from bot.features.checkins import reminders
from bot.features.checkins.commands import feature

__all__ = ["feature", "reminders"]
