"""The pages that everybody may see, asked for over HTTP."""

import aiohttp
import pytest
from sqlalchemy import select

from bot.community.models import Member
from bot.features.leaderboards.models import Score, State, Submission
from bot.web.pages import FeaturePages
from bot.web.server import WebServer
from runner.contract import Artifact, DatasetManifest, SplitFacts
from runner.errands import Made
from tests.opening import open_benchmark

MARK = "<script>alert(1)</script>"
MANIFEST = DatasetManifest(
    key="digits-0123456789ab",
    name="digits",
    task="classification",
    classes=("0", "1"),
    height=8,
    width=8,
    channels=1,
    licence=f"CC BY {MARK}",
    splits=(SplitFacts(split="board", images=500, per_class=(250, 250)),),
)


@pytest.fixture
async def visit(bot):
    """Ask for a path; gives status, headers and text."""
    server = WebServer(
        "127.0.0.1",
        0,
        database=bot.database,
        parts=[FeaturePages(bot.core)],
        troubles=bot.core.services.troubles,
    )
    await server.start()

    async def get(path):
        async with aiohttp.ClientSession() as session, session.get(server.url + path) as reply:
            return reply.status, reply.headers, await reply.text()

    yield get
    await server.stop()


@pytest.fixture
async def entry(chat):
    """Ada's entry on a board called digits, with a report; gives the report's hash."""
    await chat.say("ada", "/profile show")
    stored = await chat.core.services.files.add(b"<!doctype html><p>a report</p>")
    made = Artifact(
        name="report.html", media_type="text/html", sha256=stored.sha256, size=stored.size
    )
    benchmark = await open_benchmark(chat.core, MANIFEST, title=f"Digits {MARK}")
    async with chat.core.work("leaderboards") as work:
        ada = await work.session.scalar(select(Member).filter_by(name="Ada"))
        work.session.add(
            Submission(
                id="entry",
                position=1,
                benchmark_id=benchmark.id,
                member_id=ada.id,
                file_name="m.onnx",
                sha256="0" * 64,
                size=1000,
                queue="cpu",
                token="t",
                state=State.SCORED,
                accepted_at=work.now,
                finished_at=work.now,
                counts=True,
                released=0.931,
                page=Made(artifacts=(made,)).model_dump(mode="json"),
            )
        )
        await work.session.flush()
        work.session.add(
            Score(
                submission_id="entry",
                split="board",
                metric="accuracy",
                value=0.931,
                low=0.905,
                high=0.95,
                images=500,
            )
        )
    return stored.sha256


async def test_the_public_board_names_nobody_who_did_not_agree(chat, entry, visit):
    status, _, page = await visit("/board/digits")
    assert status == 200
    assert "93.1 %" in page
    assert "a member" in page
    assert "Ada" not in page

    await chat.say("ada", "/profile public on:yes")
    assert "Ada" in (await visit("/board/digits"))[2]

    await chat.say("ada", "/profile public on:no")
    assert "Ada" not in (await visit("/board/digits"))[2]


async def test_no_word_of_a_page_becomes_markup_and_no_script_could_run(entry, visit):
    _, headers, page = await visit("/board/digits")
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_a_report_opens_by_its_hash_alone(bot, entry, visit):
    assert (await visit(f"/report/entry/{entry}"))[::2] == (200, "<!doctype html><p>a report</p>")
    other = await bot.files.add(b"a model that nobody may fetch")
    for path in (
        f"/report/entry/{other.sha256}",
        f"/report/other/{entry}",
        "/report/entry/..%2f..%2fbookwiz.db",
        "/board/nothing",
    ):
        status, _, page = await visit(path)
        assert status == 404
        assert "nothing at this address" in page


async def test_a_report_that_left_the_store_is_nothing_not_a_defect(bot, entry, visit):
    bot.files.path(entry).unlink()
    assert (await visit(f"/report/entry/{entry}"))[0] == 404


async def test_a_board_is_ordered_and_narrowed_by_its_address(bot, entry, visit):
    async with bot.core.work("tests") as work:
        row = await work.session.get_one(Submission, "entry")
        speed = {"p50_ms": 12.5, "p95_ms": 13, "images_per_second": 1, "limit_per_second": 1,
                 "efficiency": 1, "seconds": 1, "threads": 1, "hardware": "x"}  # fmt: skip
        night = {"attribute": "light", "value": MARK, "images": 7, "score": 0.25}
        row.report = {
            "submission": "entry", "attempt": 1, "token": "", "runner": "r", "tier": "full",
            "speed": speed,
            "scores": [
                {"split": split, "images": 9, "metrics": [], "slices": [night | {"score": score}]}
                for split, score in (("dev", 0.25), ("board", 0.375))
            ],
        }  # fmt: skip
    page = (await visit("/board/digits?sort=latency&latency=20"))[2]
    assert 'aria-sort="ascending"' in page
    assert "at most 20 ms for one image (50 FPS at batch 1)" in page
    assert "93.1 %" in page
    assert "25.0 %" in page, "how it does on the dev images of that condition"
    assert "37.5" not in page, "nothing of hidden images by condition"
    page = (await visit(f"/board/digits?latency=10&sort={MARK}"))[2]
    assert "No entry is within that." in page
    assert "<script" not in page
