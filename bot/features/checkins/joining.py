"""Two members who turn out to be one may both have spoken of a week: what was said last counts."""

from sqlalchemy import delete, select
from sqlalchemy.orm import aliased

from bot.community.facts import MembersJoined
from bot.features.checkins.declaration import feature
from bot.features.checkins.models import CheckIn
from bot.kit.work import Work


@feature.on(MembersJoined)
async def joined(work: Work, fact: MembersJoined) -> None:
    later = aliased(CheckIn)
    outdated = (
        select(CheckIn.id)
        .join(later, later.week == CheckIn.week)
        .where(
            CheckIn.member_id == fact.kept_id,
            later.member_id == fact.gone_id,
            later.said_at > CheckIn.said_at,
        )
    )
    ids = (await work.session.scalars(outdated)).all()
    await work.session.execute(delete(CheckIn).where(CheckIn.id.in_(ids)))
