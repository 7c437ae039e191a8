"""The one message of a submission: where it is, and then its card."""

from typing import Any

from sqlalchemy import select

from bot.community.models import Member
from bot.features.leaderboards import boards, lacks, turns
from bot.features.leaderboards.advice import advice
from bot.features.leaderboards.metrics import facts_of, flops
from bot.features.leaderboards.models import (
    RANKING,
    WAITING,
    Benchmark,
    Purpose,
    State,
    Submission,
)
from bot.kit.command import Refusal
from bot.kit.message import Place
from bot.kit.work import Context, Work
from runner.contract import Failure, Stage

STAGES = {
    Stage.FETCH: "fetching the model",
    Stage.CHECK: "checking the model",
    Stage.PREDICT: "predicting",
    Stage.SCORE: "scoring",
    Stage.REPORT: "drawing the report",
}
_MOVED = 20  #: of a queue, those whose turn comes next follow the line; a place far back is no news
_MOST_MOVED = 100  #: in one go, of all queues
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


def follow(ctx: Context, submission: Submission) -> None:
    """Have whoever asked follow the live message of a submission that is on its way."""
    if State(submission.state) in WAITING and submission.place is not None:
        ctx.follow.append(key_of(submission))


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
        "flops": flops,
        "private": _is_private(submission),
        **await _nobody(work, submission, card.benchmark),
        "step": list(STAGES).index(Stage(stage)) + 1 if stage else 0,
        "steps": len(STAGES),
        "advice": advice(card),
        "failure": Failure.model_validate(submission.failure) if submission.failure else None,
    }


async def _nobody(work: Work, submission: Submission, benchmark: Benchmark) -> dict[str, Any]:
    """That no runner can do it, while that is so; and whether moderators could be told."""
    if not submission.lacking:
        return {"nobody": ""}
    channel = work.services.people.channel(work.session, benchmark.community_id, "moderators")
    nobody = lacks.for_member(
        submission.lacking, format=submission.format, purpose=submission.purpose
    )
    return {"nobody": nobody, "told": await channel is not None}


def _is_private(submission: Submission) -> bool:
    """Whether its member alone reads the message."""
    place = Place.model_validate(submission.place) if submission.place else None
    return place is not None and (place.private_to is not None or place.channel.startswith("@"))


async def share(ctx: Context, submission: Submission) -> Place:
    """Show a card to everybody here; out of a direct message, where results are told.

    Raises:
        Refusal: It has no score, or there is no place to show it.
    """
    if submission.state != State.SCORED or submission.purpose not in RANKING:
        raise Refusal(
            f"Submission {submission.id} has no card to share.",
            code="E_STATE",
            expected="a scored submission",
            got=str(submission.state),
            fix="Type /model status to see yours.",
        )
    place = ctx.place.model_copy(update={"private_to": None})
    if place.channel.startswith("@"):
        results = await ctx.services.people.channel(ctx.session, ctx.community.id, "leaderboards")
        if results is None:
            raise Refusal(
                "There is no channel for results to share it in.",
                code="E_PLACE",
                expected="a channel that everybody reads",
                fix="Type it in the channel where you want it, such as your circle's.",
            )
        place = results
    key = f"{key_of(submission)}:shared:{place.channel}:{place.thread or ''}"
    values = await values_of(ctx, submission) | {"private": False}
    await ctx.post(place, "card.md.j2", values, key=key)
    return place


async def move_up(work: Work) -> None:
    """Say to those who wait where they are by now: others' ends change it, and nobody says so."""
    waits = (State.QUEUED, State.DISPATCHED)
    queues = await work.session.scalars(
        select(Submission.queue).where(Submission.state.in_(waits)).distinct()
    )
    lines = {queue: await turns.waiting_all(work.session, queue) for queue in queues.all()}
    soon = [id_ for line in lines.values() for id_ in [*line][:_MOVED]]
    rows = await work.session.execute(
        select(Submission, Benchmark, Member.name)
        .join(Benchmark, Benchmark.id == Submission.benchmark_id)
        .outerjoin(Member, Member.id == Submission.member_id)
        .where(
            Submission.id.in_(soon) | (Submission.lacking != ""),
            Submission.state.in_(waits),
            Submission.place.is_not(None),
        )
        .order_by(Submission.position)
        .limit(_MOST_MOVED)
        # what ends while we write would read "in line" for ever
        .with_for_update(of=Submission, skip_locked=True)
    )
    for submission, benchmark, name in rows.all():
        if submission.place is None:
            continue
        values = {
            "submission": submission,
            "benchmark": benchmark,
            "who": name or f"baseline {submission.baseline}",
            "waiting": lines.get(submission.queue, {}).get(submission.id, turns.Waiting(0, 0.0)),
            **await _nobody(work, submission, benchmark),
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
