"""Boards as they are seen: ties by significance, filters, comparisons, the season's end."""

import csv
import io

import pytest

from bot.features.leaderboards.exporting import as_csv
from bot.features.leaderboards.models import Benchmark
from bot.features.leaderboards.ranking import Entry, Placed, basis_of, standing
from bot.kit.message import File, Table
from runner.contract import Failure, Speed, Verdict
from runner.errands import Gap, Made, Ranked, Ranking, Revealed
from tests.features.boards import MODEL, given, live, scored_entry, submit, with_files

BUG = Failure(code="E_RUNNER_BUG", ours=True, problem="The desk's pencil broke.")


def by_tenths(errand):
    """Rank by quality; what is within a tenth of the group's leader is tied with it."""
    ordered = sorted(errand.entrants, key=lambda e: -e.quality)
    groups, rows = [], []
    for place, entrant in enumerate(ordered, 1):
        if not groups or groups[-1][0].quality - entrant.quality > 0.1:
            groups.append([])
        groups[-1].append(entrant)
        rows.append((entrant, groups[-1], place))
    return Ranking(
        critical=2.0,
        ranked=tuple(
            Ranked(
                submission=e.submission,
                rank=place - group.index(e),
                tied=len(group) > 1,
                value=e.quality,
                low=e.quality - 0.033,
                high=e.quality + 0.033,
                front=place == 1 or (e.cost or 0) < 1,
            )
            for e, group, place in rows
        ),
    )


@pytest.fixture
async def ranked(board, desk):
    desk.says["rank"] = by_tenths
    desk.says["report"] = BUG
    return board


async def enter(chat, who, value, *, ms=None, size=0, **form):
    await submit(chat, who, MODEL + who.encode() + bytes(size), **form)
    evaluation = given(chat)
    speed = None
    if ms is not None:
        speed = Speed(
            p50_ms=ms, p95_ms=ms, images_per_second=1, limit_per_second=1, efficiency=1,
            seconds=1, threads=1, hardware="x",
        )  # fmt: skip
    await chat.engine.report(await with_files(chat, evaluation, value, speed=speed))
    await chat.deliver()
    return evaluation


def rows_of(message):
    [table] = [b for b in message.blocks if isinstance(b, Table)]
    plain = [tuple(cell.replace("\\", "") for cell in row) for row in table.rows]
    assert all(len(row) == len(table.head) for row in plain)
    return {row[1].removeprefix("→ "): row for row in plain}


async def test_ranks_are_shared_by_those_who_cannot_be_told_apart(ranked):
    await enter(ranked, "ada", 0.90)
    await enter(ranked, "bob", 0.87)
    await enter(ranked, "chen", 0.60)
    answer = await ranked.say("dina", "/leaderboard show digits")
    rows = rows_of(answer.message)
    assert [rows[who][0] for who in ("Ada", "Bob", "Chen")] == ["1 (tied)", "1 (tied)", "3"]
    assert rows["Bob"][3] == "83.7 – 90.3 %"  # the ranking's own interval
    assert "could be chance" in answer.message.plain()


async def test_the_card_says_who_it_cannot_be_told_from(ranked):
    await enter(ranked, "ada", 0.90)
    second = await enter(ranked, "bob", 0.87)
    third = await enter(ranked, "chen", 0.60)
    card = (await live(ranked, second)).text
    assert "Rank **1 (tied)** of 2" in card.replace("\\", "")
    assert "cannot be told apart from the leader" in card
    card = (await live(ranked, third)).text
    assert "Rank **3** of 3" in card
    assert "-30.0 points against the leader" in card


async def test_while_places_are_computed_the_last_ones_are_shown_and_it_says_so(ranked):
    await enter(ranked, "ada", 0.90)
    clerk, ranked.clerk = ranked.clerk, None
    second = await enter(ranked, "bob", 0.95)
    text = await ranked.ask("dina", "/leaderboard show digits")
    assert "Bob" not in text
    assert "1 newer entry being ranked" in text
    assert "being computed" in (await live(ranked, second)).text
    ranked.clerk = clerk
    await ranked.deliver()
    text = await ranked.ask("dina", "/leaderboard show digits")
    assert "Bob" in text
    assert "newer" not in text
    assert "Rank **1" in (await live(ranked, second)).text


async def test_what_is_withdrawn_is_gone_at_once(ranked):
    evaluation = await enter(ranked, "ada", 0.90)
    await enter(ranked, "bob", 0.60)
    clerk, ranked.clerk = ranked.clerk, None
    await ranked.say("ada", f"/model withdraw {evaluation.submission} sure:yes")
    assert "Ada" not in await ranked.ask("dina", "/leaderboard show digits")
    ranked.clerk = clerk
    await ranked.deliver()
    rows = rows_of((await ranked.say("dina", "/leaderboard show digits")).message)
    assert [row[0] for row in rows.values()] == ["1"]


async def test_many_new_entries_are_ranked_once(ranked, desk):
    clerk, ranked.clerk = ranked.clerk, None
    for n, who in enumerate(("ada", "bob", "chen")):
        await enter(ranked, who, 0.5 + n / 10)
    ranked.clerk = clerk
    await ranked.deliver()
    assert [len(e.entrants) for e in desk.of("rank")] == [3]
    await ranked.wait(minutes=21)
    assert len(desk.of("rank")) == 1  # nothing changed


async def test_a_failure_of_the_desk_leaves_the_last_places_and_is_tried_again(ranked, desk):
    await enter(ranked, "ada", 0.90)
    desk.says["rank"] = BUG
    await enter(ranked, "bob", 0.60)
    assert "1 newer entry being ranked" in await ranked.ask("dina", "/leaderboard show digits")
    desk.says["rank"] = by_tenths
    await ranked.wait(minutes=11)
    assert "Bob" in await ranked.ask("dina", "/leaderboard show digits")


async def test_an_entry_that_cannot_be_ranked_is_said_and_stops_nobody_else(ranked, desk):
    def without_bob(errand):
        kept = tuple(e for e in errand.entrants if e.name != "Bob")
        lost = tuple(e.submission for e in errand.entrants if e.name == "Bob")
        ranking = by_tenths(errand.model_copy(update={"entrants": kept}))
        return ranking.model_copy(update={"left_out": lost})

    desk.says["rank"] = without_bob
    await enter(ranked, "ada", 0.90)
    await enter(ranked, "bob", 0.60)
    text = await ranked.ask("dina", "/leaderboard show digits")
    assert "Ada" in text
    assert "1 entry cannot be ranked" in text
    assert "newer" not in text


async def test_the_results_channel_learns_the_place_when_it_is_known(ranked):
    await ranked.say("moira", "/admin channels leaderboards results")
    clerk, ranked.clerk = ranked.clerk, None
    await enter(ranked, "ada", 0.90)
    before = ranked.to("results")[-1].text
    assert "entered with 90.0 %" in before
    count = len(ranked.to("results"))
    ranked.clerk = clerk
    await ranked.deliver()
    assert len(ranked.to("results")) == count
    assert "rank 1 of 1" in ranked.to("results")[-1].text


async def test_thirty_frames_a_second_is_a_filter_and_so_is_size(ranked):
    await enter(ranked, "ada", 0.90, ms=50.0)
    await enter(ranked, "bob", 0.60, ms=5.0, size=2_000_000)
    answer = await ranked.say("dina", "/leaderboard show digits latency:33")
    assert set(rows_of(answer.message)) == {"Bob"}
    assert "30 FPS at batch 1" in answer.message.plain()
    answer = await ranked.say("dina", "/leaderboard show digits size:1")
    assert set(rows_of(answer.message)) == {"Ada"}
    assert "Nobody on this board is within that" in await ranked.ask(
        "dina", "/leaderboard show digits latency:1"
    )


async def test_for_deployment_only_the_front_is_shown(ranked):
    await enter(ranked, "ada", 0.90, ms=50.0)
    await enter(ranked, "bob", 0.60, ms=5.0)
    await enter(ranked, "chen", 0.55, ms=0.5)
    answer = await ranked.say("dina", "/leaderboard show digits view:deployment")
    assert set(rows_of(answer.message)) == {"Ada", "Chen"}
    assert "without being slower" in answer.message.plain()


async def test_a_board_can_be_had_as_a_file_with_everybodys_configuration(ranked):
    await enter(ranked, "ada", 0.90, ms=50.0, config="+SUM(A1): 1")
    answer = await ranked.say("dina", "/leaderboard show digits csv:yes")
    [file] = [b for b in answer.message.blocks if isinstance(b, File)]
    text = ranked.core.services.files.path(file.sha256).read_text("utf-8-sig")
    [row] = csv.DictReader(io.StringIO(text))
    assert (row["who"], row["rank"], row["value"]) == ("Ada", "1", "0.9")
    assert row["config"] == "'+SUM(A1): 1"


async def test_two_are_compared_image_by_image_with_their_configurations(ranked, desk):
    desk.says["compare"] = Made(
        artifacts=(),
        words="McNemar: 12 fixed, 3 broken.",
        figures={"difference": 0.02, "low": -0.01, "high": 0.05, "p": 0.21},
    )
    one = await enter(ranked, "ada", 0.90, config="lr: 0.1\nseed: 1")
    other = await enter(ranked, "bob", 0.60)
    line = f"/leaderboard compare {one.submission} {other.submission}"
    await ranked.say("dina", line)
    text = ranked.to("general")[-1].text
    for words in ("+2.0 points", "could be chance", "12 fixed", "≠ lr", "p = 0.21"):
        assert words in text.replace("\\", ""), words
    [errand] = desk.of("compare")
    assert errand.split == "dev"
    same = await ranked.say("dina", f"/leaderboard compare {one.submission} {one.submission}")
    assert same.code == "E_SAME"
    desk.says["compare"] = BUG
    await ranked.say("dina", line)
    assert ranked.to("general")[-1].message.failed


async def test_what_did_not_count_is_compared_by_its_own_member_alone(ranked):
    one = await enter(ranked, "ada", 0.90)
    lost = Verdict(counts=False, released=0.9, best=0.9)
    hidden = await scored_entry(ranked, data=MODEL + b"2", value=0.5, verdict=lost)
    line = f"/leaderboard compare {one.submission} {hidden.submission}"
    assert (await ranked.say("bob", line)).code == "E_SUBMISSION"
    assert not (await ranked.say("ada", line)).refused


def revealed(low):
    gap = {"board": 0.9, "shadow": 0.8, "gap": 0.1, "low": low, "high": 0.2}
    return Revealed(
        gaps=(Gap(submission="a", name="Ada", board_rank=1, shadow_rank=2, **gap),),
        spearman=0.5,
        median_gap=0.1,
        median_low=low,
        median_high=0.2,
        artifacts=(),
    )


@pytest.mark.parametrize(("low", "warned"), [(0.05, True), (-0.05, False)])
async def test_the_reveal_is_confirmed_shown_to_all_and_warns_only_when_it_is_no_chance(
    ranked, desk, low, warned
):
    await ranked.say("moira", "/admin channels moderators staff")
    desk.says["reveal"] = revealed(low)
    for who, value in (("ada", 0.9), ("bob", 0.8)):
        await enter(ranked, who, value)
    asked = await ranked.say("moira", "/leaderboard reveal digits")
    assert "2 entries" in asked.message.plain()
    assert not desk.of("reveal")
    await ranked.press("moira", asked.message, "Reveal it to everybody")
    text = ranked.to("general")[-1].text.replace("\\", "")
    for words in ("0.50", "1 → 2", "+10.0 points"):
        assert words in text, words
    assert ("that could be chance" in text) is not warned
    assert any("do not agree" in s.text for s in ranked.to("staff")) is warned
    async with ranked.core.database.read() as session:
        found = await session.get_one(Benchmark, 1)
    assert found.frozen_at
    assert found.revealed_at
    thawed = await ranked.say("moira", "/leaderboard freeze digits on:no")
    assert thawed.code == "E_STATE"
    again = await ranked.say("moira", "/leaderboard reveal digits")
    assert "1 → 2" in again.message.plain()
    assert len(desk.of("reveal")) == 1


async def test_a_reveal_that_fails_reveals_nothing_and_can_be_asked_again(ranked, desk):
    desk.says["reveal"] = BUG
    for who, value in (("ada", 0.9), ("bob", 0.8)):
        await enter(ranked, who, value)
    await ranked.say("moira", "/leaderboard reveal digits sure:yes")
    assert ranked.to("general")[-1].message.failed
    desk.says["reveal"] = revealed(0.05)
    await ranked.say("moira", "/leaderboard reveal digits sure:yes")
    assert "1 → 2" in ranked.to("general")[-1].text


def entry(name, value, member=None):
    return Entry(name, name, member, value, None, None, 1.0, 1)


def test_a_ranking_is_shown_without_those_that_are_gone_and_counts_those_that_are_new():
    def place(name, rank):
        return Ranked(submission=name, rank=rank, tied=False, value=0, low=0, high=0)

    ranking = Ranking(ranked=(place("a", 1), place("gone", 2), place("b", 3)), critical=2)
    shown = standing([entry("a", 0.9, 1), entry("b", 0.8, 2), entry("c", 0.95, 2)], ranking)
    assert [p.entry.submission for p in shown.placed] == ["a", "b"]
    assert shown.newer == 1  # c is its member's best now
    assert shown.of("gone") is None


def test_the_order_of_entries_does_not_change_what_they_are_called():
    assert basis_of(["a", "b"]) == basis_of(["b", "a"]) != basis_of(["a"])


async def test_an_empty_board_is_a_file_with_a_head_alone(board):
    async with board.core.database.read() as session:
        text = (await as_csv(session, [])).decode("utf-8-sig")
    assert text.splitlines()[0].startswith("rank,tied,who")
    assert isinstance(Placed(entry("a", 1), 1, tied=True).shown, str)
