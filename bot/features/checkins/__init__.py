"""Weekly check-ins: what a member did, what comes next, and the streak that makes."""

from bot.features.checkins import commands, reminders
from bot.features.checkins.declaration import feature

__all__ = ["commands", "feature", "reminders"]
