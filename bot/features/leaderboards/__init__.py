"""Shared benchmarks: models uploaded in chat, scored by a runner, ranked with their intervals."""

from bot.features.leaderboards import at_work, collecting, jobs, pages, reports, sending, sweeping
from bot.features.leaderboards.commands import feature

__all__ = ["at_work", "collecting", "feature", "jobs", "pages", "reports", "sending", "sweeping"]
