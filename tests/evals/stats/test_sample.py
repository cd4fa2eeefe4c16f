"""What counts as one unit of evidence."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.stats.sample import sample_of

scores = st.lists(st.floats(0, 1), min_size=1, max_size=40)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1.01, -0.2])
def test_a_score_that_is_no_share_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="score is"):
        sample_of([0.5, bad])


def test_a_numerator_above_its_denominator_is_refused() -> None:
    with pytest.raises(ValueError, match="outside"):
        sample_of([(3.0, 2.0)])


def test_a_group_for_each_row_is_required() -> None:
    with pytest.raises(ValueError, match="2 values but 1 groups"):
        sample_of([0.0, 1.0], ["a"])


@given(scores, st.integers(1, 5))
def test_groups_change_the_units_and_never_the_value(values: list[float], size: int) -> None:
    plain = sample_of(values)
    grouped = sample_of(values, [place // size for place in range(len(values))])
    assert grouped.value == pytest.approx(plain.value)
    assert grouped.n == len(values)
    assert grouped.clusters == math.ceil(len(values) / size)


def test_a_pooled_value_is_a_ratio_of_sums() -> None:
    assert sample_of([(1.0, 1.0), (1.0, 9.0)]).value == pytest.approx(0.2)


def test_pairs_without_a_denominator_are_left_out() -> None:
    sample = sample_of([(0.0, 0.0), (1.0, 2.0)], ["a", "b"])
    assert (sample.value, sample.n, sample.clusters) == (0.5, 1, 1)


def test_equal_denominators_make_pairs_as_good_as_rows() -> None:
    assert sample_of([(5.0, 5.0), (0.0, 5.0)]).binary
    assert not sample_of([(5.0, 5.0), (0.0, 4.0)]).binary
    assert not sample_of([1.0, 0.0, 1.0], ["a", "a", "b"]).binary


def test_effective_units_are_all_of_them_when_they_weigh_the_same() -> None:
    assert sample_of([0.3, 0.4, 0.5]).effective == pytest.approx(3)
    assert sample_of([(1.0, 1.0), (1.0, 100.0)]).effective < 1.03


def test_differing_counts_what_is_not_the_commonest() -> None:
    assert sample_of([1, 1, 1, 0.5, 0]).differing == 2
    assert sample_of([]).differing == 0


def test_no_rows_have_no_value() -> None:
    assert sample_of([]).value is None
