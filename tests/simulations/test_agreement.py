"""A judge whose true agreement only equals the limit is seldom admitted."""

from __future__ import annotations

import numpy as np
import pytest

from evals.stats.agreement import kappa, kappa_lower
from evals.stats.draws import Array

ALPHA, RUNS = 0.05, 400
TWO_ERRORS = 2 * (ALPHA * (1 - ALPHA) / RUNS) ** 0.5


def two_grades(share: float, agreement: float) -> Array:
    """Shares of a table with this kappa, where both raters give the first grade to `share` of rows."""
    apart = share * (1 - share) * (1 - agreement)
    return np.array([[share - apart, apart], [apart, 1 - share - apart]])


def five_grades(agreement: float) -> Array:
    margin = np.array([0.1, 0.15, 0.25, 0.3, 0.2])
    return agreement * np.diag(margin) + (1 - agreement) * np.outer(margin, margin)


@pytest.mark.parametrize("n", [30, 100, 300])
@pytest.mark.parametrize(
    "truth",
    [
        two_grades(0.5, 0.6),
        two_grades(0.8, 0.6),
        two_grades(0.9, 0.6),
        two_grades(0.8, 0.8),
        five_grades(0.6),
    ],
    ids=["even .6", "8:2 .6", "9:1 .6", "8:2 .8", "five grades .6"],
)
def test_the_bound_reaches_the_truth_no_more_often_than_its_error(truth: Array, n: int) -> None:
    rng, value = np.random.default_rng(n), float(kappa(truth))
    reached = 0
    for run in range(RUNS):
        table = rng.multinomial(n, truth.ravel()).reshape(truth.shape).astype(float)
        reached += kappa_lower(table, ALPHA, seed=run) >= value
    assert reached / RUNS <= ALPHA + TWO_ERRORS
