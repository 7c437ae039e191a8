"""The page in a real Chromium."""

import asyncio

import pytest

from tests.browser import browser  # noqa: F401 - a fixture

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]


@pytest.fixture
async def visit(town, browser):  # noqa: F811 - a fixture
    """Opens the page as somebody. Whatever it logs as an error fails the test."""
    errors, contexts = [], []

    async def carry():
        while True:
            await town.bot.courier.round()
            await asyncio.sleep(0.02)

    async def open_page(who, width=1280, height=800, channel="general"):
        context = await browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(8000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda said: (
                errors.append(said.text)
                if said.type == "error" and "Failed to load" not in said.text
                else None
            ),
        )
        await page.goto(f"{town.url}/?as={who}&channel={channel}")
        await page.locator("main .log[aria-busy=false]").wait_for()
        return page

    courier = asyncio.create_task(carry())
    yield open_page
    for context in contexts:
        await context.close()
    courier.cancel()
    await asyncio.gather(courier, return_exceptions=True)
    assert errors == []


def field(page):
    return page.locator("main textarea")


async def type_line(page, text):
    await field(page).fill(text)
    await field(page).press("Enter")


def said(page, text):
    return page.locator("main .message .body", has_text=text)


async def test_a_command_is_written_by_keyboard_alone(visit):
    page = await visit("ada")
    await field(page).press_sequentially("/tri")
    options = page.locator("main [role=option]")
    assert await options.first.inner_text() == "/trial\nTry what a chat can do"
    await field(page).press("Tab")
    await field(page).press_sequentially("p")
    await field(page).press("Enter")
    assert await field(page).input_value() == "/trial pick "
    assert "fruit:" in await page.locator("main .usage").inner_text()
    await field(page).press("ArrowDown")
    await field(page).press("Enter")
    assert await field(page).input_value() == "/trial pick fruit:"
    await field(page).press_sequentially("pie")
    await page.locator("main [role=option]", has_text="Cherry Pie").wait_for()
    await field(page).press("Enter")
    assert await field(page).input_value() == '/trial pick fruit:"cherry pie" '
    await field(page).press_sequentially("mood:")
    await field(page).press("ArrowDown")
    await field(page).press("ArrowDown")
    await field(page).press("Enter")
    await field(page).press("Enter")
    await said(page, "cherry pie, bad, no file").wait_for()


async def test_escape_closes_the_completion_and_arrow_up_brings_the_last_line_back(visit):
    page = await visit("ada")
    await type_line(page, "hello there")
    await said(page, "hello there").wait_for()
    await field(page).press("ArrowUp")
    assert await field(page).input_value() == "hello there"
    await field(page).fill("/")
    assert await page.locator("main .listbox").is_visible()
    await field(page).press("Escape")
    assert not await page.locator("main .listbox").is_visible()


async def test_a_form_keeps_what_was_typed_and_says_at_the_field_what_is_wrong(visit):
    page = await visit("ada")
    await type_line(page, "/trial diary")
    form = page.get_by_role("dialog", name="Say how your week went")
    await form.get_by_label("What you did this week").fill("Trained\nand slept")
    await form.get_by_role("button", name="Send").click()
    assert "must be filled in" in await form.locator(".wrong").first.inner_text()
    await form.get_by_label("What comes next").fill("Sleep")
    await form.get_by_label("Hours you spent").fill("500")
    await form.get_by_label("How it felt").select_option("bad")
    await form.get_by_label("Who helped").fill("mo")
    await form.get_by_role("option", name="Moira").click()
    await form.get_by_label("A picture of it").set_input_files(
        [{"name": "plot.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\n...."}]
    )
    await form.get_by_role("button", name="Send").click()
    wrong = form.locator(".field.wrong")
    await wrong.get_by_text("A week has fewer hours than that.").wait_for()
    assert await wrong.count() == 1
    hours = form.get_by_label("Hours you spent")
    assert await hours.get_attribute("aria-invalid") == "true"
    assert await form.get_by_label("What you did this week").input_value() == "Trained\nand slept"
    await hours.fill("7")
    await form.get_by_role("button", name="Send").click()
    await said(page, "/ Sleep / 7 / None / bad / Moira / None / plot.png").wait_for()
    assert await form.count() == 0


async def test_a_press_runs_the_command_and_the_live_message_changes_for_everybody(visit):
    ada, bob = await visit("ada"), await visit("bob")
    await type_line(ada, "/trial run name:r1")
    live = bob.locator("main .message.pending")
    await live.get_by_text("In progress").wait_for()
    await ada.get_by_role("button", name="Go on").click()
    changed = bob.locator("main .message.changed", has_text="r1 is finished.")
    await changed.wait_for()
    assert await bob.locator("main .pending").count() == 0
    assert await bob.locator("main .message.private").count() == 0
    await ada.locator("main .message.private", has_text="Done.").wait_for()


async def test_what_is_private_is_marked_and_another_page_does_not_show_it(visit):
    ada, bob = await visit("ada"), await visit("bob")
    await type_line(ada, "/trial secret hush")
    await ada.locator("main .only-you").first.wait_for()
    await type_line(ada, "out loud")
    await said(bob, "out loud").wait_for()
    assert "hush" not in await bob.content()


async def test_a_file_is_dropped_uploaded_and_goes_with_the_line(visit):
    page = await visit("ada")
    dropped = await page.evaluate_handle(
        """() => { const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(2_000_000)], "model.onnx")); return data; }"""
    )
    await page.dispatch_event("body", "dragover", {"dataTransfer": dropped})
    assert await page.locator("#drop-hint").is_visible()
    seen = await page.evaluate_handle(
        """() => ({ bar: new Promise((done) => { new MutationObserver((all, watch) => {
        const bar = document.querySelector("main progress");
        if (bar) { watch.disconnect(); done(bar.getAttribute("aria-label") || bar.ariaLabel); }
        }).observe(document.body, { childList: true, subtree: true }); }) })"""
    )
    await page.dispatch_event("body", "drop", {"dataTransfer": dropped})
    assert await page.evaluate("(seen) => seen.bar", seen) == "Uploading model.onnx"
    await page.locator("main .attachments .done", has_text="2.0 MB").wait_for()
    await type_line(page, "/trial pick apple")
    await said(page, "apple, good, model.onnx").wait_for()
    assert await page.locator("main .attachments li").count() == 0


async def test_a_file_too_large_says_so_and_can_be_taken_away(visit, town, monkeypatch):
    monkeypatch.setattr(town.bot.files, "cap", 1000)
    page = await visit("ada")
    await page.locator("main .composer input[type=file]").set_input_files(
        [{"name": "big.onnx", "mimeType": "x", "buffer": b"x" * 3_000_000}]
    )
    await page.locator("main .attachments .failed", has_text="too large").wait_for()
    await page.get_by_role("button", name="Remove big.onnx").click()
    assert await page.locator("main .attachments li").count() == 0


async def test_nothing_that_is_written_becomes_markup(visit, town):
    evil = '<img src=x onerror="window.evil=1"><script>window.evil=1</script> **b** [l](javascript:evil) @everyone'
    await town.post("/api/people", 201, handle="mallory", name=evil[:80])
    await town.say("mallory", evil)
    await town.say("mallory", f"/trial shout {evil}")
    page = await visit("ada")
    await said(page, "@everyone").first.wait_for()
    assert (
        await page.locator("main .message").first.locator(".name").inner_text() == evil[:80].strip()
    )
    words = await page.locator("main .message .text").all_inner_texts()
    assert words[0] == evil
    assert all("<script>" in text and "**b**" in text for text in words)
    assert await page.locator("main .body :is(img, a, strong, script)").count() == 0
    assert await page.evaluate("window.evil") is None


async def test_every_kind_of_block_is_drawn(visit):
    page = await visit("ada")
    await type_line(page, "/trial gallery")
    shown = page.locator("main .message").last
    await shown.locator("dl.fields").wait_for()
    assert await shown.locator("table td.right").first.inner_text() == "1"
    assert await shown.locator("time.when").first.get_attribute("datetime")
    assert await shown.locator(".member").first.inner_text() == "Ada Lovelace"
    link = shown.get_by_role("link", name="the paper")
    assert await link.get_attribute("rel") == "noopener noreferrer nofollow"
    picture = shown.get_by_role("img", name="Accuracy of five models; the fourth is best")
    await picture.click()
    await page.get_by_role("dialog", name="Picture").get_by_role("button", name="Close").click()
    async with page.expect_download() as waiting:
        await shown.get_by_role("link", name="training.csv").click()
    assert (await waiting.value).suggested_filename == "training.csv"


async def test_a_thread_opens_beside_and_takes_replies(visit):
    ada, bob = await visit("ada"), await visit("bob")
    await type_line(ada, "Who reads with me?")
    await said(bob, "Who reads with me?").hover()
    await bob.get_by_role("button", name="Reply in a thread").click()
    await bob.locator("#thread textarea").fill("I do")
    await bob.locator("#thread textarea").press("Enter")
    await bob.locator("#thread .message", has_text="I do").wait_for()
    await ada.locator("main .thread-link", has_text="1 reply").click()
    await ada.locator("#thread .message", has_text="I do").wait_for()
    assert await said(ada, "I do").count() == 0


async def test_another_channel_is_marked_until_it_is_read(visit, town):
    page = await visit("ada")
    await town.say("bob", "news", channel="papers")
    papers = page.locator("[data-channel=papers]")
    await page.locator("[data-channel=papers].unread").wait_for()
    await papers.click()
    await said(page, "news").wait_for()
    assert await page.locator(".channel.unread").count() == 0


async def test_who_reads_further_up_is_not_dragged_down(visit, town):
    for number in range(40):
        await town.say("bob", f"line {number}")
    page = await visit("ada")
    await page.locator("main .log").evaluate("log => log.scrollTo(0, 0)")
    await page.wait_for_function("document.querySelector('main .log').scrollTop === 0")
    await town.say("bob", "the newest")
    pill = page.locator("main .pill")
    await pill.wait_for()
    assert await page.locator("main .log").evaluate("log => log.scrollTop") == 0
    await pill.click()
    await page.locator("main .pill").wait_for(state="hidden")


async def test_the_page_comes_back_after_the_bot_was_away_and_misses_nothing(visit, town):
    page = await visit("ada")
    url, port = town.web.url, town.web.port
    town.chat.streams.close()
    await town.web.stop()
    await page.locator("#banner", has_text="Reconnecting").wait_for()
    await town.chat.send(_general(), _words("while you were away"), key="away:1")
    town.web.port = port
    await town.web.start()
    assert town.web.url == url
    await said(page, "while you were away").wait_for()
    assert not await page.locator("#banner").is_visible()


async def test_an_empty_channel_offers_three_things_to_try(visit):
    page = await visit("ada", channel="papers")
    chips = page.locator(".welcome .chip")
    assert await chips.count() == 3
    await chips.first.click()
    assert await field(page).input_value() == "/bookwiz start"


async def test_somebody_else_speaks(visit):
    page = await visit("ada")
    await page.locator("#me").click()
    await page.locator("#people-find").fill("bob")
    await page.locator("#people-find").press("Enter")
    await page.locator("#me", has_text="Bob").wait_for()
    await type_line(page, "it is me")
    await page.locator("main .message .name", has_text="Bob").wait_for()


async def test_a_narrow_window_has_everything_within_reach(visit, town):
    await town.say("ada", "/trial gallery")
    page = await visit("ada", width=380)
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(overflow) == 0
    assert await page.locator("main .log").evaluate("l => l.scrollWidth - l.clientWidth") == 0
    table = page.locator("main .table")
    assert await table.evaluate("t => t.scrollWidth > t.clientWidth")
    assert not await page.locator("#sidebar").is_visible()
    await page.get_by_role("button", name="Channels and people").click()
    await page.locator("[data-channel=results]").click()
    await page.locator("#room-name", has_text="results").wait_for()
    await type_line(page, "/trial diary")
    form = page.get_by_role("dialog", name="Say how your week went")
    box = await form.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 380
    await form.get_by_role("button", name="Cancel").click()


def _general():
    from bot.kit.message import Place

    return Place(platform="local", channel="general")


def _words(text):
    from bot.kit.message import Message, Text

    return Message(blocks=(Text(markdown=text),))
