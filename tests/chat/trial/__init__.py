"""A feature that shows whatever a chat must be able to show."""

from datetime import date
from enum import StrEnum
from typing import Annotated

from bot.community.members import suggest_members
from bot.kit.command import Arg, Choice, Person, Refusal, Reply, Role, Upload
from bot.kit.feature import Feature
from bot.kit.work import Context

feature = Feature("trial", "Try what a chat can do", __package__)

FRUITS = ("apple", "apricot", "banana", "cherry pie")


class Mood(StrEnum):
    GOOD = "good"
    BAD = "bad"


async def fruits(ctx: Context, text: str) -> list[Choice]:
    return [Choice(f, f.title()) for f in FRUITS if text.lower() in f]


@feature.command("trial gallery", "Show every kind of block")
async def gallery(ctx: Context) -> Reply:
    files = ctx.services.files
    picture = await files.add(_png())
    text = await files.add(b"epoch,loss\n1,0.5\n")
    values = {"now": ctx.now, "me": ctx.member, "picture": picture.sha256, "text": text.sha256}
    return Reply("gallery.md.j2", values)


@feature.command("trial run", "Start something that takes a while")
async def run(ctx: Context, name: Annotated[str, Arg("What to call it")] = "run") -> Reply:
    await _live(ctx, name, 0.1, pending=True)
    return Reply("said.md.j2", {"words": f"{name} is on its way."})


@feature.command("trial step", "Let it go on", private=True)
async def step(
    ctx: Context,
    name: Annotated[str, Arg("Which")] = "run",
    share: Annotated[float, Arg("How far")] = 0.5,
    failed: Annotated[bool, Arg("Whether it failed")] = False,
) -> Reply:
    await _live(ctx, name, share, pending=share < 1 and not failed, failed=failed)
    return Reply("said.md.j2", {"words": "Done."})


@feature.command("trial secret", "Say something that nobody else reads", private=True)
async def secret(ctx: Context, words: Annotated[str, Arg("What")]) -> Reply:
    return Reply("said.md.j2", {"words": words})


@feature.command("trial shout", "Say something that everybody reads")
async def shout(ctx: Context, words: Annotated[str, Arg("What", max_length=4000)]) -> Reply:
    return Reply("said.md.j2", {"words": words})


@feature.command("trial diary", "Say how your week went")
async def diary(
    ctx: Context,
    done: Annotated[str, Arg("What you did this week", long=True, max_length=2000)],
    next: Annotated[str, Arg("What comes next", max_length=100)],
    hours: Annotated[int, Arg("Hours you spent")] = 5,
    day: Annotated[date | None, Arg("The day you will do it")] = None,
    mood: Annotated[Mood, Arg("How it felt")] = Mood.GOOD,
    share: Annotated[bool, Arg("Show it to everybody")] = True,
    friend: Annotated[Person | None, Arg("Who helped", complete=suggest_members)] = None,
    fruit: Annotated[str | None, Arg("What you ate", complete=fruits)] = None,
    plot: Annotated[Upload | None, Arg("A picture of it")] = None,
) -> Reply:
    if hours > 100:
        raise Refusal(
            "A week has fewer hours than that.",
            code="E_HOURS",
            expected="at most 100",
            got=str(hours),
            field="hours",
        )
    words = f"{done} / {next} / {hours} / {day} / {mood} / {friend and friend.name} / {fruit} / {plot and plot.name}"
    return Reply("said.md.j2", {"words": words}, private=not share)


@feature.command("trial pick", "Pick a fruit")
async def pick(
    ctx: Context,
    fruit: Annotated[str, Arg("Which fruit", complete=fruits)],
    mood: Annotated[Mood, Arg("How you feel")] = Mood.GOOD,
    model: Annotated[Upload | None, Arg("A file to go with it")] = None,
) -> Reply:
    return Reply("said.md.j2", {"words": f"{fruit}, {mood}, {model.name if model else 'no file'}"})


@feature.command("trial refuse", "Be told no")
async def refuse(ctx: Context) -> Reply:
    raise Refusal("No.", code="E_NO", expected="yes", got="no", fix="Ask again.")


@feature.command("trial break", "Run into a defect")
async def break_(ctx: Context) -> Reply:
    raise ZeroDivisionError


@feature.command("trial rule", "For moderators only", who=Role.MODERATOR)
async def rule(ctx: Context) -> Reply:
    return Reply("said.md.j2", {"words": "It is so."})


async def _live(
    ctx: Context, name: str, share: float, *, pending: bool, failed: bool = False
) -> None:
    values = {"name": name, "share": share, "failed": failed}
    await ctx.post(
        ctx.place, "live.md.j2", values, key=f"trial:{name}", pending=pending, failed=failed
    )


def _png() -> bytes:
    import io

    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (480, 240), "#f4f1ea")
    draw = ImageDraw.Draw(picture)
    for index, height in enumerate((60, 120, 90, 180, 150)):
        draw.rectangle((40 + index * 85, 220 - height, 90 + index * 85, 220), fill="#3b6ea8")
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
