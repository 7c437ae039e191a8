from datetime import timedelta

from bot.community import stranded
from bot.features.moderation.declaration import feature
from bot.kit import requests
from bot.kit.work import Work


@feature.schedule(
    "forget",
    "Forget requests that no platform repeats any more, and what could not be said long ago",
    every=timedelta(hours=6),
)
async def forget(work: Work) -> None:
    await requests.forget_old(work.session, now=work.now)
    await stranded.forget_old(work.session, now=work.now)
