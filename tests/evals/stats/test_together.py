"""Many approaches from the same resamples."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap

from evals.stats.together import together


def scores(rows: int = 120, approaches: int = 3) -> np.ndarray:
    rng = np.random.default_rng(4)
    return np.clip(rng.beta(4, 1, (rows, 1)) + rng.normal(0, 0.1, (rows, approaches)), 0, 1)


def test_intervals_agree_with_scipy_but_for_the_draws() -> None:
    data = scores()
    both = together(data)
    theirs = bootstrap(
        (data.T,), np.mean, axis=-1, n_resamples=10_000, method="BCa", rng=np.random.default_rng(1)
    )
    for place in range(3):
        found = both.interval(place, 0.95)
        assert found.low == pytest.approx(theirs.confidence_interval.low[place], abs=0.002)
        assert found.high == pytest.approx(theirs.confidence_interval.high[place], abs=0.002)


def test_differences_agree_with_scipy_on_pairs() -> None:
    data = scores()
    found = together(data).difference(0, 1, 0.95)
    theirs = bootstrap(
        (data[:, 0] - data[:, 1],), np.mean, n_resamples=10_000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    assert found.value == pytest.approx((data[:, 0] - data[:, 1]).mean())
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.001)


def test_pooled_metrics_agree_with_scipy_on_ratios_of_sums() -> None:
    rng = np.random.default_rng(6)
    den = rng.integers(1, 12, size=(90, 2)).astype(float)
    num = rng.binomial(den.astype(int), 0.8).astype(float)
    found = together(num, den).difference(0, 1, 0.9)

    def gap(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, axis: int) -> np.ndarray:
        return a.sum(axis) / b.sum(axis) - c.sum(axis) / d.sum(axis)

    data = (num[:, 0], den[:, 0], num[:, 1], den[:, 1])
    theirs = bootstrap(
        data, gap, paired=True, confidence_level=0.9, method="BCa", rng=np.random.default_rng(1)
    )
    wanted = (theirs.confidence_interval.low, theirs.confidence_interval.high)
    assert (found.low, found.high) == pytest.approx(wanted, abs=0.005)


def test_whole_groups_are_resampled() -> None:
    data = np.repeat(scores(40), 5, axis=0)
    groups = [place // 5 for place in range(200)]
    alone, grouped = together(data).interval(0, 0.95), together(data, groups=groups).interval(0, 0.95)
    assert (grouped.n, grouped.clusters) == (200, 40)
    assert (grouped.high or 0) - (grouped.low or 0) > 1.8 * ((alone.high or 0) - (alone.low or 0))


def test_the_seed_gives_the_same_draws_however_large_the_blocks_are() -> None:
    data = scores(9000, 2)
    first, again = (together(data, resamples=700).draws for _ in range(2))
    assert (first == again).all()
    assert (together(data, resamples=700, seed=1).draws != first).any()


def test_the_draws_of_two_approaches_are_of_the_same_rows() -> None:
    data = scores()
    both = together(np.column_stack([data[:, 0], data[:, 0] + 1]))
    assert both.draws[:, 1] - both.draws[:, 0] == pytest.approx(np.ones(len(both.draws)))
    assert both.difference(1, 0, 0.95).low is None


def test_what_does_not_vary_has_no_ends() -> None:
    found = together(np.full((50, 1), 0.7)).interval(0, 0.95)
    assert (found.value, found.low, found.high) == (pytest.approx(0.7), None, None)


@pytest.mark.parametrize(
    ("num", "den", "why"),
    [
        (np.empty((0, 2)), None, "rows, approaches"),
        (np.ones(3), None, "rows, approaches"),
        (np.ones((3, 2)), np.ones((3, 1)), "one shape"),
        (np.array([[np.nan], [1.0]]), None, "NaN"),
        (np.ones((3, 1)), np.zeros((3, 1)), "denominator"),
    ],
)
def test_what_cannot_be_resampled_is_refused(num: np.ndarray, den: np.ndarray | None, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        together(num, den)


def test_units_that_say_nothing_leave_the_value_where_a_resample_holds_no_others() -> None:
    num, den = np.zeros((3, 1)), np.zeros((3, 1))
    num[0], den[0] = 1, 2
    assert np.isfinite(together(num, den).draws).all()
