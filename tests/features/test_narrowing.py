"""A board's page is ordered and narrowed by its address, since no script runs in it."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.features.leaderboards.narrowing import ORDERS, Bounds, View, conditions
from bot.features.leaderboards.ranking import Entry, Placed
from runner.contract import Metric, Outcome, Slice, SplitScore


def placed(name, value, *, ms=None, size=1_000_000, memory=None):
    entry = Entry(
        submission=name, who=name, member_id=None, value=value, low=None, high=None, p50_ms=ms,
        size=size, memory_mb=memory,
    )  # fmt: skip
    return Placed(entry, rank=1, tied=False)


BOARD = [
    placed("good", 0.9, ms=40, size=9_000_000, memory=300),
    placed("fair", 0.8, ms=20, size=2_000_000, memory=90),
    placed("odd", 0.7),
    placed("weak", 0.6, ms=1, size=500_000, memory=60),
]


def names(rows):
    return [row.entry.submission for row in rows]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({}, ["good", "fair", "odd", "weak"]),
        ({"sort": "latency"}, ["weak", "fair", "good", "odd"]),
        ({"sort": "-latency"}, ["good", "fair", "weak", "odd"]),
        ({"sort": "score"}, ["good", "fair", "odd", "weak"]),
        ({"sort": "-score"}, ["weak", "odd", "fair", "good"]),
        ({"sort": "memory"}, ["weak", "fair", "good", "odd"]),
        ({"sort": "size"}, ["weak", "odd", "fair", "good"]),
        ({"latency": "33.3"}, ["fair", "weak"]),
        ({"latency": "33.3", "sort": "latency"}, ["weak", "fair"]),
        ({"size": "1"}, ["odd", "weak"]),
        ({"memory": "100"}, ["fair", "weak"]),
        ({"sort": "who; drop table", "latency": "fast"}, ["good", "fair", "odd", "weak"]),
        ({"latency": "-1", "size": "nan", "memory": "1e999"}, ["good", "fair", "odd", "weak"]),
    ],
)
def test_an_address_orders_and_narrows_and_what_is_unknown_comes_last(query, shown):
    assert names(View.of(query).shown(BOARD)) == shown


@example({"latency": "1000000"})  # which is said as 1e+06, and + stands for a space in addresses
@given(st.dictionaries(st.sampled_from(["sort", "latency", "size", "memory"]), st.text()))
def test_no_address_breaks_a_board_or_invents_an_entry(query):
    view = View.of(query)
    assert set(names(view.shown(BOARD))) <= set(names(BOARD))
    for column in ORDERS:
        assert re.fullmatch(r"\?[\w.&=%+-]*", view.ordered(column))
        assert view.aria(column) in {"none", "ascending", "descending"}


def test_a_columns_link_turns_its_order_round_and_keeps_the_bounds():
    view = View.of({"latency": "33.3"})
    first = view.ordered("latency")
    assert first == "?latency=33.3&sort=latency"
    again = View.of({"latency": "33.3", "sort": "latency"})
    assert again.aria("latency") == "ascending"
    assert again.ordered("latency") == "?latency=33.3&sort=-latency"
    assert again.within(size=1) == "?size=1&sort=latency"
    assert again.within() == "?sort=latency"


def test_bounds_are_said_as_people_ask_for_them():
    assert Bounds(latency=33.3).words == "at most 33.3 ms for one image (30 FPS at batch 1)"
    assert Bounds().words == ""


def test_conditions_are_of_dev_alone_and_stand_beside_each_other():
    night = Slice(attribute="light", value="night", images=5, score=0.4)
    day = Slice(attribute="light", value="day", images=9, score=0.8)

    def outcome(dev, board=()):
        metrics = (Metric(name="accuracy", value=0.5),)
        return Outcome(
            submission="s", attempt=1, token="", runner="r", tier="full",
            scores=(
                SplitScore(split="dev", images=14, metrics=metrics, slices=dev),
                SplitScore(split="board", images=14, metrics=metrics, slices=board),
            ),
        )  # fmt: skip

    found = conditions([outcome((night, day)), outcome((day,), board=(night,))])
    assert [(c.name, c.images, c.scores) for c in found] == [
        ("light: night", 5, (0.4, None)),
        ("light: day", 9, (0.8, 0.8)),
    ]


@pytest.mark.parametrize("bound", ["latency:-3", "size:-0.5", "memory:inf"])
async def test_a_bound_that_nothing_can_stay_within_is_refused_by_its_name(board, bound):
    answer = await board.say("ada", f"/leaderboard show digits {bound}")
    assert answer.code == "E_ARGUMENT"
    assert bound.partition(":")[0] in answer.message.plain().lower()
