"""What members may type, a file a group."""

from bot.features.leaderboards.commands import benchmark, leaderboard, model
from bot.features.leaderboards.declaration import feature

__all__ = ["benchmark", "feature", "leaderboard", "model"]
