"""Who a member is here: their name, their time zone, their accounts."""

from bot.features.profile import accounts, commands
from bot.features.profile.declaration import feature

__all__ = ["accounts", "commands", "feature"]
