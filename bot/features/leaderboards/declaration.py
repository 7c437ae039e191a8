"""The feature itself, apart from what hangs on it, so that commands and listeners can share it."""

from bot.kit.feature import Feature

feature = Feature(
    "leaderboards",
    "Submit models and see how good they really are",
    "bot.features.leaderboards",
    groups={
        "benchmark": "What models are compared on, and the images to train with",
        "model": "Hand in models and follow them",
        "leaderboard": "Who is how good, with intervals",
        "analysis": "Where a model of yours is wrong, what it looks at, what it stands",
        "dataset": "Look through images and labels before training on them",
    },
)
