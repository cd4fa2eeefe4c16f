"""Which bound gates, and that it holds together at the edges."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from evals.stats.bounds import (
    bounds,
    clopper_pearson,
    interval,
    lower,
    mean_interval,
    quantile_interval,
    standard_error,
    suits_bca,
    upper,
    wilson,
)
from evals.stats.resample import bca_lower
from evals.stats.sample import sample_of
from evals.stats.worst_row import worst_row_lower

alphas = st.sampled_from([0.05, 0.0125])


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (1, 2), (50, 60), (60, 60), (0, 60), (299, 300)])
@pytest.mark.parametrize("alpha", [0.05, 0.0125])
def test_zeros_and_ones_are_bounded_exactly(k: int, n: int, alpha: float) -> None:
    low, high = bounds([1.0] * k + [0.0] * (n - k), alpha)
    assert (low, high) == pytest.approx(proportion_confint(k, n, 2 * alpha, method="beta"))


@settings(max_examples=80)
@given(st.lists(st.floats(0, 1), max_size=70), alphas)
def test_the_value_lies_between_its_bounds_and_both_in_range(values: list[float], alpha: float) -> None:
    low, high = bounds(values, alpha)
    assert 0 <= low <= high <= 1
    value = sample_of(values).value
    assert value is None or low - 1e-9 <= value <= high + 1e-9


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=70))
def test_less_error_allowed_means_wider_bounds(values: list[float]) -> None:
    strict, loose = bounds(values, 0.0125), bounds(values, 0.05)
    assert strict[0] <= loose[0] + 1e-9
    assert strict[1] >= loose[1] - 1e-9


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.integers(1, 30))
def test_more_right_rows_never_take_the_value_below_what_was_shown(values: list[float], more: int) -> None:
    assert lower(values, 0.05) <= (sample_of([*values, *[1.0] * more]).value or 0.0) + 1e-9


def test_few_graded_rows_get_the_exact_bound_with_the_sum_as_successes() -> None:
    values = [0.9] * 30
    assert lower(values, 0.05) == pytest.approx(clopper_pearson(27, 30, 0.05))


def test_many_equal_rows_are_not_taken_for_certain() -> None:
    values = [0.9] * 200
    assert not suits_bca(sample_of(values))
    assert lower(values, 0.05) == pytest.approx(clopper_pearson(180, 200, 0.05))


def test_enough_graded_rows_get_the_more_cautious_of_bca_and_one_unseen_worst_row() -> None:
    sample = sample_of(np.random.default_rng(2).beta(9, 1, size=100))
    assert suits_bca(sample)
    wanted = min(bca_lower(sample, 0.05) or 1.0, worst_row_lower(sample, 0.05))
    assert lower(sample, 0.05) == wanted


def test_an_upper_bound_is_the_lower_bound_of_what_is_missing() -> None:
    values = np.random.default_rng(4).choice([0.0, 0.5, 1.0], size=90)
    assert upper(values, 0.05) == pytest.approx(1 - lower(1 - values, 0.05), abs=2e-3)


def test_rows_in_groups_are_bounded_more_widely_than_rows_alone() -> None:
    values = [1.0] * 80 + [0.0] * 20
    groups = [place // 5 for place in range(100)]
    assert lower(values, 0.05, groups) < lower(values, 0.05) - 0.02
    drawn = interval(values, 0.9, groups)
    assert (drawn.n, drawn.clusters, drawn.value) == (100, 20, 0.8)


def test_a_long_document_weighs_in_a_pooled_bound() -> None:
    even = [(8.0, 10.0)] * 30 + [(10.0, 10.0)] * 30
    uneven = [(1.0, 1.0)] * 59 + [(320.0, 400.0)]
    assert lower(uneven, 0.05) < lower(even, 0.05)


def test_no_row_leaves_everything_open() -> None:
    assert bounds([], 0.05) == (0.0, 1.0)
    assert interval([], 0.9).value is None


@pytest.mark.parametrize("values", [[1.0], [0.0], [0.5], [0.5, 1.0]])
def test_one_or_two_rows_show_next_to_nothing(values: list[float]) -> None:
    low, high = bounds(values, 0.0125)
    assert high - low > 0.85


@pytest.mark.parametrize("alpha", [0.0, -0.1, 0.5, 1.0, math.nan])
def test_an_alpha_that_is_no_error_rate_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha"):
        lower([1.0], alpha)


def test_the_interval_drawn_is_the_bound_tested() -> None:
    values = [1.0] * 45 + [0.0] * 5
    drawn = interval(values, 0.975)
    assert (drawn.low, drawn.high) == pytest.approx(bounds(values, 0.0125))


def test_latency_quantiles_are_bracketed_by_order_statistics() -> None:
    values = [float(v) for v in range(1, 61)]
    found = quantile_interval(values, 0.5, 0.9)
    assert found.value == 30.5
    assert found.low is not None
    assert found.high is not None
    assert found.low < 26
    assert found.high > 35
    assert quantile_interval(values[:10], 0.95, 0.9).high is None
    assert quantile_interval([], 0.5, 0.9).value is None


def test_mean_amounts_have_an_interval_when_there_are_enough_of_them() -> None:
    values = np.random.default_rng(0).gamma(3, 100, size=80)
    found = mean_interval(values.tolist(), 0.9)
    assert found.low is not None
    assert found.high is not None
    assert found.low < values.mean() < found.high
    assert mean_interval([5.0] * 50, 0.9).low is None
    assert mean_interval([1.0, 2.0], 0.9).low is None


def test_a_perfect_score_still_has_a_standard_error() -> None:
    assert 0 < standard_error(sample_of([1.0] * 50)) < standard_error(sample_of([1.0] * 10))
    assert standard_error(sample_of([])) == math.inf
    values = [1.0] * 30 + [0.0] * 30
    assert standard_error(sample_of(values)) == pytest.approx(0.5 / 60**0.5)


def test_wilson_is_statsmodels_wilson() -> None:
    found = wilson(45, 50, 0.95)
    assert (found.low, found.high) == pytest.approx(proportion_confint(45, 50, 0.05, method="wilson"))
