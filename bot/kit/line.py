"""Which messages of the outbox may go now, and in which order."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, not_, or_, select
from sqlalchemy.orm import aliased

from bot.kit.outbox import OutboxMessage

Lane = tuple[str, str]  #: a platform and a channel there; "" is all of them


def due(
    now: datetime,
    closed: Collection[str] = (),
    busy: Collection[Lane] = (),
    still: Collection[Lane] = (),
) -> Select[Any]:
    """What may be sent by *now*, in order.

    New messages go before edits, so that a reason is there before the message that points to it.
    A new one waits behind an earlier one to its channel that the platform put off; one that fails
    by a defect of its own holds up nobody.

    Args:
        now: When.
        closed: Platforms that take nothing now.
        busy: Channels that take nothing now.
        still: Channels that take no edits now.
    """
    earlier = aliased(OutboxMessage)
    put_off = (
        select(earlier.id)
        .where(
            earlier.waiting,
            earlier.sent_version == 0,
            earlier.failures == 0,
            earlier.not_before > now,
            earlier.id < OutboxMessage.id,
            earlier.platform == OutboxMessage.platform,
            earlier.place["channel"].as_string() == OutboxMessage.place["channel"].as_string(),
        )
        .exists()
    )
    return (
        select(OutboxMessage)
        .where(
            OutboxMessage.waiting,
            OutboxMessage.not_before <= now,
            or_(OutboxMessage.sent_version > 0, ~put_off),
            OutboxMessage.platform.not_in(closed),
            not_(_to(busy)),
            or_(OutboxMessage.sent_version == 0, not_(_to(still))),
        )
        .order_by(OutboxMessage.sent_version > 0, OutboxMessage.id)
    )


def _to(lanes: Collection[Lane]) -> ColumnElement[bool]:
    channels: dict[str, list[str]] = {}
    for platform, channel in lanes:
        channels.setdefault(platform, []).append(channel)
    return or_(
        False,
        *(
            and_(
                OutboxMessage.platform == platform,
                OutboxMessage.place["channel"].as_string().in_(names),
            )
            for platform, names in channels.items()
        ),
    )
