"""What the web shows of benchmarks: boards for everybody, and reports for who has the address."""

from collections.abc import Mapping, Sequence

from bot.community.members import the_community
from bot.community.models import Member
from bot.features.leaderboards import benchmarks, boards
from bot.features.leaderboards.declaration import feature
from bot.features.leaderboards.metrics import facts_of
from bot.features.leaderboards.models import Submission
from bot.features.leaderboards.narrowing import Condition, View, conditions
from bot.features.leaderboards.ranking import Placed
from bot.kit.command import Page, Refusal
from bot.kit.work import Work
from runner.contract import Outcome
from runner.errands import Made

REPORT = "text/html"
_SIDE_BY_SIDE = 4  #: entries whose conditions are compared: more do not fit beside each other
#: what one often looks for: a camera's pace, a chip's memory
_BOUNDS: dict[str, dict[str, float]] = {
    "30 FPS at batch 1": {"latency": 33.3},
    "100 FPS at batch 1": {"latency": 10},
    "at most 1 MB": {"size": 1},
    "at most 256 MB of memory": {"memory": 256},
}
_COLUMNS = {"latency": "One image", "size": "Size", "memory": "Memory"}


@feature.page("/board/{name}")
async def board(work: Work, name: str, query: Mapping[str, str]) -> Page | None:
    """A board as everybody may see it: names of those alone who agreed to that.

    The query orders and narrows it (``narrowing.View``): no script runs in the page.
    """
    community = await the_community(work.session)
    try:
        benchmark, manifest = await benchmarks.find_open(work.session, community.id, name)
    except Refusal:
        return None
    placed = (await boards.board(work.session, benchmark)).placed
    view = View.of(query)
    names = {}
    for row in placed:
        member_id = row.entry.member_id
        name = row.entry.who
        if member_id is not None:
            member = await work.session.get(Member, member_id)
            name = member.name if member and member.public else "a member"
        names[row.entry.submission] = name + (" (unsandboxed)" if row.entry.unsandboxed else "")
    return Page(
        "board.html.j2",
        {
            "benchmark": benchmark,
            "manifest": manifest,
            "metric": facts_of(benchmark.metric),
            "images": next((s.images for s in manifest.splits if s.split == "board"), 0),
            "view": view,
            "placed": view.shown(placed),
            "names": names,
            "bounds": _BOUNDS,
            "columns": _COLUMNS,
            "first": placed[:_SIDE_BY_SIDE],
            "conditions": await _conditions(work, placed[:_SIDE_BY_SIDE]),
        },
    )


async def _conditions(work: Work, first: Sequence[Placed]) -> list[Condition]:
    """How the first entries do on dev under each condition."""
    rows = [await work.session.get_one(Submission, p.entry.submission) for p in first]
    outcomes = [Outcome.model_validate(row.report) if row.report else None for row in rows]
    # One without a report would shift the columns: then there is no table.
    return conditions([o for o in outcomes if o]) if all(outcomes) else []


@feature.page("/report/{submission}/{sha256}")
async def report(work: Work, submission: str, sha256: str) -> Page | None:
    """A report, for whoever was given its address: the hash in it cannot be guessed."""
    found = await work.session.get(Submission, submission)
    if found is None or found.page is None:
        return None
    made = Made.model_validate(found.page)
    if not any(a.sha256 == sha256 and a.media_type == REPORT for a in made.artifacts):
        return None
    return Page(sha256=sha256)
