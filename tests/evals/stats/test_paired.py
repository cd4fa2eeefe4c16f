"""Differences are of pairs."""

from __future__ import annotations

import numpy as np
import pytest

from evals.stats.paired import difference


def test_pairs_show_what_two_separate_intervals_would_not() -> None:
    rng = np.random.default_rng(1)
    hard = rng.random(200)
    first = np.clip(hard + 0.05, 0, 1)
    found = difference(first.tolist(), hard.tolist(), 0.95)
    assert found.low is not None
    assert found.low > 0.02
    assert found.value == pytest.approx((first - hard).mean())


def test_it_is_the_other_way_round_when_the_approaches_are() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.random(90).tolist(), rng.random(90).tolist()
    there, back = difference(a, b, 0.9), difference(b, a, 0.9)
    assert there.low == pytest.approx(-(back.high or 0), abs=0.006)
    assert there.value == pytest.approx(-(back.value or 0))


def test_two_equal_approaches_do_not_differ_for_certain() -> None:
    found = difference([1.0] * 60, [1.0] * 60, 0.95)
    assert found.value == 0
    assert found.low is not None
    assert found.high is not None
    assert found.low < -0.01
    assert found.high > 0.01


def test_few_rows_are_held_by_the_unseen_worst_row() -> None:
    found = difference([1.0] * 8, [0.0] * 8, 0.95)
    assert found.value == 1
    assert found.low is not None
    assert 0 < found.low < 0.6
    assert difference([], [], 0.95).value is None


def test_groups_widen_it() -> None:
    a = [1.0] * 60 + [0.0] * 60
    b = [0.0] * 40 + [1.0] * 10 + [0.0] * 70
    alone = difference(a, b, 0.95)
    grouped = difference(a, b, 0.95, [place // 10 for place in range(120)])
    assert grouped.clusters == 12
    assert (grouped.high or 0) - (grouped.low or 0) > (alone.high or 0) - (alone.low or 0)


def test_unpaired_or_impossible_scores_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        difference([1.0], [1.0, 0.0], 0.95)
    with pytest.raises(ValueError, match="outside"):
        difference([2.0], [1.5], 0.95)


def test_false_alarms_stay_within_the_nominal_rate() -> None:
    rng = np.random.default_rng(9)
    alarms = 0
    for _ in range(150):
        a, b = (rng.random((2, 60)) < 0.7).astype(float)
        found = difference(a.tolist(), b.tolist(), 0.9)
        alarms += (found.low or 0) > 0 or (found.high or 0) < 0
    assert alarms / 150 <= 0.1 + 2 * (0.1 * 0.9 / 150) ** 0.5
