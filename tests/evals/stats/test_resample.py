"""BCa against scipy's, and where it is not defined."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap

from evals.stats.resample import bca_lower
from evals.stats.sample import sample_of


def test_it_agrees_with_scipy_but_for_the_draws() -> None:
    values = np.random.default_rng(5).beta(4, 1, size=120)
    ours = bca_lower(sample_of(values), 0.05)
    rng = np.random.default_rng(1)
    theirs = bootstrap((values,), np.mean, confidence_level=0.9, method="BCa", rng=rng)
    assert ours == pytest.approx(theirs.confidence_interval.low, abs=0.004)


def test_it_agrees_with_scipy_on_ratios_of_sums() -> None:
    rng = np.random.default_rng(6)
    den = rng.integers(1, 12, size=90).astype(float)
    num = rng.binomial(den.astype(int), 0.8).astype(float)
    ours = bca_lower(sample_of(np.column_stack([num, den])), 0.05)
    theirs = bootstrap(
        (num, den),
        lambda a, b, axis: a.sum(axis) / b.sum(axis),
        paired=True,
        confidence_level=0.9,
        method="BCa",
        rng=np.random.default_rng(1),
    )
    assert ours == pytest.approx(theirs.confidence_interval.low, abs=0.006)


@pytest.mark.parametrize("values", [[], [0.5], [0.7] * 60])
def test_it_is_not_defined_without_spread(values: list[float]) -> None:
    assert bca_lower(sample_of(values), 0.05) is None


def test_equal_samples_have_equal_bounds() -> None:
    values = np.random.default_rng(7).random(70)
    assert bca_lower(sample_of(values), 0.05) == bca_lower(sample_of(list(values)), 0.05)
