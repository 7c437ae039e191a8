from datetime import timedelta

from sqlalchemy import select

from bot.community.joining import make_one
from bot.community.members import join, the_community
from bot.community.models import Member
from bot.features.profile.models import LinkCode
from tests.conformance.scenarios.telling import plainly, scenario
from tests.conformance.world import Heard, World

plainly("profile show")
plainly("profile open", on="yes")
plainly("profile edit", name="Ada Lovelace")
plainly("profile timezone", zone="Europe/Berlin")
plainly("profile public", on="yes")


async def second_ada(world: World) -> Member:
    """Ada spoke here, and as somebody else elsewhere; gives who she is elsewhere."""
    await world.say("ada", "bookwiz ping")
    async with world.core.work("tests") as work:
        community = await the_community(work.session)
        return await join(
            work.session,
            community,
            platform="elsewhere",
            handle="ada2",
            name="Ada Two",
            now=work.now,
        )


@scenario("profile link")
async def accounts_are_joined_by_a_code(world: World) -> Heard:
    other = await second_ada(world)
    async with world.core.work("tests") as work:
        code = LinkCode(
            member_id=other.id,
            secret_hash=work.services.links.digest("ABCDEFGH"),
            platform="elsewhere",
            handle="ada2",
            expires_at=work.now + timedelta(minutes=5),
        )
        work.session.add(code)
    await world.say("ada", "profile link", code="abcd-efgh")
    return await world.say("ada", "profile link", code="abcd-efgh", sure="yes")


@scenario("profile unlink")
async def an_account_is_parted(world: World) -> Heard:
    other = await second_ada(world)
    async with world.core.work("tests") as work:
        ada = await work.session.scalar(select(Member).filter_by(name="Ada"))
        assert ada is not None
        await make_one(work, ada.id, other.id)
    return await world.say("ada", "profile unlink", account="elsewhere/ada2", sure="yes")
