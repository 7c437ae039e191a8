"""The feature itself, apart from what hangs on it, so that commands and schedules can share it."""

from bot.kit.feature import Feature

feature = Feature(
    "checkins", "Say once a week what you did and what comes next", "bot.features.checkins"
)
