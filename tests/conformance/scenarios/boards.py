from typing import Any

from bot.features.leaderboards import benchmarks
from runner.contract import Failure
from runner.errands import Made
from tests.conformance.scenarios.telling import plainly, scenario
from tests.conformance.world import Heard, World
from tests.features.boards import MANIFEST, MODEL, artifact, with_files
from tests.opening import open_benchmark


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

plainly("dataset link")
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
