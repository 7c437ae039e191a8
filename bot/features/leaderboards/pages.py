"""What the web shows of benchmarks: boards for everybody, and reports for who has the address."""

from bot.community.members import the_community
from bot.community.models import Member
from bot.features.leaderboards import benchmarks, boards
from bot.features.leaderboards.declaration import feature
from bot.features.leaderboards.metrics import facts_of
from bot.features.leaderboards.models import Submission
from bot.kit.command import Page, Refusal
from bot.kit.work import Work
from runner.errands import Made

REPORT = "text/html"


@feature.page("/board/{name}")
async def board(work: Work, name: str) -> Page | None:
    """A board as everybody may see it: names of those alone who agreed to that."""
    community = await the_community(work.session)
    try:
        benchmark, manifest = await benchmarks.find_open(work.session, community.id, name)
    except Refusal:
        return None
    placed = (await boards.board(work.session, benchmark)).placed
    names = {}
    for row in placed:
        member_id = row.entry.member_id
        if member_id is None:
            names[row.entry.submission] = row.entry.who
            continue
        member = await work.session.get(Member, member_id)
        names[row.entry.submission] = member.name if member and member.public else "a member"
    return Page(
        "board.html.j2",
        {
            "benchmark": benchmark,
            "manifest": manifest,
            "metric": facts_of(benchmark.metric),
            "images": next((s.images for s in manifest.splits if s.split == "board"), 0),
            "placed": placed,
            "names": names,
        },
    )


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
