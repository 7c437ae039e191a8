"""The one message of a submission: where it is, and then its card."""

from typing import Any

from sqlalchemy import select

from bot.community.models import Member
from bot.features.leaderboards import boards, turns
from bot.features.leaderboards.advice import advice
from bot.features.leaderboards.metrics import facts_of
from bot.features.leaderboards.models import (
    RANKING,
    WAITING,
    Benchmark,
    Purpose,
    State,
    Submission,
)
from bot.kit.message import Place
from bot.kit.work import Work
from runner.contract import Failure, Stage

STAGES = {
    Stage.FETCH: "fetching the model",
    Stage.CHECK: "checking the model",
    Stage.PREDICT: "predicting",
    Stage.SCORE: "scoring",
    Stage.REPORT: "drawing the report",
}
_MOVED = 100  #: messages that follow the line in one go; a place behind that many is no news
_ENDED = {State.SCORED: "card.md.j2", State.FAILED: "failed.md.j2"}
_ANALYSED = {State.SCORED: "analysis.md.j2", State.FAILED: "failed_private.md.j2"}


def key_of(submission: Submission) -> str:
    return f"submission:{submission.id}"


async def show(work: Work, submission: Submission, *, hurry: bool = True) -> None:
    """Bring the live message to where the submission is."""
    if submission.place is None:
        return
    state = State(submission.state)
    await work.post(
        Place.model_validate(submission.place),
        template_of(submission),
        await values_of(work, submission),
        key=key_of(submission),
        hurry=hurry,
        pending=state in WAITING,
        failed=state == State.FAILED,
    )


def template_of(submission: Submission) -> str:
    ends = _ENDED if submission.purpose in RANKING else _ANALYSED
    return ends.get(State(submission.state), "live.md.j2")


async def values_of(work: Work, submission: Submission) -> dict[str, Any]:
    card = await boards.card(work.session, submission)
    stage = Stage.SCORE if submission.state == State.SCORING else submission.stage
    return {
        "card": card,
        "who": card.who,
        "submission": submission,
        "benchmark": card.benchmark,
        "metric": facts_of(card.benchmark.metric),
        "facts_of": facts_of,
        "waiting": await turns.waiting(work.session, submission)
        if submission.state in WAITING
        else None,
        "stage": STAGES.get(Stage(stage)) if stage else None,
        "step": list(STAGES).index(Stage(stage)) + 1 if stage else 0,
        "steps": len(STAGES),
        "advice": advice(card),
        "failure": Failure.model_validate(submission.failure) if submission.failure else None,
    }


async def move_up(work: Work) -> None:
    """Say to those who wait where they are by now: others' ends change it, and nobody says so."""
    rows = await work.session.execute(
        select(Submission, Benchmark, Member.name)
        .join(Benchmark, Benchmark.id == Submission.benchmark_id)
        .outerjoin(Member, Member.id == Submission.member_id)
        .where(
            Submission.state.in_((State.QUEUED, State.DISPATCHED)), Submission.place.is_not(None)
        )
        .order_by(Submission.position)
        .limit(_MOVED)
        # what ends while we write would read "in line" for ever
        .with_for_update(of=Submission, skip_locked=True)
    )
    lines: dict[str, dict[str, turns.Waiting]] = {}
    for submission, benchmark, name in rows.all():
        if submission.place is None:
            continue
        if submission.queue not in lines:
            lines[submission.queue] = await turns.waiting_all(work.session, submission.queue)
        values = {
            "submission": submission,
            "benchmark": benchmark,
            "who": name or f"baseline {submission.baseline}",
            "waiting": lines[submission.queue].get(submission.id),
        }
        place = Place.model_validate(submission.place)
        key = key_of(submission)
        await work.post(place, "live.md.j2", values, key=key, hurry=False, pending=True)


async def tell_best(work: Work, submission: Submission) -> None:
    """Say where results are told that it counts; again when its place is known."""
    if submission.purpose != Purpose.SCORE:
        return
    values = await values_of(work, submission)
    key = f"{key_of(submission)}:best"
    community = values["benchmark"].community_id
    await work.post_for("leaderboards", "best.md.j2", values, community_id=community, key=key)
