"""The picture and the report page of a score: drawn after it, shown in the same message."""

from datetime import timedelta

from sqlalchemy import select

from bot.community.models import Member
from bot.features.leaderboards import answers, boards, ladder, live
from bot.features.leaderboards.benchmarks import manifest_of
from bot.features.leaderboards.kinds import TITLES
from bot.features.leaderboards.models import RANKING, Benchmark, State, Submission
from bot.features.leaderboards.ranking import Entry
from bot.features.leaderboards.retries import OF_STORAGE
from bot.kit.errands import Answered, put_errand
from bot.kit.work import Work
from runner.contract import Outcome
from runner.errands import Analysed, Entrant, Made, ReportErrand

_PAUSE = timedelta(minutes=1)  # where the disk is full, before the report is tried again


async def ask(work: Work, submission: Submission, *, previous: Submission | None) -> None:
    """Have the report written, once there are predictions on dev to write of."""
    dev = ladder.artifact_of(submission, "predictions-dev.npy")
    if dev is None or submission.report is None:
        return
    benchmark = await work.session.get_one(Benchmark, submission.benchmark_id)
    member = await work.session.get(Member, submission.member_id) if submission.member_id else None
    manifest = await manifest_of(work.session, benchmark)
    before = ladder.artifact_of(previous, "predictions-dev.npy") if previous else None
    outcome = Outcome.model_validate(submission.report)
    splits = boards.shown_splits(submission)
    errand = ReportErrand(
        task=benchmark.task,  # pydantic checks it
        dataset=benchmark.dataset_key or "",
        submission=submission.id,
        title=benchmark.title,
        who=member.name if member else f"baseline {submission.baseline}",
        metric=benchmark.metric,
        metric_version=benchmark.metric_version,
        scores=tuple(s for s in outcome.scores if s.split in splits),
        verdict=outcome.verdict,
        dev=dev.sha256,
        previous=before.sha256 if before else None,
        previous_submission=previous.id if previous and before else "",
        kept=_kept(submission),
        against=await _others(work, benchmark, submission, previous),
        speed=outcome.speed,
        model=outcome.model,
        model_sha256=submission.sha256,
        config=submission.config,
        notes=submission.notes,
        runner=outcome.runner,
        tier=outcome.tier,
        versions=outcome.versions,
        warnings=outcome.warnings,
        analyses=await _analysed(work, submission),
        benchmark_image=manifest.source if manifest else "",
    )
    await work.ask(errand, key=f"report:{submission.id}")


def _kept(submission: Submission) -> str | None:
    found = ladder.statistics_of(submission, "dev")
    return found.sha256 if found else None


async def _others(
    work: Work, benchmark: Benchmark, submission: Submission, previous: Submission | None
) -> tuple[Entrant, ...]:
    """Whom the card compares it with on dev: the team's own best, and who leads beside it."""
    placed = (await boards.board(work.session, benchmark)).placed
    others = [p.entry.submission for p in placed if not _same_team(p.entry, submission)]
    found = []
    if previous is not None:
        found.append((previous, f"own best so far, {previous.id}"))
    for id_ in others:
        first = await work.session.get_one(Submission, id_)
        if first.sha256 == submission.sha256:  # the same model: there is no difference to tell
            continue
        name = "the leader" if id_ == placed[0].entry.submission else "the next on the board"
        found.append((first, f"{name}, {first.id}"))
        break
    return tuple(
        Entrant(submission=other.id, name=name, statistics=kept)
        for other, name in found
        if (kept := _kept(other))
    )


def _same_team(entry: Entry, submission: Submission) -> bool:
    if submission.member_id is None:
        return entry.submission == submission.id
    return entry.member_id == submission.member_id


async def _analysed(work: Work, submission: Submission) -> tuple[Analysed, ...]:
    """Those of the analyses that ran the model again; the newest of each kind."""
    rows = await work.session.scalars(
        select(Submission)
        .where(
            Submission.origin_id == submission.id,
            Submission.purpose.not_in(RANKING),
            Submission.state == State.SCORED,
            Submission.page.is_not(None),
        )
        .order_by(Submission.position)
    )
    newest = {row.purpose: Made.model_validate(row.page) for row in rows.all()}
    return tuple(Analysed(heading=TITLES[kind], made=made) for kind, made in newest.items())


@answers.to("report")
async def take(work: Work, id: str, answered: Answered) -> None:
    submission = await work.session.get(Submission, id, with_for_update=True)
    if submission is None:
        return
    if answered.failure is not None and answered.failure.code in OF_STORAGE:
        later = work.now + _PAUSE
        await put_errand(
            work.session, answered.errand, key=answered.key, feature=work.feature, now=later
        )
    if not isinstance(answered.answer, Made):
        return  # the card stands without a picture; the log says why
    submission.page = answered.answer.model_dump(mode="json")
    await work.session.flush()
    if submission.state in {State.SCORED, State.WITHDRAWN}:
        await live.show(work, submission)
