import pytest
from sqlalchemy import text

from bot.web.server import WebServer


async def test_the_process_is_up(town):
    async with town.client.get(town.url + "/healthz") as response:
        assert (response.status, await response.text()) == (200, "ok\n")


async def test_it_is_ready_when_the_database_has_its_tables(town):
    async with town.client.get(town.url + "/readyz") as response:
        assert response.status == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_it_is_not_ready_without_its_tables(town):
    async with town.bot.database.engine.begin() as connection:
        await connection.execute(text("DROP TABLE local_message"))
    async with town.client.get(town.url + "/readyz") as response:
        assert response.status == 503
        assert "local_message" in await response.text()


async def test_it_can_be_measured(town):
    await town.say("ada", "/trial shout x")
    async with town.client.get(town.url + "/metrics") as response:
        assert "bookwiz_command_seconds" in await response.text()


async def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_open(town):
    second = WebServer(
        "127.0.0.1",
        town.web.port,
        database=town.bot.database,
        parts=[],
        troubles=town.bot.core.services.troubles,
    )
    with pytest.raises(OSError, match="address already in use"):
        await second.start()
    await second.stop()
