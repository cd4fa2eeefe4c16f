"""Differences are of pairs."""

from __future__ import annotations

import numpy as np
import pytest

from evals.stats.mcnemar import discordant
from evals.stats.paired import compare, difference, pooled_difference


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


@pytest.mark.parametrize(("better", "worse"), [(5, 0), (4, 0), (9, 2), (8, 2), (20, 8)])
def test_right_or_wrong_differ_for_certain_when_mcnemars_exact_test_says_so(better: int, worse: int) -> None:
    first = [1.0] * better + [0.0] * worse + [1.0] * 30
    second = [0.0] * better + [1.0] * worse + [1.0] * 30
    found = difference(first, second, 0.9)
    assert ((found.low or 0) > 0) == (discordant(first, second).exact_better <= 0.05)


def test_a_comparison_says_what_its_scores_allow() -> None:
    rng = np.random.default_rng(3)
    a, b = (rng.random((2, 80)) < 0.8).astype(float).tolist()
    graded, groups = rng.random(80).tolist(), [place // 4 for place in range(80)]
    both = compare(a, b, 0.95)
    assert both.difference == difference(a, b, 0.95)
    assert both.disagree == discordant(a, b)
    assert both.score is not None and both.flips is None
    for found in (compare(a, graded, 0.95), compare(a, b, 0.95, groups)):
        assert found.score is None and found.disagree is None
        assert found.flips is not None and 0 < found.flips <= 1


def test_a_pooled_difference_of_equal_weights_is_the_difference_of_means() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.random((2, 70))
    found = pooled_difference([(x, 1.0) for x in a], [(x, 1.0) for x in b], 0.9)
    wanted = difference(a.tolist(), b.tolist(), 0.9)
    assert (found.value, found.low, found.high) == pytest.approx(
        (wanted.value, wanted.low, wanted.high), abs=2e-3
    )


def test_a_long_document_widens_a_pooled_difference() -> None:
    even = [(8.0, 10.0)] * 30 + [(10.0, 10.0)] * 30
    other = [(7.0, 10.0)] * 60
    long = [*even[:-1], (400.0, 400.0)], [*other[:-1], (280.0, 400.0)]
    widths = [
        (f.high or 0) - (f.low or 0)
        for f in (pooled_difference(even, other, 0.9), pooled_difference(*long, 0.9))
    ]
    assert widths[1] > 2 * widths[0]


def test_denominators_may_differ_and_groups_count_as_one() -> None:
    rng = np.random.default_rng(5)
    den = rng.integers(1, 9, size=(2, 120))
    num = rng.binomial(den, [[0.9], [0.6]])
    first, second = ([*zip(n.tolist(), d.tolist(), strict=True)] for n, d in zip(num, den, strict=True))
    found = pooled_difference(first, second, 0.9, [place // 4 for place in range(120)])
    assert (found.n, found.clusters) == (120, 30)
    assert 0 < (found.low or 0) < (found.value or 0) < (found.high or 0)


def test_pooled_differences_without_rows_or_denominators_have_no_value() -> None:
    assert pooled_difference([], [], 0.9).value is None
    assert pooled_difference([(0, 0), (0, 0)], [(1, 1), (1, 1)], 0.9).value is None
    with pytest.raises(ValueError, match="rows of one"):
        pooled_difference([(1, 1)], [], 0.9)
    with pytest.raises(ValueError, match="outside"):
        pooled_difference([(2, 1)], [(1, 1)], 0.9)


def test_pooled_false_alarms_stay_within_the_nominal_rate() -> None:
    rng = np.random.default_rng(6)
    alarms = 0
    for _ in range(100):
        den = rng.integers(1, 13, size=60)
        first, second = (
            [*zip(rng.binomial(den, 0.85).tolist(), den.tolist(), strict=True)] for _ in range(2)
        )
        found = pooled_difference(first, second, 0.9)
        alarms += (found.low or 0) > 0 or (found.high or 0) < 0
    assert alarms / 100 <= 0.1 + 2 * (0.1 * 0.9 / 100) ** 0.5
