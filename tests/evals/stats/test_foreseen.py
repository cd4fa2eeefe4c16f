"""Chances planned from the scores of an earlier run: against the bounds themselves, and at the edges."""

from __future__ import annotations

import numpy as np
import pytest

from evals.stats.effects import chance_share
from evals.stats.foreseen import Seen
from evals.stats.sample import Sample
from evals.stats.worst_row import worst_row_chance

RNG = np.random.default_rng(4)
EVEN = np.ones(200)
GRADED = Seen(RNG.beta(8, 2, 200), EVEN)
BINARY = Seen((RNG.random(200) < 0.8).astype(float), EVEN)


@pytest.mark.parametrize("den", [np.ones(60), RNG.integers(1, 9, 60).astype(float)], ids=["rows", "pooled"])
@pytest.mark.parametrize("threshold", [0.7, 0.74, 0.76])
def test_the_chance_of_all_draws_at_once_is_that_of_the_bound_that_gates(
    den: np.ndarray, threshold: float
) -> None:
    ratio = np.random.default_rng(1).beta(8, 2, 60).round(2)
    seen, sample = Seen(ratio * den, den), Sample(ratio * den, den, 60)
    counts = np.random.default_rng(2).multinomial(60, seen._shares(sample.value or 0.0), size=3)
    for drawn, found in zip(counts, seen._unseen_chance(counts, threshold), strict=True):
        assert found == pytest.approx(
            min(worst_row_chance(seen._sample(drawn, 0), threshold), 1), rel=0.03, abs=2e-4
        )


@pytest.mark.parametrize("n", [30, 100, 300])
def test_right_or_wrong_scores_are_planned_as_by_their_own_law(n: int) -> None:
    assert BINARY.chance(0.9, n, 0.8, 0.05) == pytest.approx(chance_share(0.9, n, 0.8, 0.05), abs=0.03)


def test_more_rows_and_better_values_are_shown_more_often() -> None:
    by_rows = [GRADED.chance(0.85, n, 0.8, 0.0125) for n in (30, 60, 120, 240)]
    by_value = [GRADED.chance(truth, 80, 0.8, 0.0125) for truth in (0.8, 0.84, 0.88)]
    assert by_rows == sorted(by_rows) and by_value == sorted(by_value)
    assert by_rows[-1] > 0.9 and by_value[0] < 0.0125


def test_rows_and_the_smallest_value_answer_each_other() -> None:
    n = GRADED.rows(0.85, 0.8, 0.0125) or 0
    assert GRADED.chance(0.85, n, 0.8, 0.0125) == pytest.approx(0.8, abs=0.06)
    assert GRADED.detectable(n, 0.8, 0.0125) == pytest.approx(0.85, abs=0.01)


def test_what_was_never_that_good_is_made_right_row_by_row() -> None:
    half = Seen(np.full(40, 0.5), np.ones(40))
    assert half.chance(0.9, 200, 0.8, 0.05) == pytest.approx(
        Seen(np.repeat([0.5, 1.0], [20, 80]), np.ones(100)).chance(0.9, 200, 0.8, 0.05), abs=0.02
    )
    assert half.chance(0.2, 50, 0.1, 0.05) > 0.5


def test_a_worse_value_is_made_of_more_of_the_worse_scores() -> None:
    shares = GRADED._shares(0.7)
    ratio, _, seen = GRADED._kinds
    assert float(shares @ ratio) == pytest.approx(0.7)
    assert shares[0] == 0 and set(shares[seen == 0]) == {0.0}
    assert float(GRADED._shares(0.9) @ ratio) == pytest.approx(0.9)


def test_few_groups_show_nothing_and_groups_are_worth_less_than_their_rows() -> None:
    rows = np.random.default_rng(3).binomial(5, np.random.default_rng(2).beta(4, 1, 60)).astype(float)
    groups, alone = Seen(rows, np.full(60, 5.0), 5.0, True), Seen(np.ones(4), np.ones(4))
    assert groups.chance(0.95, 95, 0.7, 0.05) == 0
    assert 0 < groups.chance(0.9, 200, 0.8, 0.05) < chance_share(0.9, 200, 0.8, 0.05)
    assert (groups.rows(0.9, 0.8, 0.05) or 0) >= 100
    assert alone.chance(1.0, 300, 0.95, 0.05) == 1


def test_the_same_plan_is_made_twice() -> None:
    assert GRADED.chance(0.87, 60, 0.8, 0.05) == Seen(GRADED.num, GRADED.den).chance(0.87, 60, 0.8, 0.05)


def test_what_needs_no_rows_or_cannot_be_shown_is_said_at_once() -> None:
    assert GRADED.chance(0.5, 3, 0.0, 0.05) == 1
    assert GRADED.chance(1.0, 300, 1.0, 0.05) == 0
    assert GRADED.rows(0.8, 0.8, 0.05) is None
    assert GRADED.detectable(0, 0.8, 0.05) is None
    assert GRADED.detectable(10, 0.97, 0.05) is None


@pytest.mark.parametrize(("num", "size"), [([], 1.0), ([1.0], 0.5)])
def test_planning_takes_units_of_a_row_or_more(num: list[float], size: float) -> None:
    with pytest.raises(ValueError, match="takes units"):
        Seen(np.array(num), np.ones(len(num)), size)
