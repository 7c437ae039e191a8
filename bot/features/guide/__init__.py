"""Where a member starts: help for everything, and whether the bot is well."""

from bot.features.guide.commands import feature

__all__ = ["feature"]
