"""Who a member is here: their name, their time zone, their accounts."""

from bot.features.profile.commands import feature

__all__ = ["feature"]
