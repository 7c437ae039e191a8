"""What people with power may do, and the log of what they did."""

from bot.features.moderation.commands import feature

__all__ = ["feature"]
