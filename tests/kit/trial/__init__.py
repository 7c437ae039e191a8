"""A feature of the tests' own: its commands do nothing but show what the kit does with them."""

from collections import deque
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum, StrEnum
from typing import Annotated

from bot.kit.command import Arg, Choice, Person, Refusal, Reply, Role, Upload
from bot.kit.feature import Feature
from bot.kit.schedule import Occurrence
from bot.kit.work import Context, Work


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Size(Enum):
    SMALL = 1
    LARGE = 2


@dataclass
class Trial:
    """What the commands below saw and what they shall do."""

    seen: list[dict] = field(default_factory=list)
    races: int = 0  #: so many of the next runs of ``/trial race`` lose against somebody
    runs: int = 0
    fired: list[str] = field(default_factory=list)
    failures: deque[Exception] = field(default_factory=deque)  #: raised by the next schedules


async def suggest(ctx: Context, text: str) -> list[Choice]:
    return [Choice(f"{text}{n}", f"{text} {n}") for n in range(40)]


def make(trial: Trial) -> Feature:  # noqa: C901 - one small command after the other
    """The feature, with commands that report to *trial*."""
    feature = Feature("trial", "Commands of the tests", __package__)

    @feature.command("trial kinds", "Take one argument of each kind")
    async def kinds(
        ctx: Context,
        word: Annotated[str | None, Arg("A word", max_length=50)] = None,
        count: Annotated[int | None, Arg("How many")] = None,
        share: Annotated[float | None, Arg("How much")] = None,
        sure: Annotated[bool, Arg("Whether")] = False,
        day: Annotated[date | None, Arg("When")] = None,
        colour: Annotated[Colour | None, Arg("Which")] = None,
        size: Annotated[Size | None, Arg("How large")] = None,
        way: Annotated[str | None, Arg("Where", choices=(Choice("n", "North"),))] = None,
        whom: Annotated[Person | None, Arg("Who")] = None,
        file: Annotated[Upload | None, Arg("What")] = None,
    ) -> Reply:
        given = {k: v for k, v in locals().items() if k not in {"ctx", "trial"}}
        trial.seen.append(given)
        return Reply("words.md.j2", {"words": " ".join(k for k, v in given.items() if v)})

    @feature.command("trial say", "Say it back")
    async def say(
        ctx: Context, words: Annotated[str, Arg("What to say", max_length=1000)]
    ) -> Reply:
        return Reply("words.md.j2", {"words": words})

    @feature.command("trial form", "Ask for two texts", private=True)
    async def form(
        ctx: Context,
        title: Annotated[str, Arg("Its title", max_length=20)],
        details: Annotated[str, Arg("All about it", max_length=1000, long=True)],
    ) -> Reply:
        if title == "taken":
            raise Refusal("That title is taken.", code="E_TAKEN", field="title")
        return Reply("words.md.j2", {"words": f"{title}: {details}"})

    @feature.command("trial suggest", "Suggest values")
    async def suggested(
        ctx: Context,
        value: Annotated[str, Arg("A value", complete=suggest)],
        colour: Annotated[Colour, Arg("Which")] = Colour.RED,
    ) -> Reply:
        return Reply("words.md.j2", {"words": value})

    @feature.command("trial file", "Take one file")
    async def file(ctx: Context, model: Annotated[Upload, Arg("The model")]) -> Reply:
        return Reply("words.md.j2", {"words": f"{model.name} {model.size}"})

    @feature.command("trial secret", "For moderators", who=Role.MODERATOR)
    async def secret(ctx: Context) -> Reply:
        return Reply("words.md.j2", {"words": "psst"})

    @feature.command("trial race", "Be second")
    async def race(ctx: Context) -> Reply:
        trial.runs += 1
        await ctx.post(ctx.place, "words.md.j2", {"words": "raced"}, key="race")
        if trial.races:
            trial.races -= 1
            for _ in range(2):
                ctx.session.add(Occurrence(schedule="race", key="same", claimed_at=ctx.now))
                await ctx.session.flush()
                ctx.session.expunge_all()
        return Reply("words.md.j2", {"words": "won"})

    @feature.command("trial break", "Break")
    async def break_(ctx: Context, words: Annotated[str, Arg("What it says")]) -> Reply:
        await ctx.post(ctx.place, "words.md.j2", {"words": words}, key="broken")
        raise ValueError(words)

    @feature.command("trial refuse", "Write, post and refuse")
    async def refuse(ctx: Context) -> Reply:
        await ctx.claim("trial", "refused")
        await ctx.post(ctx.place, "words.md.j2", {"words": "never"}, key="refused")
        await ctx.session.flush()
        raise Refusal("No.", code="E_NO", expected="a yes", got="a | pipe", fix="Say yes.")

    @feature.command("trial post", "Post below a key")
    async def post(
        ctx: Context,
        key: Annotated[str, Arg("The key")],
        words: Annotated[str, Arg("The words")],
        channel: Annotated[str | None, Arg("The channel")] = None,
        unhurried: Annotated[bool, Arg("Whether it may wait")] = False,
    ) -> Reply:
        place = ctx.place.model_copy(update={"channel": channel or ctx.place.channel})
        await ctx.post(place, "words.md.j2", {"words": words}, key=key, hurry=not unhurried)
        return Reply("words.md.j2", {"words": "posted"})

    @feature.schedule("nightly", "Something of the night", cron="30 2 * * *")
    async def nightly(work: Work) -> None:
        trial.fired.append(f"{work.now:%Y-%m-%d %H:%M}")
        if trial.failures:
            raise trial.failures.popleft()

    @feature.schedule(
        "monday", "Too late after two hours", cron="0 9 * * mon", catch_up=timedelta(hours=2)
    )
    async def monday(work: Work) -> None:
        trial.fired.append("monday")

    return feature
