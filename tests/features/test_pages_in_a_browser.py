"""Board, report and dataset page in a real Chromium, on a phone and a screen, by day and by night."""

import os
from types import SimpleNamespace

import pytest

from bot.features.leaderboards.models import Score, Submission
from bot.web.pages import FeaturePages
from bot.web.server import WebServer
from runner.contract import Outcome, Slice, SplitScore
from runner.datasets.eda import written
from runner.datasets.quality.subject import frozen
from runner.errands import Made
from tests.chat.test_page import browser  # noqa: F401 - a fixture
from tests.features.test_board_page import entry  # noqa: F401 - a fixture
from tests.runner.test_report_page import SPEED, full_errand, world  # noqa: F401 - a fixture

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
WIDTHS = {390: 844, 1280: 900}  #: of a phone and a screen, with their heights
SMALLEST = 12  # px: what is smaller, a table's reader has to enlarge
AA = 4.5  # WCAG 2.2, 1.4.3: contrast of text that is not large
#: what a page shows of text that nobody could read: too small, too pale, or cut off
FAULTS = """([smallest, least]) => {
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const paper = node => {
    for (; node; node = node.parentElement) {
      const colour = numbers(getComputedStyle(node).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
  };
  const faults = [];
  for (const node of document.body.querySelectorAll("*")) {
    const text = [...node.childNodes].filter(n => n.nodeType === 3).map(n => n.data.trim()).join("");
    const box = node.getBoundingClientRect();
    if (!text || box.width < 2 || !node.checkVisibility()) continue;
    const style = getComputedStyle(node), what = `${node.tagName} "${text.slice(0, 40)}"`;
    if (parseFloat(style.fontSize) < smallest) faults.push(`${what}: ${style.fontSize}`);
    const [one, other] = [light(numbers(style.color)), light(paper(node))].sort((a, b) => b - a);
    const contrast = (one + 0.05) / (other + 0.05);
    if (contrast < least) faults.push(`${what}: contrast ${contrast.toFixed(2)}`);
    const region = node.closest(".scroll");
    if (box.right > innerWidth + 1 && !(region && region.tabIndex === 0)) faults.push(`${what}: cut off`);
  }
  for (const region of innerWidth > 1000 ? document.querySelectorAll(".scroll") : [])
    if (region.scrollWidth > region.clientWidth)
      faults.push(`${region.getAttribute("aria-label")}: to be pushed sideways`);
  if (document.documentElement.scrollWidth > innerWidth)
    faults.push(`the page is ${document.documentElement.scrollWidth} px wide`);
  return faults;
}"""


@pytest.fixture
async def pages(chat, bot, entry, world, tmp_path):  # noqa: F811 - fixtures
    """Addresses of a board of five with conditions, of a report with every part, and of a check."""
    report = world.page(full_errand(world))
    stored = await bot.files.add(report.encode())
    looked = written(frozen(world.desk.datasets, world.manifest.key))
    check = tmp_path / "dataset.html"
    check.write_text(looked.page)
    async with chat.core.work("leaderboards") as work:
        first = await work.session.get_one(Submission, "entry")
        made = Made.model_validate(first.page).artifacts[0]
        made = made.model_copy(update={"sha256": stored.sha256, "size": stored.size})
        first.page = Made(artifacts=(made,)).model_dump(mode="json")
        first.report = outcome(0.93)
        for number in range(4):
            await another(work, first, number)
    server = WebServer(
        "127.0.0.1", 0, database=bot.database, parts=[FeaturePages(bot.core)],
        troubles=bot.core.services.troubles,
    )  # fmt: skip
    await server.start()
    yield SimpleNamespace(
        board=f"{server.url}/board/digits",
        report=f"{server.url}/report/entry/{stored.sha256}",
        dataset=check.as_uri(),
    )
    await server.stop()


def outcome(score):
    lights = ("day", "dusk", "night")
    slices = tuple(
        Slice(attribute="light", value=value, images=200 - 60 * n, score=score - n / 10)
        for n, value in enumerate(lights)
    )
    dev = SplitScore(split="dev", images=200, metrics=(), slices=slices)
    return Outcome(
        submission="", attempt=1, token="", runner="r", tier="full", scores=(dev,), speed=SPEED
    ).model_dump(mode="json")


async def another(work, first, number):
    """Add a baseline's entry that is somewhat weaker than *first*."""
    value = 0.9 - number / 50
    kept = ("benchmark_id", "file_name", "sha256", "size", "queue", "token", "state", "accepted_at")
    row = Submission(
        **{name: getattr(first, name) for name in kept},
        id=f"e{number}", position=2 + number, finished_at=work.now, counts=True, released=value,
        baseline=f"a baseline whose name is long enough to wrap, number {number}",
        report=outcome(value),
    )  # fmt: skip
    work.session.add(row)
    await work.session.flush()
    figures = {"value": value, "low": value - 0.02, "high": value + 0.02, "images": 500}
    work.session.add(Score(submission_id=row.id, split="board", metric="accuracy", **figures))


async def shot(page, name):
    """Keep a picture where somebody wants to look at it: BOOKWIZ_SHOTS names the folder."""
    if folder := os.environ.get("BOOKWIZ_SHOTS"):
        await page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def is_ours(said):
    """Whether it is an error of the page; an icon every browser asks for, whatever the page says."""
    return said.type == "error" and not said.location["url"].endswith("/favicon.ico")


async def test_every_page_can_be_read_on_a_phone_and_a_screen_by_day_and_by_night(
    pages,
    browser,  # noqa: F811 - a fixture
):
    errors = []
    context = await browser.new_context()
    page = await context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if is_ours(said) else None)
    for name, address in vars(pages).items():
        await page.goto(address)
        assert await page.locator("h1").count() == 1, name
        assert await page.locator("table").count(), name
        for width, height in WIDTHS.items():
            await page.set_viewport_size({"width": width, "height": height})
            for scheme in ("light", "dark"):
                await page.emulate_media(color_scheme=scheme)
                found = await page.evaluate(FAULTS, [SMALLEST, AA])
                assert found == [], f"{name}, {width} px, {scheme}"
                await shot(page, f"{name}-{width}-{scheme}")
    await context.close()
    assert errors == []
