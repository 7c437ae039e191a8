from bot.kit.feature import Feature

feature = Feature("guide", "Where to start, and help for every command", "bot.features.guide")
