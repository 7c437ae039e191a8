"""What Prometheus reads of jobs and runners, through the real web server."""

from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from bot.features.leaderboards.models import Benchmark
from runner.contract import Progress, Stage
from tests.features.boards import MODEL, OURS, THEIRS, failed, given, scored, submit
from tests.features.test_runners import a_runner
from tests.features.test_unserved import QUEUE, SCRIPT
from tests.test_docs import metrics_page


@pytest.fixture
async def scrape(board, bot, client):
    """Reads ``/metrics``: every sample of ours, by its name and its labels' values, by the labels' names in order."""
    async with board.core.work("tests") as work:
        await work.session.execute(
            update(Benchmark).values(formats=["onnx", "torchscript"], per_day=9)
        )
    await bot.web.start()

    async def read():
        async with client.get(f"{bot.web.url}/metrics") as response:
            assert response.status == 200
            families = text_string_to_metric_families(await response.text())
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in families
            for sample in family.samples
            if family.name.startswith("bookwiz_")
        }

    yield read
    await bot.web.stop()


async def test_jobs_are_counted_by_queue_and_state_with_the_age_of_the_oldest(board, scrape):
    await submit(board, "ada", SCRIPT)
    await board.wait(seconds=60)
    await submit(board, "ada", SCRIPT + b"2")
    await submit(board, "bob", MODEL)
    [onnx] = [e for e in board.engine.jobs.values() if e.format == "onnx"]
    about = {"submission": onnx.submission, "attempt": 1, "token": onnx.token}
    await board.engine.progress(Progress(**about, stage=Stage.PREDICT, done=0.5))
    found = await scrape()
    assert {k[1:]: v for k, v in found.items() if k[0] == "bookwiz_jobs"} == {
        (QUEUE, "dispatched"): 1,
        (QUEUE, "queued"): 1,
        ("cpu", "running"): 1,
    }
    oldest = {k[1]: v for k, v in found.items() if k[0] == "bookwiz_job_oldest_seconds"}
    assert oldest == {QUEUE: pytest.approx(60, abs=2)}
    await board.engine.report(scored(onnx))
    assert ("bookwiz_jobs", "cpu", "running") not in await scrape()  # gone, not left behind


async def test_ends_are_counted_with_how_long_they_took_and_how_many_attempts(board, scrape):
    await submit(board)
    await board.wait(seconds=20)
    await board.engine.report(failed(given(board), OURS))
    await board.deliver()
    await board.wait(seconds=20)
    await board.engine.report(scored(given(board)))
    await board.deliver()
    await submit(board, data=MODEL + b"2")
    await board.engine.report(failed(given(board), THEIRS))
    await submit(board, data=MODEL + b"3")
    await board.say("ada", f"/model cancel submission:{given(board).submission}")
    found = await scrape()
    assert {k[1]: v for k, v in found.items() if k[0] == "bookwiz_attempts_total"} == {
        "scored": 2,
        "failed": 1,
        "cancelled": 1,
    }
    assert found["bookwiz_attempts_lost_total", "cpu"] == 1
    assert found["bookwiz_verdict_seconds_sum", "scored", "cpu"] == pytest.approx(40, abs=2)
    assert found["bookwiz_verdict_seconds_bucket", "scored", "60.0", "cpu"] == 1
    assert found["bookwiz_verdict_seconds_bucket", "scored", "30.0", "cpu"] == 0


async def test_what_was_rolled_back_is_not_counted(board, scrape):
    await submit(board)
    evaluation = given(board)

    async def break_after_the_end():
        async with board.core.work("leaderboards") as work:
            await work.announce(scored(evaluation))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await break_after_the_end()
    assert not any(k[0] == "bookwiz_attempts_total" for k in await scrape())


async def test_runners_are_counted_with_the_oldest_heartbeat(board, scrape):
    board.engine.seen = [
        a_runner(board, "one"),
        a_runner(board, "two", busy_with="x:1", heartbeat_at=board.now - timedelta(seconds=3)),
        a_runner(board, "old", state="lost", heartbeat_at=board.now - timedelta(hours=1)),
        a_runner(board, "gone", state="stopped", heartbeat_at=board.now - timedelta(hours=9)),
        a_runner(board, "odd", queue="ada's secret line", tier="reduced"),
    ]
    found = await scrape()
    assert {k[1:]: v for k, v in found.items() if k[0] == "bookwiz_runners"} == {
        ("cpu", "up", "full"): 1,
        ("cpu", "busy", "full"): 1,
        ("cpu", "lost", "full"): 1,
        ("cpu", "stopped", "full"): 1,
        ("other", "up", "reduced"): 1,
    }
    ages = {k[1:]: v for k, v in found.items() if k[0] == "bookwiz_runner_heartbeat_age_seconds"}
    assert ages == {("cpu", "full"): 3600, ("other", "reduced"): 12}
    assert found["bookwiz_reached", "engine"] == 1


async def test_what_the_engine_suffered_is_counted_once(board, scrape):
    for count in (2, 2, 5):
        board.engine.troubles = {"listener_lost": count}
        assert (await scrape())["bookwiz_engine_troubles_total", "listener_lost"] == count


async def test_it_answers_though_engine_and_database_are_away(board, bot, scrape):
    board.engine.away = True
    found = await scrape()
    assert found["bookwiz_reached", "engine"] == 0
    assert found["bookwiz_reached", "database"] == 1

    def away():
        raise OperationalError("SELECT", {}, OSError("gone"))

    bot.core.database.read, reading = away, bot.core.database.read
    found = await scrape()
    bot.core.database.read = reading
    assert found["bookwiz_reached", "database"] == 0


async def test_labels_name_nobody_and_every_metric_is_documented(board, scrape):
    board.engine.seen = [a_runner(board, "secret-box")]
    await submit(board, data=MODEL, notes="a note")
    await board.engine.report(scored(given(board)))
    await submit(board, "bob", SCRIPT)
    found = await scrape()
    said = " ".join(str(key) for key in found if "command_seconds" not in key[0])
    for secret in ("ada", "bob", "digits", "model.onnx", "secret-box", given(board).submission):
        assert secret not in said.lower()
    page = metrics_page()
    ends = ("_bucket", "_sum", "_count", "_created")
    for name, *_ in found:
        bare = next((name.removesuffix(e) for e in ends if name.endswith(e)), name)
        assert f"`{bare}`" in page or f"`{bare}_total`" in page, name
