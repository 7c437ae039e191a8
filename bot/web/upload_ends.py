"""How an upload begins and ends: who may, and what is run with the file when it is there."""

import structlog
from sqlalchemy import select

from bot.kit import outbox
from bot.kit.blocks import words
from bot.kit.command import Refusal, Upload
from bot.kit.core import Answer, Core, Invocation
from bot.kit.files import Stored
from bot.kit.message import Place
from bot.kit.partial import PartialFiles
from bot.kit.references import is_named
from bot.kit.uploads import UploadAsked, UploadLink
from bot.web.upload_requests import replaced, used

_log = structlog.get_logger(__name__)
_UNNAMED = "model"  #: what a file is called that came without a name


class UploadEnds:
    """The two ends of an upload, each in transactions of its own.

    The row says that a file is whole before it is moved and used, so that a crash in between leaves
    what ``finish_all`` finds at the next start. Doing it twice is no harm: the same file gives the
    answer it gave before.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self.partial = PartialFiles(core.services.files)

    async def begin(self, link: UploadLink, *, name: str, total: int) -> None:
        """Note what comes. Raises Refusal where a listener says no."""
        async with self._core.work("kit") as work:
            row = await work.session.get(UploadLink, link.secret_hash)
            if row is None:
                raise replaced()
            if row.used_at is not None:
                raise used(row.answer)
            await work.announce(UploadAsked(row))
            row.total, row.name = total, name or row.name or _UNNAMED
        link.total, link.name, link.sha256 = row.total, row.name, row.sha256

    async def begin_again(self, link: UploadLink) -> None:
        """Drop what came."""
        self.partial.drop(link.secret_hash)
        link.total, link.sha256, link.name = None, None, ""
        async with self._core.work("kit") as work:
            row = await work.session.get(UploadLink, link.secret_hash)
            if row is not None and row.used_at is None:
                row.total, row.sha256, row.name = None, None, ""

    async def finish(self, link: UploadLink) -> str:
        """Run the command with the whole file. Returns what it said.

        Raises:
            Refusal: The command refused it. The link is good for another file.
        """
        if link.sha256 is None:
            link.sha256 = await self.partial.sha256(link.secret_hash)
            async with self._core.work("kit") as work:
                row = await work.session.get(UploadLink, link.secret_hash)
                if row is None:
                    raise replaced()
                row.sha256 = link.sha256
        files = self._core.services.files
        before = files.which(link.sha256)
        stored = await self.partial.keep(link.secret_hash, link.sha256)
        came = files.which(stored.sha256) if before is None else None
        try:
            return await self._run(link, stored)
        except Refusal:
            if came is not None and link.sha256 is None:
                await self._drop(stored.sha256, came)
            raise

    async def _run(self, link: UploadLink, stored: Stored) -> str:
        try:
            await self.begin(link, name=link.name, total=stored.size)
        except Refusal:
            await self.begin_again(link)
            raise
        file = Upload(name=link.name, sha256=stored.sha256, size=stored.size)
        answer = await self._core.handle(
            Invocation(
                platform=link.platform,
                handle=link.handle,
                name=link.handle,
                place=Place.model_validate(link.place),
                command=link.command,
                values={**link.values, link.argument: file},
                submitted=True,
            )
        )
        return await self._answered(link, answer)

    async def _drop(self, sha256: str, which: int) -> None:
        """Delete what was refused, if nothing names it and nobody has sent the same meanwhile."""
        async with self._core.database.read() as session:
            named = await is_named(session, sha256)
        if not named:
            self._core.services.files.delete(sha256, which)

    async def finish_all(self) -> None:
        """Finish what was whole when the bot went down."""
        whole = (UploadLink.sha256.is_not(None), UploadLink.used_at.is_(None))
        async with self._core.database.read() as session:
            links = (await session.scalars(select(UploadLink).where(*whole))).all()
        for link in links:
            try:
                await self.finish(link)
            except (Refusal, OSError):
                _log.exception("upload.not_finished", link=link.secret_hash[:16])

    async def _answered(self, link: UploadLink, answer: Answer) -> str:
        """Note what the command said, and say it in the chat, where the link was asked for."""
        assert answer.message is not None
        said = words(answer.message)
        async with self._core.work("kit") as work:
            row = await work.session.get(UploadLink, link.secret_hash)
            if row is not None and not answer.refused:
                row.used_at, row.answer = work.now, said
            place = Place.model_validate(link.place).model_copy(update={"private_to": link.handle})
            message = answer.message.model_copy(update={"private": True, "failed": answer.refused})
            await outbox.put_message(
                work.session, place, message, key=f"upload:{link.secret_hash[:16]}", now=work.now
            )
        if answer.refused:
            if answer.code.startswith("E_"):  # a defect of ours is tried again with what is there
                await self.begin_again(link)
            raise Refusal(said, code=answer.code)
        return said
