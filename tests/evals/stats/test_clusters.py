"""How alike rows of a group are, and what they are worth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import f_oneway

from evals.stats.bounds import bounds, clopper_pearson, exact_lower
from evals.stats.clusters import design, effective_units, robust_variance
from evals.stats.sample import sample_of
from evals.stats.worst_row import worst_row_lower

# Six people rated by four judges: Shrout and Fleiss, Psychological Bulletin 86 (1979), table 2.
RATINGS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def grouped(size: int, groups: int) -> list[int]:
    return [place // size for place in range(size * groups)]


def test_the_correlation_is_that_of_a_published_table() -> None:
    found = design([rating for person in RATINGS for rating in person], grouped(4, 6))
    assert found.icc == pytest.approx(0.17, abs=0.005)
    assert (found.rows, found.clusters, found.size) == (24, 6, 4)


def test_the_correlation_follows_from_the_analysis_of_variance() -> None:
    rng = np.random.default_rng(0)
    parts = [rng.random(5) * 0.5 + 0.5 * luck for luck in rng.random(30)]
    ratio = f_oneway(*parts).statistic
    found = design(np.concatenate(parts), grouped(5, 30))
    assert found.icc == pytest.approx((ratio - 1) / (ratio + 4))


def test_groups_that_are_all_alike_are_worth_a_row_each() -> None:
    found = design([0.0] * 4 + [1.0] * 8, grouped(4, 3))
    assert found.icc == pytest.approx(1)
    assert found.effective == pytest.approx(3)


def test_groups_that_are_no_more_alike_than_others_are_worth_their_rows() -> None:
    found = design([0.0, 1.0] * 20, grouped(2, 20))
    assert found.icc == 0
    assert found.effective == 40


@pytest.mark.parametrize(
    ("values", "groups"), [([], []), ([0.5], ["a"]), ([0.5, 0.5, 0.5], "aab"), ([0, 1], "ab")]
)
def test_a_correlation_that_cannot_be_seen_counts_as_whole(values: list[float], groups: list[str]) -> None:
    found = design(values, list(groups))
    assert found.icc is None
    assert found.effect == pytest.approx(found.size)


def test_bad_scores_and_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="groups"):
        design([0.5, 0.5], ["a"])
    with pytest.raises(ValueError, match="NaN"):
        design([float("nan"), 0.5], ["a", "a"])


@settings(max_examples=60)
@given(st.lists(st.floats(0, 1), min_size=4, max_size=80), st.integers(2, 6), st.sampled_from([0.05, 0.0125]))
def test_a_sample_is_worth_its_groups_at_least_and_its_rows_at_most(
    values: list[float], size: int, alpha: float
) -> None:
    sample = sample_of(values, [place // size for place in range(len(values))])
    found = effective_units(sample, alpha)
    assert sample.effective - 1e-9 <= found <= sample.n + 1e-9


def test_rows_without_groups_are_worth_what_they_are() -> None:
    assert effective_units(sample_of([0.2, 0.9, 1.0]), 0.05) == pytest.approx(3)


def test_the_effective_number_gives_the_variance_that_was_seen() -> None:
    rng = np.random.default_rng(3)
    sample = sample_of((rng.random(400) < 0.8).astype(float), grouped(4, 100))
    value = sample.value or 0.0
    assert robust_variance(sample) == pytest.approx(np.var(sample.num / 4, ddof=1) / 100)
    assert value * (1 - value) / effective_units(sample, 0.05) >= robust_variance(sample)
    with pytest.raises(ValueError, match="two units"):
        robust_variance(sample_of([0.5]))


def test_groups_of_little_likeness_show_more_than_a_row_each() -> None:
    values = [1.0, 1.0, 1.0, 0.0, 1.0] * 30
    sample = sample_of(values, grouped(5, 30))
    assert exact_lower(sample, 0.05) > clopper_pearson(24, 30, 0.05)


def test_groups_that_are_all_right_show_no_more_than_a_row_each() -> None:
    sample = sample_of([1.0] * 100, grouped(5, 20))
    assert bounds(sample, 0.05)[0] == pytest.approx(0.05 ** (1 / 20), abs=1e-5)
    assert bounds(sample, 0.05)[0] == pytest.approx(worst_row_lower(sample, 0.05))


def test_repeats_that_always_agree_are_bounded_as_one_row() -> None:
    once = [1.0] * 25 + [0.0] * 5
    again = [score for score in once for _ in range(3)]
    assert bounds(again, 0.05, grouped(3, 30))[0] == pytest.approx(bounds(once, 0.05)[0], abs=1e-5)
