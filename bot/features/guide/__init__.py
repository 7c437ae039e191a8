"""Where a member starts: help for everything, and whether the bot is well."""

from bot.features.guide import commands, home, kept, reporting
from bot.features.guide.declaration import feature

__all__ = ["commands", "feature", "home", "kept", "reporting"]
