"""Models that come by upload link: who may send one, and up to what size. Never commits."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from bot.community.models import Account, Community, Member
from bot.features.leaderboards import benchmarks, service
from bot.features.leaderboards.declaration import feature
from bot.features.leaderboards.models import Benchmark
from bot.kit import uploads
from bot.kit.command import Refusal
from bot.kit.uploads import UploadAsked
from bot.kit.work import Context, Work

SUBMIT = "model submit"
_MB = 1_000_000


async def open_link(ctx: Context, benchmark: Benchmark, values: dict[str, Any]) -> str:
    """The address that takes a model for *benchmark*; *values* are what ``/model submit`` takes."""
    return await uploads.open_link(
        ctx,
        command=SUBMIT,
        argument="file",
        # The version that was meant: a newer one may have come when the file is there.
        values={"benchmark": f"{benchmark.name}@{benchmark.version}", **values},
        title=benchmark.title,
        cap=benchmark.limits["model_mb"] * _MB,
    )


@feature.on(UploadAsked)
async def refuse_in_vain(work: Work, asked: UploadAsked) -> None:
    """Say no before hundreds of megabytes are sent for nothing."""
    link = asked.link
    if link.command != SUBMIT:
        return
    found = (
        await work.session.execute(
            select(Member, Community)
            .join(Account, Account.member_id == Member.id)
            .join(Community, Community.id == Member.community_id)
            .where(
                Account.platform == link.platform,
                Account.handle == link.handle,
                Member.left_at.is_(None),
            )
        )
    ).one_or_none()
    if found is None:
        raise Refusal(
            "This link was for somebody who is no longer a member.",
            code="E_PERMISSION",
            fix="Join again in the chat, and type /model link there.",
        )
    member, community = found
    benchmark, _ = await benchmarks.find_open(work.session, community.id, link.values["benchmark"])
    service.refuse_frozen(benchmark)
    await service.quota_left(work, benchmark, member.id, member.timezone or community.timezone)


@feature.schedule(
    "uploads", "Clear away upload links that ended, and what they left", every=timedelta(minutes=10)
)
async def sweep(work: Work) -> None:
    await uploads.sweep(work)
