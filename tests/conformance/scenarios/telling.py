"""Keeps what is told of each command. A scenario gives what was heard last."""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.conformance.world import Heard, World

Scenario = Callable[[World], Awaitable[Heard]]
SCENARIOS: dict[str, Scenario] = {}


def scenario(command: str) -> Callable[[Scenario], Scenario]:
    def keep(story: Scenario) -> Scenario:
        assert command not in SCENARIOS, command
        SCENARIOS[command] = story
        return story

    return keep


def plainly(command: str, who: str = "ada", **values: Any) -> None:
    """A command that needs nothing before it."""

    @scenario(command)
    async def story(world: World) -> Heard:
        return await world.say(who, command, **values)
