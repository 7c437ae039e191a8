"""Weekly check-ins: what a member did, what comes next, and the streak that makes."""

from bot.features.checkins import commands, joining, reminders
from bot.features.checkins.declaration import feature

__all__ = ["commands", "feature", "joining", "reminders"]
