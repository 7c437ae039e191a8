"""The feature itself, apart from what hangs on it, so that both groups of commands can share it."""

from bot.kit.feature import Feature

feature = Feature(
    "moderation",
    "Look after the community and the bot",
    "bot.features.moderation",
    groups={
        "mod": "What moderators did, and why",
        "admin": "Roles, channels, schedules, jobs and runners",
    },
)
