"""Kappa as published, and a bound below it."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.inter_rater import cohens_kappa

from evals.stats.agreement import kappa, kappa_lower, table_of


def test_kappa_is_that_of_statsmodels_plain_and_with_quadratic_weights() -> None:
    rng = np.random.default_rng(3)
    for grades in (2, 3, 5):
        table = rng.integers(1, 30, size=(grades, grades)).astype(float)
        theirs = cohens_kappa(table, wt="quadratic" if grades > 2 else None).kappa
        assert float(kappa(table)) == pytest.approx(theirs)


def test_kappa_of_no_variety_shows_no_agreement() -> None:
    assert float(kappa(np.array([[0.0, 0.0], [0.0, 40.0]]))) == 0
    assert float(kappa(np.array([[20.0, 0.0], [0.0, 20.0]]))) == 1


def test_the_bound_lies_below_and_comes_nearer_with_rows() -> None:
    shape = np.array([[0.45, 0.05], [0.05, 0.45]])
    bounds = [kappa_lower(shape * n, 0.05) for n in (40, 100, 400)]
    assert bounds == sorted(bounds)
    assert bounds[-1] < 0.8 and bounds[0] < 0.65


def test_perfect_agreement_on_few_rows_is_not_certain() -> None:
    assert kappa_lower(np.diag([15.0, 15.0]), 0.05) < 0.95
    assert kappa_lower(np.zeros((2, 2)), 0.05) == -1


def test_rows_in_groups_count_as_their_groups() -> None:
    table = np.array([[45.0, 5.0], [5.0, 45.0]])
    assert kappa_lower(table, 0.05, units=20) < kappa_lower(table, 0.05, units=100)
    assert kappa_lower(table, 0.05, units=100) == kappa_lower(table, 0.05)


def test_a_table_counts_pairs_and_refuses_unknown_grades() -> None:
    assert table_of(["a", "a", "b"], ["a", "b", "b"], ["a", "b"]).tolist() == [[1, 1], [0, 1]]
    with pytest.raises(ValueError, match="is no grade of"):
        table_of(["a"], ["c"], ["a", "b"])
