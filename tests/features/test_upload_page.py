"""The upload page in a real Chromium, with the chat beside it."""

import asyncio
import os

import pytest

from tests.browser import browser  # noqa: F401 - a fixture
from tests.features.boards import MODEL, given, scored
from tests.features.sending import ask, pieces, submissions

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
BIG = MODEL + os.urandom(20_000_000)


@pytest.fixture
async def page(links, bot, browser):  # noqa: F811 - fixtures
    """A tab whose errors fail the test; what is delivered goes to the real local chat."""
    errors = []
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    page = await context.new_page()
    page.set_default_timeout(15_000)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda said: errors.append(said.text) if "Content Security Policy" in said.text else None,
    )

    async def carry():
        while True:
            await bot.courier.round()
            await asyncio.sleep(0.05)

    url = await ask(links)
    bot.courier.chats["local"] = bot.chat
    await bot.chat.start(bot.web.url)
    courier = asyncio.create_task(carry())
    page.url_to_send_to = url
    yield page
    await context.close()
    await bot.chat.stop()
    courier.cancel()
    await asyncio.gather(courier, return_exceptions=True)
    assert errors == []


async def choose(page, name, data, tmp_path):
    file = tmp_path / name
    file.write_bytes(data)
    await page.locator("#file").set_input_files(file)


async def shot(page, name):
    """Keep a picture where somebody wants to look at it: BOOKWIZ_SHOTS names the folder."""
    if folder := os.environ.get("BOOKWIZ_SHOTS"):
        await page.screenshot(path=f"{folder}/{name}.png", full_page=True)


async def test_a_file_is_sent_and_its_result_appears_in_the_chat(page, links, bot, tmp_path):
    reader = await page.context.new_page()
    await reader.set_viewport_size({"width": 1280, "height": 800})
    await reader.goto(f"{bot.web.url}/?as=ada&channel=general")
    await page.goto(page.url_to_send_to)
    await shot(page, "upload-phone")
    await choose(page, "my net.onnx", BIG, tmp_path)
    await page.locator("#answer", has_text="Taken. Submission").wait_for()
    await shot(page, "upload-done-phone")
    assert not await page.locator("#drop").is_visible()
    async with asyncio.timeout(15):  # the page has its answer before the courier has gone
        while not links.engine.jobs:
            await asyncio.sleep(0.05)
    await links.engine.report(scored(given(links), 0.93))
    await reader.locator("main .message .body", has_text="93.0 %").wait_for()
    await reader.locator("main .message .body", has_text="Taken.").wait_for()
    await shot(reader, "chat-desktop")
    [row] = await submissions(links)
    assert (row.file_name, row.size) == ("my net.onnx", len(BIG))


async def test_a_pause_and_a_reload_lose_nothing(page, links, tmp_path):
    await page.set_viewport_size({"width": 1280, "height": 800})
    await page.goto(page.url_to_send_to)
    await shot(page, "upload-desktop")

    async def hold(route):
        """Let the first piece through; the next one stays on its way."""
        headers = route.request.headers
        if route.request.method != "PATCH" or headers["upload-offset"] == "0":
            await route.continue_()
        else:
            held.append(route)
            second.set()

    second, held = asyncio.Event(), []
    await page.route("**/upload/**", hold)
    await choose(page, "net.onnx", BIG, tmp_path)
    # The page says 41 % as soon as the browser has sent the first piece, and before it was taken.
    await asyncio.wait_for(second.wait(), 15)
    await page.locator("#far", has_text="41 %").wait_for()
    await shot(page, "upload-going-desktop")
    await page.locator("#pause").click()
    await page.locator("#far", has_text="paused").wait_for()
    await held[0].abort()  # let go, some of it would be sent
    await page.unroute_all(behavior="ignoreErrors")
    await page.reload()
    await page.locator("#known", has_text="8.4 MB of net.onnx are here already").wait_for()
    await choose(page, "net.onnx", BIG, tmp_path)
    await page.locator("#answer", has_text="Taken. Submission").wait_for()
    assert [row.size for row in await submissions(links)] == [len(BIG)]


async def test_a_line_that_breaks_is_tried_again(page, links, tmp_path):
    await page.goto(page.url_to_send_to)
    broken = []

    async def break_once(route):
        if route.request.method == "PATCH" and len(broken) < 2:
            broken.append(route)
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await page.route("**/upload/**", break_once)
    await choose(page, "net.onnx", BIG, tmp_path)
    await page.locator("#answer", has_text="connection broke").wait_for()
    await page.locator("#answer", has_text="Taken. Submission").wait_for()
    assert len(await submissions(links)) == 1


async def test_cancel_keeps_nothing_and_a_refusal_says_why(page, links, tmp_path):
    await page.goto(page.url_to_send_to)
    await page.route(
        "**/upload/**",
        lambda route: asyncio.sleep(0) if route.request.method == "PATCH" else route.continue_(),
    )
    await choose(page, "net.onnx", BIG, tmp_path)
    await page.locator("#cancel").click()
    await page.locator("#known", has_text="Cancelled").wait_for()
    await page.unroute_all(behavior="ignoreErrors")
    assert pieces(links) == []
    await choose(page, "net.pt", b"\x80\x04" + bytes(5000), tmp_path)
    await page.locator("#answer", has_text="pickle").wait_for()
    await shot(page, "upload-refused-phone")
    await choose(page, "empty.onnx", b"", tmp_path)
    await page.locator("#answer", has_text="empty").wait_for()
