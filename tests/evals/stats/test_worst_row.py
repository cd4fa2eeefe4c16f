"""The bound that supposes one unseen worst row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from evals.stats.bounds import exact_lower
from evals.stats.sample import sample_of
from evals.stats.worst_row import worst_row_chance, worst_row_lower

alphas = st.sampled_from([0.05, 0.025, 0.0125])


@settings(max_examples=60)
@given(st.integers(3, 400), st.floats(0.02, 1), alphas)
def test_on_zeros_and_ones_it_is_clopper_pearson(n: int, share: float, alpha: float) -> None:
    k = round(share * n)
    sample = sample_of([1.0] * k + [0.0] * (n - k))
    wanted = beta.ppf(alpha, k, n - k + 1) if k else 0.0
    assert worst_row_lower(sample, alpha) == pytest.approx(wanted, abs=2e-6)


def test_it_is_the_quantile_of_the_randomly_weighted_mean() -> None:
    rng = np.random.default_rng(3)
    values = rng.beta(6, 1, size=60)
    weights = rng.dirichlet(np.ones(61), size=200_000)
    means = weights @ np.append(values, 0.0)
    assert worst_row_lower(sample_of(values), 0.05) == pytest.approx(np.quantile(means, 0.05), abs=3e-4)


@settings(max_examples=60)
@given(st.lists(st.floats(0, 1), min_size=3, max_size=60), alphas)
def test_it_is_no_wider_than_the_exact_bound_and_never_above_the_value(
    values: list[float], alpha: float
) -> None:
    sample = sample_of(values)
    low = worst_row_lower(sample, alpha)
    assert exact_lower(sample, alpha) <= low + 1e-5
    assert low <= (sample.value or 0.0)


def test_the_chance_at_the_bound_is_alpha() -> None:
    sample = sample_of([1.0, 0.9, 0.7, 0.8, 1.0, 0.4, 0.95] * 9)
    low = worst_row_lower(sample, 0.05)
    assert worst_row_chance(sample, low) == pytest.approx(0.05, rel=1e-4)
    assert worst_row_chance(sample, 0.0) == 0.0
    assert worst_row_chance(sample, 1.0) == 1.0


def test_more_copies_of_the_same_rows_come_closer_to_the_value() -> None:
    sample = sample_of([1.0, 0.5, 0.9, 0.0] * 5)
    lows = [worst_row_lower(sample, 0.05, copies) for copies in (1, 4, 16)]
    assert lows == sorted(lows)
    assert worst_row_lower(sample, 0.05, 4) == pytest.approx(
        worst_row_lower(sample_of([1.0, 0.5, 0.9, 0.0] * 20), 0.05), abs=1e-6
    )


def test_without_rows_or_without_any_success_it_is_the_floor() -> None:
    assert worst_row_lower(sample_of([]), 0.05) == 0.0
    assert worst_row_lower(sample_of([0.0, 0.0]), 0.05) == 0.0
