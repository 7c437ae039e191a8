"""A benchmark is opened as moderators do it, with words that most tests do not care for."""

from bot.features.leaderboards import benchmarks


async def open_benchmark(core, manifest, **more):
    """Open one called digits on the dataset of *manifest*; *more* is what else it shall be."""
    usual = {
        "name": "digits",
        "title": "Digits",
        "metric": "accuracy",
        "why": "All errors cost the same.",
    }
    async with core.work("leaderboards") as work:
        await benchmarks.add_dataset(work.session, manifest, now=work.now)
        return await benchmarks.create(
            work.session, 1, dataset=manifest.key, now=work.now, **usual | more
        )
