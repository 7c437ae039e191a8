"""What moderators and admins may type, a file a group."""

from bot.features.moderation import forgetting
from bot.features.moderation.commands import admin, mod, people, setup
from bot.features.moderation.declaration import feature

__all__ = ["admin", "feature", "forgetting", "mod", "people", "setup"]
