"""Models and datasets that come by upload link: who may send one, and up to what size. Never commits."""

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from bot.community.models import Account, Community, Member
from bot.features.leaderboards import benchmarks, service
from bot.features.leaderboards.declaration import feature
from bot.features.leaderboards.models import Benchmark
from bot.kit import uploads
from bot.kit.command import Refusal
from bot.kit.references import is_named
from bot.kit.uploads import UploadAsked, UploadLink
from bot.kit.work import Context, Work

SUBMIT = "model submit"
CHECK = "dataset check"
_MB = 1_000_000
ARCHIVE_CAP = 500 * _MB  #: of a dataset to look through: what is unpacked in minutes
ARCHIVES_A_DAY = 5  #: by link, of one account


async def open_model_link(ctx: Context, benchmark: Benchmark, values: dict[str, Any]) -> str:
    """The address that takes a model for *benchmark*; *values* are what ``/model submit`` takes."""
    return await uploads.open_link(
        ctx,
        command=SUBMIT,
        argument="file",
        # The version that was meant: a newer one may have come when the file is there.
        values={"benchmark": f"{benchmark.name}@{benchmark.version}", **values},
        title=f"a model for {benchmark.title}",
        cap=benchmark.limits["model_mb"] * _MB,
    )


async def open_archive_link(ctx: Context) -> str:
    """The address that takes a dataset to look through.

    Raises:
        Refusal: The account sent as many as a day may have, or has too many open links.
    """
    sent = await ctx.session.scalar(
        select(func.count())
        .select_from(UploadLink)  # kept for a day after it was given out
        .where(
            UploadLink.platform == ctx.account.platform,
            UploadLink.handle == ctx.account.handle,
            UploadLink.command == CHECK,
            UploadLink.used_at.is_not(None),
            UploadLink.expires_at > ctx.now,
        )
    )
    if (sent or 0) >= ARCHIVES_A_DAY:
        raise Refusal(
            "That were many datasets for one day.",
            code="E_LINKS",
            expected=f"at most {ARCHIVES_A_DAY} by link within 24 hours",
            got=str(sent),
            fix="Look through it where it is, without a limit: bookwiz-runner dataset check FOLDER",
        )
    return await uploads.open_link(
        ctx,
        command=CHECK,
        argument="archive",
        values={},
        title="a dataset to look through",
        cap=ARCHIVE_CAP,
    )


@feature.on(UploadAsked)
async def refuse_in_vain(work: Work, asked: UploadAsked) -> None:
    """Say no before hundreds of megabytes are sent for nothing."""
    link = asked.link
    if link.command not in (SUBMIT, CHECK):
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
            fix="Join again in the chat, and ask for a new one there.",
        )
    if link.command == CHECK:
        return
    member, community = found
    benchmark, _ = await benchmarks.find_open(work.session, community.id, link.values["benchmark"])
    service.refuse_frozen(benchmark)
    if link.values.get("baseline"):
        return  # whether they may is asked when it is here
    await service.quota_left(work, benchmark, member.id, member.timezone or community.timezone)


@feature.schedule(
    "uploads", "Clear away upload links that ended, and what they left", every=timedelta(minutes=10)
)
async def sweep(work: Work) -> None:
    await _drop_archives(work)
    await uploads.sweep(work)


async def _drop_archives(work: Work) -> None:
    """Delete datasets that were looked through, when their links end: they are large, and done with."""
    ended = (UploadLink.command == CHECK) & (UploadLink.expires_at <= work.now)
    archives = await work.session.scalars(
        select(UploadLink.sha256).where(ended, UploadLink.used_at.is_not(None)).distinct()
    )
    for sha256 in archives.all():
        assert sha256 is not None, "a link is used with a file"
        again = select(UploadLink.sha256).where(UploadLink.sha256 == sha256, ~ended)
        if await work.session.scalar(again) is None and not await is_named(
            work.session, sha256, but=(UploadLink.sha256,)
        ):
            work.services.files.path(sha256).unlink(missing_ok=True)
