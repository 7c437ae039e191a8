"""Upload links: a private, short-lived address that takes one file too large for the chat.

The file comes in pieces (`bot.kit.partial`); when it is whole, the command that the link was given
out for is carried out with it, as if it had been attached (`bot.web.uploads`).
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, BigInteger, String, Text, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from bot.kit.command import Refusal
from bot.kit.db import Base
from bot.kit.partial import PartialFiles
from bot.kit.work import Context, Work

LIFETIME = timedelta(hours=24)  #: 200 MB need a night where the line is bad
MOST_OPEN = 3  #: of one account


class UploadLink(Base):
    """One link that was given out. The secret itself is not kept, its hash is."""

    __tablename__ = "upload_link"

    #: also the name of what came so far: unlike a number, it is never given out again
    secret_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    platform: Mapped[str] = mapped_column(String(20))
    handle: Mapped[str] = mapped_column(String(100))  #: of the account it was given to
    command: Mapped[str] = mapped_column(String(60))  #: what is run with the file when it is there
    argument: Mapped[str] = mapped_column(String(40))  #: which argument of it the file is
    values: Mapped[dict[str, Any]] = mapped_column(JSON)  #: the other arguments
    place: Mapped[dict[str, Any]] = mapped_column(JSON)  #: where the command is run
    title: Mapped[str] = mapped_column(String(160))  #: what the file is for, in words
    cap: Mapped[int] = mapped_column(BigInteger)  #: most bytes
    name: Mapped[str] = mapped_column(String(100), default="")  #: of the file that is being sent
    total: Mapped[int | None] = mapped_column(BigInteger)  #: bytes that were announced
    sha256: Mapped[str | None] = mapped_column(String(64))  #: when it is all there
    answer: Mapped[str] = mapped_column(Text, default="")  #: what the command answered, in words
    used_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


@dataclass(frozen=True)
class UploadAsked:
    """Somebody wants to send a file by a link. Whoever listens may raise a Refusal."""

    link: UploadLink


async def open_link(
    ctx: Context, *, command: str, argument: str, values: dict[str, Any], title: str, cap: int
) -> str:
    """Give the address of a new link, in place of this account's open one for the same thing.

    Raises:
        Refusal: The account has too many open ones.
    """
    await sweep(ctx)
    mine = (
        UploadLink.platform == ctx.account.platform,
        UploadLink.handle == ctx.account.handle,
        UploadLink.used_at.is_(None),
    )
    same = (UploadLink.command == command, UploadLink.title == title)
    await ctx.session.execute(delete(UploadLink).where(*mine, *same))
    still = (await ctx.session.scalars(select(UploadLink.expires_at).where(*mine))).all()
    if len(still) >= MOST_OPEN:
        raise Refusal(
            "You have too many upload links that are open.",
            code="E_LINKS",
            expected=f"at most {MOST_OPEN}",
            got=str(len(still)),
            fix=f"Use one of them, or wait: the first ends at {min(still):%H:%M} UTC.",
        )
    key = secrets.token_urlsafe(16)
    expires = (ctx.now + LIFETIME).replace(microsecond=0)
    ctx.session.add(
        UploadLink(
            secret_hash=hash_of(key),
            platform=ctx.account.platform,
            handle=ctx.account.handle,
            command=command,
            argument=argument,
            values=values,
            place=ctx.place.model_dump(),
            title=title,
            cap=cap,
            created_at=ctx.now,
            expires_at=expires,
        )
    )
    await ctx.session.flush()
    return ctx.services.links.upload(key, expires=expires)


async def find(session: AsyncSession, key: str) -> UploadLink | None:
    """The link that *key* opens."""
    return await session.get(UploadLink, hash_of(key))


def hash_of(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


async def sweep(work: Work) -> None:
    """Delete links that ended, and what was sent by links that are no more."""
    partial = PartialFiles(work.services.files)
    there = partial.names()  # before the rows: what begins meanwhile has a row
    ended = (UploadLink.expires_at <= work.now) & (
        UploadLink.sha256.is_(None) | UploadLink.used_at.is_not(None)
    )
    await work.session.execute(delete(UploadLink).where(ended))
    known = set((await work.session.scalars(select(UploadLink.secret_hash))).all())
    for name in there - known:
        partial.drop(name)
