"""A look at a file that has to wait for a runner, so that nobody waits only to hear that it will not do.

The runner checks what it runs in any case, and at once where it is free. A submission that has others
ahead is looked through by the desk meanwhile: a good one loses no time, and a refused one leaves the
line. What the desk cannot decide, the runner does.
"""

from bot.features.leaderboards import answers, endings
from bot.features.leaderboards.benchmarks import manifest_of
from bot.features.leaderboards.models import GIVEN, Benchmark, State, Submission
from bot.kit import outbox
from bot.kit.errands import Answered, take_back
from bot.kit.work import Work
from runner.contract import Blob, Declared, Limits
from runner.errands import LookErrand

#: codes of limits, which are for its machine to say
_OF_THE_RUNNER = frozenset({"E_TIME_PREDICTED", "E_TIME_WALL", "E_TIME_CPU", "E_MEMORY"})


async def ask(work: Work, submission: Submission) -> None:
    """Have the desk look through an ONNX file that waits. Others run code when they are opened."""
    if submission.format != "onnx":
        return
    benchmark = await work.session.get_one(Benchmark, submission.benchmark_id)
    manifest = await manifest_of(work.session, benchmark)
    assert manifest is not None, "only open benchmarks take submissions"
    errand = LookErrand(
        task=benchmark.task,  # pydantic checks it
        dataset=manifest.key,
        model=Blob(
            sha256=submission.sha256,
            size=submission.size,
            url=work.services.files.path(submission.sha256).as_uri(),
        ),
        declared=Declared.model_validate(submission.declared),
        limits=Limits.model_validate(benchmark.limits),
    )
    await work.ask(errand, key=_key(submission))


async def spare(work: Work, submission: Submission) -> None:
    """Want no look any more: its runner has begun, and looks itself."""
    await take_back(work.session, _key(submission))


def _key(submission: Submission) -> str:
    return f"look:{submission.id}"


@answers.to("look")
async def take(work: Work, id_: str, answered: Answered) -> None:
    """Refuse one that still waits; one that runs hears the same from its runner."""
    failure = answered.failure
    if failure is None or failure.ours or failure.code in _OF_THE_RUNNER:
        return
    submission = await work.session.get(Submission, id_, with_for_update=True)
    if submission is None or submission.state not in {State.QUEUED, State.DISPATCHED}:
        return
    if submission.state in GIVEN:
        await outbox.put_cancel(work.session, key=submission.job, now=work.now)
    await endings.fail(work, submission, failure)
