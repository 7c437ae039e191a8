"""All routes that the fake knows."""

from . import basics, channels, commands, events, guilds, interactions, messages, threads

ROUTES = [
    *basics.ROUTES,
    *commands.ROUTES,
    *interactions.ROUTES,
    *messages.ROUTES,
    *channels.ROUTES,
    *threads.ROUTES,
    *guilds.ROUTES,
    *events.ROUTES,
]
