from bot.kit.feature import Feature

feature = Feature(
    "profile", "Who you are here, and what time it is where you are", "bot.features.profile"
)
