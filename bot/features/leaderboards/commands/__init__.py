"""What members may type, a file a group."""

from bot.features.leaderboards.commands import (
    analysis,
    benchmark,
    dataset,
    leaderboard,
    model,
    season,
)
from bot.features.leaderboards.declaration import feature

__all__ = ["analysis", "benchmark", "dataset", "feature", "leaderboard", "model", "season"]
