"""Break-even: the closed form at the ends, and how often the interval holds the truth."""

from __future__ import annotations

import numpy as np
import pytest

from evals.stats.payback import Answers, payback, saved_a_call, saved_an_accepted
from evals.types import Interval

LEVEL = 0.9


def interval(value: float | None, low: float | None, high: float | None) -> Interval:
    return Interval(value, low, high, 50, 50, LEVEL)


def test_calls_are_the_cost_divided_and_the_ends_change_places() -> None:
    found = payback(10.0, interval(0.02, 0.01, 0.04))
    assert (found.calls, found.low, found.high) == pytest.approx((500, 250, 1000))


def test_a_saving_that_may_be_nothing_leaves_the_upper_end_open() -> None:
    found = payback(10.0, interval(0.02, -0.01, 0.04))
    assert (found.calls, found.low, found.high, found.known) == (500, 250, None, True)


def test_what_surely_costs_more_never_pays() -> None:
    found = payback(10.0, interval(-0.02, -0.03, -0.01))
    assert (found.calls, found.low, found.high, found.known) == (None, None, None, True)
    assert not payback(10.0, interval(None, None, None)).known
    assert payback(10.0, interval(0.5, None, None)) == payback(10.0, interval(0.5, None, None))
    assert not payback(10.0, interval(0.5, None, None)).known


def test_of_equal_savings_the_ends_are_the_value() -> None:
    found = saved_a_call([3.0] * 20, [1.0] * 20, LEVEL)
    assert (found.value, found.low, found.high) == pytest.approx((2.0, 2.0, 2.0))
    assert saved_a_call([3.0] * 4, [1.0] * 4, LEVEL).low is None
    assert saved_a_call([], [], LEVEL).value is None


def test_with_every_answer_accepted_an_accepted_one_saves_little_less_than_a_call_may() -> None:
    rng = np.random.default_rng(3)
    before, after = rng.lognormal(0, 0.4, 200) + 2, rng.lognormal(0, 0.4, 200)
    plain = saved_a_call(list(before), list(after), LEVEL)
    each = saved_an_accepted(Answers(list(before), [True] * 200), Answers(list(after), [True] * 200), LEVEL)
    assert each.value == pytest.approx(plain.value)
    assert each.low is not None and plain.low is not None
    assert each.low == pytest.approx(plain.low, rel=0.03)


def test_where_nothing_was_accepted_before_the_saving_is_large_and_not_endless() -> None:
    found = saved_an_accepted(Answers([1.0] * 60, [False] * 60), Answers([1.0] * 60, [True] * 60), LEVEL)
    assert found.low is not None and found.high is not None and found.value is not None
    assert 10 < found.low < found.value < found.high < np.inf
    assert payback(5.0, found).high == pytest.approx(5 / found.low)
    never = saved_an_accepted(Answers([1.0] * 60, [True] * 60), Answers([1.0] * 60, [False] * 60), LEVEL)
    assert never.high is not None and never.high < -10
    neither = saved_an_accepted(Answers([1.0] * 9, [False] * 9), Answers([1.0] * 9, [False] * 9), LEVEL)
    assert neither.value is None


def test_rows_of_a_group_are_one_unit() -> None:
    rng = np.random.default_rng(4)
    groups = [n // 10 for n in range(100)]
    shift = rng.normal(0, 1, 10)
    before = [5 + shift[g] for g in groups]
    alone = saved_a_call(before, [0.0] * 100, LEVEL)
    grouped = saved_a_call(before, [0.0] * 100, LEVEL, groups)
    assert grouped.clusters == 10
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)  # type: ignore[operator]


SHAPES = [(30, 0.2, 0.9), (60, 0.05, 0.8), (60, 0.5, 0.6), (150, 0.9, 0.95)]
"""Rows, and the true shares of accepted answers before and after."""


@pytest.mark.parametrize(("rows", "first", "second"), SHAPES)
def test_the_interval_holds_the_true_number_as_often_as_it_says(
    rows: int, first: float, second: float
) -> None:
    runs, once = 300, 10.0
    rng = np.random.default_rng([rows, int(100 * first)])
    before, after = np.exp(0.5**2 / 2) + 1, np.exp(0.5**2 / 2)
    truths = once / (before - after), once / (before / first - after / second)
    held = np.zeros(2)
    for _ in range(runs):
        shared = rng.random(rows)  # hard rows are hard for both
        costs = rng.lognormal(0, 0.5, rows) + 1, rng.lognormal(0, 0.5, rows)
        sides = [
            Answers(list(cost), [bool(x) for x in 0.7 * shared + 0.3 * rng.random(rows) < _cut(share)])
            for cost, share in zip(costs, (first, second), strict=True)
        ]
        found = (
            payback(once, saved_a_call(sides[0].costs, sides[1].costs, LEVEL)),
            payback(once, saved_an_accepted(sides[0], sides[1], LEVEL)),
        )
        for place, (truth, one) in enumerate(zip(truths, found, strict=True)):
            assert one.low is not None
            held[place] += one.low <= truth <= (np.inf if one.high is None else one.high)
    error = 2 * (LEVEL * (1 - LEVEL) / runs) ** 0.5
    assert (held / runs >= LEVEL - 0.02 - error).all(), held / runs
    assert held[0] / runs <= LEVEL + 0.03 + error


def _cut(share: float) -> float:
    """Where 0.7 U + 0.3 V lies below with this chance, for uniform U and V."""
    grid = np.linspace(0, 1, 2001)
    small, large = 0.3, 0.7
    law = np.where(
        grid < small,
        grid**2 / (2 * small * large),
        np.where(grid < large, (grid - small / 2) / large, 1 - (1 - grid) ** 2 / (2 * small * large)),
    )
    return float(np.interp(share, law, grid))
