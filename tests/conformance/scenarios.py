"""How a member uses each command. A scenario gives what was heard last.

Moira administers; Ada and Bob are members. What it does beside the command itself is done on the
same platform, so a scenario is a small story.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from bot.community.joining import make_one
from bot.community.members import join, the_community
from bot.community.models import Member
from bot.features.leaderboards import benchmarks
from bot.features.profile.models import LinkCode
from bot.kit.jobs import RunnerSeen
from bot.kit.work import Standing
from runner.contract import Failure
from runner.errands import Made
from tests.conformance.world import Heard, World
from tests.features.boards import MANIFEST, MODEL, artifact, with_files
from tests.opening import open_benchmark

Scenario = Callable[[World], Awaitable[Heard]]
SCENARIOS: dict[str, Scenario] = {}


def scenario(command: str) -> Callable[[Scenario], Scenario]:
    def keep(story: Scenario) -> Scenario:
        assert command not in SCENARIOS, command
        SCENARIOS[command] = story
        return story

    return keep


def plainly(command: str, who: str = "ada", **values: Any) -> None:
    """A command that needs nothing before it."""

    @scenario(command)
    async def story(world: World) -> Heard:
        return await world.say(who, command, **values)


def on_a_board(command: str, who: str = "ada", **values: Any) -> None:
    """A command about a benchmark that is open."""

    @scenario(command)
    async def story(world: World) -> Heard:
        await open_board(world)
        return await world.say(who, command, **values)


async def open_board(world: World) -> None:
    desk = world.desk
    desk.says["rank"] = Failure(code="E_RUNNER_BUG", ours=True, problem="not asked here")
    for kind in ("analysis", "report", "dataset", "starter", "compare"):
        desk.says[kind] = await drawn(world, kind)
    await open_benchmark(world.core, MANIFEST, per_day=3)


async def drawn(world: World, words: str) -> Made:
    picture = artifact("a.png", await world.core.services.files.add(PNG), "image/png", alt=words)
    return Made(artifacts=(picture,), words=f"The {words} is drawn.")


async def submitted(world: World, who: str = "ada", model: bytes = MODEL) -> str:
    """Hand a model in; gives the submission's id."""
    before = set(world.engine.jobs)
    await world.say(who, "model submit", attach={"file": ("net.onnx", model)}, benchmark="digits")
    [key] = set(world.engine.jobs) - before
    return world.engine.jobs[key].submission


async def scored(world: World, who: str = "ada", model: bytes = MODEL, value: float = 0.9) -> str:
    """Hand a model in and have a runner score it; gives the submission's id."""
    submission = await submitted(world, who, model)
    [evaluation] = [e for e in world.engine.jobs.values() if e.submission == submission]
    await world.engine.report(await with_files(world, evaluation, value, of=f"{value}"))
    await world.deliver()
    return submission


def about_a_score(command: str, who: str = "ada", **values: Any) -> None:
    """A command about a submission that has its score."""

    @scenario(command)
    async def story(world: World) -> Heard:
        await open_board(world)
        submission = await scored(world)
        return await world.say(who, command, submission=submission, **values)


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63606060000000040001f61738550000000049454e44ae426082"
)

plainly("bookwiz help")
plainly("bookwiz ping")
plainly("bookwiz start")
plainly("bookwiz home")
plainly("bookwiz report", message="Buy <cheap> *GPUs*", why="spam")
plainly("profile show")
plainly("profile open", on="yes")
plainly("profile edit", name="Ada Lovelace")
plainly("profile timezone", zone="Europe/Berlin")
plainly("profile public", on="yes")
plainly("profile reminders", day="friday", hour="9")
plainly("checkin now", done="Read *one* paper", next="Reproduce <it>", blocked="")
plainly("checkin history")
plainly("checkin streak")
plainly("checkin pause", until="2026-12-24")
plainly("dataset link")
plainly("mod audit", who="moira")
plainly("admin jobs", who="moira")
plainly("admin schedule", who="moira")
plainly("admin channels", who="moira", purpose="leaderboards", channel="results")
plainly("admin config", who="moira")
plainly(
    "admin setup",
    who="moira",
    name="Vision Lab",
    zone="Europe/Berlin",
    results="results",
    moderators="general",
)
on_a_board("benchmark list")
on_a_board("benchmark show", benchmark="digits")
on_a_board("benchmark rules", benchmark="digits")
on_a_board("benchmark data", benchmark="digits")
on_a_board("benchmark starter", benchmark="digits")
on_a_board("benchmark frame", benchmark="digits", false_alarm="1", miss="20", prevalence="0.1")
on_a_board("leaderboard list")
on_a_board("leaderboard freeze", who="moira", benchmark="digits", sure="yes")
on_a_board("leaderboard reveal", who="moira", benchmark="digits")
on_a_board("model link", benchmark="digits", notes="deeper")
on_a_board("model status")
about_a_score("model card")
about_a_score("model share")
about_a_score("model withdraw", sure="yes")
about_a_score("analysis confusion")
about_a_score("analysis errors")
about_a_score("analysis slices")
about_a_score("analysis saliency")
about_a_score("analysis robustness")
about_a_score("analysis quantize")


async def second_ada(world: World) -> Member:
    """Ada spoke here, and as somebody else elsewhere; gives who she is elsewhere."""
    await world.say("ada", "bookwiz ping")
    async with world.core.work("tests") as work:
        community = await the_community(work.session)
        return await join(
            work.session,
            community,
            platform="elsewhere",
            handle="ada2",
            name="Ada Two",
            now=work.now,
        )


@scenario("profile link")
async def accounts_are_joined_by_a_code(world: World) -> Heard:
    other = await second_ada(world)
    async with world.core.work("tests") as work:
        code = LinkCode(
            member_id=other.id,
            secret_hash=work.services.links.digest("ABCDEFGH"),
            platform="elsewhere",
            handle="ada2",
            expires_at=work.now + timedelta(minutes=5),
        )
        work.session.add(code)
    await world.say("ada", "profile link", code="abcd-efgh")
    return await world.say("ada", "profile link", code="abcd-efgh", sure="yes")


@scenario("profile unlink")
async def an_account_is_parted(world: World) -> Heard:
    other = await second_ada(world)
    async with world.core.work("tests") as work:
        ada = await work.session.scalar(select(Member).filter_by(name="Ada"))
        assert ada is not None
        await make_one(work, ada.id, other.id)
    return await world.say("ada", "profile unlink", account="elsewhere/ada2", sure="yes")


@scenario("admin roles")
async def a_lead_is_named(world: World) -> Heard:
    await world.say("bob", "bookwiz ping")
    return await world.say("moira", "admin roles", member="bob", role="lead")


@scenario("admin spaces")
async def another_server_is_admitted(world: World) -> Heard:
    async with world.core.work("tests") as work:
        guests = Standing(space="77", space_name="Guests")
        await world.core.services.people.knocked(work, platform="discord", standing=guests)
    return await world.say("moira", "admin spaces", space="discord/77", action="admit")


@scenario("admin runners")
async def a_runner_is_seen(world: World) -> Heard:
    world.engine.seen = [
        RunnerSeen(
            name="box-1",
            queue="cpu",
            tier="full",
            hardware="2-core CPU",
            versions={"bookwiz": "1.0"},
            heartbeat_at=world.now,
            busy_with=None,
            formats=("onnx",),
            takes=("cpu",),
        )
    ]
    return await world.say("moira", "admin runners")


@scenario("dataset check")
async def an_archive_is_looked_through(world: World) -> Heard:
    await open_board(world)
    return await world.say("ada", "dataset check", attach={"archive": ("pets.zip", b"PK" * 100)})


@scenario("benchmark create")
async def a_benchmark_is_opened(world: World) -> Heard:
    await open_board(world)
    return await world.say(
        "moira",
        "benchmark create",
        name="digits-two",
        title="Digits, again",
        dataset=MANIFEST.key,
        metric="macro_f1",
        why="Rare digits count as much.",
        rules="No test images.",
        per_day="4",
    )


@scenario("model submit")
async def a_model_is_handed_in_and_scored(world: World) -> Heard:
    await open_board(world)
    heard = await world.say(
        "ada",
        "model submit",
        attach={"file": ("net.onnx", MODEL)},
        benchmark="digits",
        notes="first try",
    )
    [evaluation] = world.engine.jobs.values()
    await world.engine.report(await with_files(world, evaluation, 0.93, of="its"))
    await world.deliver()
    return heard


@scenario("model cancel")
async def a_waiting_model_is_cancelled(world: World) -> Heard:
    await open_board(world)
    return await world.say("ada", "model cancel", submission=await submitted(world))


@scenario("leaderboard show")
async def a_board_with_two_on_it(world: World) -> Heard:
    await open_board(world)
    await scored(world, "ada", value=0.9)
    await scored(world, "bob", MODEL + b"2", value=0.8)
    return await world.say("bob", "leaderboard show", benchmark="digits")


@scenario("leaderboard compare")
async def two_models_are_compared(world: World) -> Heard:
    await open_board(world)
    first = await scored(world, "ada", value=0.9)
    second = await scored(world, "bob", MODEL + b"2", value=0.8)
    return await world.say("bob", "leaderboard compare", a=first, b=second)


@scenario("leaderboard create")
async def a_board_by_another_metric(world: World) -> Heard:
    await open_board(world)
    return await world.say(
        "moira",
        "leaderboard create",
        benchmark="digits",
        metric="macro_f1",
        why="Rare digits count as much.",
    )


@scenario("leaderboard rescore")
async def an_old_board_is_counted_on_a_new_dataset(world: World) -> Heard:
    await open_board(world)
    await scored(world)
    newer = MANIFEST.model_copy(update={"key": "digits-ba9876543210"})
    async with world.core.work("leaderboards") as work:
        await benchmarks.add_dataset(work.session, newer, now=work.now)
    await world.say("moira", "leaderboard create", benchmark="digits", dataset=newer.key)
    return await world.say("moira", "leaderboard rescore", benchmark="digits", action="count")


@scenario("analysis diff")
async def two_of_ones_own_are_set_against_each_other(world: World) -> Heard:
    await open_board(world)
    first = await scored(world, value=0.9)
    second = await scored(world, model=MODEL + b"2", value=0.95)
    return await world.say("ada", "analysis diff", submission=first, other=second)


@scenario("analysis share")
async def an_analysis_is_shown_to_everybody(world: World) -> Heard:
    await open_board(world)
    submission = await scored(world)
    await world.say("ada", "analysis confusion", submission=submission)
    return await world.say("ada", "analysis share", analysis="confusion", submission=submission)
