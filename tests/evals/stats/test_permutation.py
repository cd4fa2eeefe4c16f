"""Sign flips against scipy, and where they say nothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import permutation_test

from evals.stats.permutation import sign_flip, sign_flip_two_sided


def theirs(changes: np.ndarray, alternative: str) -> float:
    found = permutation_test(
        (changes,),
        np.mean,
        permutation_type="samples",
        alternative=alternative,
        n_resamples=20_000,
        rng=np.random.default_rng(0),
    )
    return float(found.pvalue)


def test_few_differences_are_flipped_in_every_way() -> None:
    changes = np.random.default_rng(1).normal(0.05, 0.1, 11)
    assert sign_flip(changes) == pytest.approx(theirs(changes, "greater"))
    assert sign_flip_two_sided(changes) == pytest.approx(theirs(changes, "two-sided"))


def test_many_differences_are_flipped_often_enough() -> None:
    changes = np.random.default_rng(2).normal(0.015, 0.1, 120)
    assert sign_flip(changes) == pytest.approx(theirs(changes, "greater"), abs=0.01)
    assert sign_flip(changes) == sign_flip(changes)


def test_whole_groups_flip_together() -> None:
    changes = np.repeat([0.1, 0.2, -0.05, 0.1], 10)
    groups = [place // 10 for place in range(40)]
    assert sign_flip(changes, groups) == pytest.approx(sign_flip([0.1, 0.2, -0.05, 0.1]))
    assert sign_flip(changes, groups) > 10 * sign_flip(changes)


def test_a_margin_shifts_what_is_tested() -> None:
    changes = np.random.default_rng(3).normal(0.0, 0.1, 60)
    assert sign_flip(changes, shift=-0.05) < 0.01 < 0.9 < sign_flip(changes, shift=0.05)


def test_no_difference_shows_nothing() -> None:
    assert sign_flip([0.0] * 30) == 1
    assert sign_flip([]) == 1
    with pytest.raises(ValueError, match="NaN"):
        sign_flip([float("inf")])
