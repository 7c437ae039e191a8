from bot.kit.jobs import RunnerSeen
from bot.kit.work import Standing
from tests.conformance.scenarios.telling import plainly, scenario
from tests.conformance.world import Heard, World

plainly("mod audit", who="moira")
plainly("admin jobs", who="moira")
plainly("admin schedule", who="moira")
plainly("admin channels", who="moira", purpose="leaderboards", channel="results")
plainly("admin config", who="moira")
plainly(
    "admin setup",
    who="moira",
    name="Vision Lab",
    zone="Europe/Berlin",
    results="results",
    moderators="general",
)


@scenario("admin roles")
async def a_lead_is_named(world: World) -> Heard:
    await world.say("bob", "bookwiz ping")
    return await world.say("moira", "admin roles", member="bob", role="lead")


@scenario("admin spaces")
async def another_server_is_admitted(world: World) -> Heard:
    async with world.core.work("tests") as work:
        guests = Standing(space="77", space_name="Guests")
        await world.core.services.people.knocked(work, platform="discord", standing=guests)
    return await world.say("moira", "admin spaces", space="discord/77", action="admit")


@scenario("admin runners")
async def a_runner_is_seen(world: World) -> Heard:
    world.engine.seen = [
        RunnerSeen(
            name="box-1",
            queue="cpu",
            tier="full",
            hardware="2-core CPU",
            versions={"bookwiz": "1.0"},
            heartbeat_at=world.now,
            busy_with=None,
            formats=("onnx",),
            takes=("cpu",),
        )
    ]
    return await world.say("moira", "admin runners")
