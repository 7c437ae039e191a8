"""A file that was in our store when its row was written, and is not when the desk asks for it."""

from sqlalchemy import select

from bot.community import audit
from bot.community.models import Community
from bot.kit.errands import Answered
from bot.kit.work import Work
from runner.contract import Failure

LOST = "E_DESK_FILE"


async def tell(work: Work, answered: Answered, failure: Failure) -> None:
    """Tell the moderators, whose store it is: one message a day. The audit log has each time."""
    for community_id in (await work.session.scalars(select(Community.id))).all():
        await work.post_for(
            "moderators",
            "lost_file.md.j2",
            {"failure": failure, "errand": answered.key},
            community_id=community_id,
            key=f"lost-file:{work.now:%Y-%m-%d}",
        )
        await audit.record_own(
            work,
            community_id,
            "store.file_lost",
            subject=f"errand {answered.key}",
            reason=failure.got,
        )
