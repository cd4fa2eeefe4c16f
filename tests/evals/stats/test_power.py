"""Row counts, checked against the figures that the rules of evidence name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.stats.bounds import bounds, clopper_pearson
from evals.stats.power import fewest_rows, most_failures, needed_rows, rows_to_settle
from evals.stats.sample import sample_of


@pytest.mark.parametrize(
    ("threshold", "failures", "rows"),
    [(0.98, 0, 217), (0.98, 1, 317), (0.95, 0, 86), (0.95, 1, 125), (0.95, 2, 160), (0.95, 4, 222)],
)
def test_rows_by_failures_are_exact(threshold: float, failures: int, rows: int) -> None:
    assert most_failures(rows, threshold, 0.0125) == failures
    before = most_failures(rows - 1, threshold, 0.0125)
    assert (-1 if before is None else before) == failures - 1


def test_the_fewest_rows_are_those_of_a_perfect_score() -> None:
    assert fewest_rows(0.98, 0.0125) == 217
    assert fewest_rows(0.95, 0.0125) == 86
    assert fewest_rows(0.05, 0.0125, "at_most") == 86


def test_what_no_number_of_rows_shows_is_said() -> None:
    assert fewest_rows(1.0, 0.05) is None
    assert fewest_rows(0.0, 0.05, "at_most") is None
    assert fewest_rows(0.0, 0.05) == 1
    assert most_failures(85, 0.95, 0.0125) is None
    assert most_failures(0, 0.5, 0.05) is None


@settings(max_examples=60)
@given(st.floats(0.3, 0.99), st.floats(0.005, 0.1), st.integers(1, 600))
def test_one_failure_more_than_the_most_is_too_many(threshold: float, alpha: float, n: int) -> None:
    most = most_failures(n, threshold, alpha)
    fewest = fewest_rows(threshold, alpha)
    assert fewest is not None
    assert (most is None) == (n < fewest)
    if most is not None:
        assert clopper_pearson(n - most, n, alpha) >= threshold
        assert clopper_pearson(n - most - 1, n, alpha) < threshold


def test_needed_rows_are_the_first_that_suffice() -> None:
    n = needed_rows(0.85, 0.80, 0.0125)
    assert n is not None
    assert clopper_pearson(0.85 * n, n, 0.0125) >= 0.80 > clopper_pearson(0.85 * (n - 1), n - 1, 0.0125)
    assert needed_rows(0.15, 0.20, 0.0125, "at_most") == pytest.approx(n, abs=1)


@pytest.mark.parametrize("value", [0.8, 0.7])
def test_a_value_that_does_not_beat_the_threshold_needs_what_no_rows_give(value: float) -> None:
    assert needed_rows(value, 0.8, 0.05) is None


def test_a_value_a_hair_above_the_threshold_is_given_up() -> None:
    assert needed_rows(0.8 + 1e-6, 0.8, 0.05) is None


def test_a_binary_sample_settles_as_the_formula_says() -> None:
    sample = sample_of([1.0] * 17 + [0.0] * 3)
    assert rows_to_settle(sample, 0.8, 0.05, "at_least") == needed_rows(0.85, 0.8, 0.05)


def test_scores_of_little_spread_settle_sooner_than_zeros_and_ones() -> None:
    graded = sample_of([0.8, 0.85, 0.9, 0.84, 0.86] * 20)
    rows = rows_to_settle(graded, 0.8, 0.0125, "at_least")
    assert rows is not None
    assert rows < (needed_rows(0.85, 0.8, 0.0125) or 0) / 2


def test_the_rows_asked_for_are_enough_when_they_come_with_the_same_mix() -> None:
    mix = [1.0, 0.9, 0.5, 1.0, 0.8, 0.7, 1.0, 0.95, 0.85, 1.0]
    rows = rows_to_settle(sample_of(mix * 6), 0.84, 0.0125, "at_least")
    assert rows is not None
    assert bounds(mix * (rows // 10 + 2), 0.0125)[0] >= 0.84


def test_groups_are_asked_for_until_there_are_twenty() -> None:
    sample = sample_of([1.0] * 40, [place // 4 for place in range(40)])
    assert (rows_to_settle(sample, 0.3, 0.05, "at_least") or 0) >= 80
    assert rows_to_settle(sample_of([]), 0.3, 0.05, "at_least") is None


def test_groups_settle_with_the_rows_that_are_asked_for() -> None:
    mix = [1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5] * 3
    groups = [place // 3 for place in range(len(mix))]
    rows = rows_to_settle(sample_of(mix, groups), 0.75, 0.05, "at_least")
    assert rows is not None
    more = -(-rows // len(mix)) + 1
    again = [(copy, group) for copy in range(more) for group in groups]
    assert bounds(mix * more, 0.05, again)[0] >= 0.75


def test_the_documented_rows_are_these() -> None:
    text = (Path(__file__).parents[3] / "docs" / "statistics.md").read_text(encoding="utf-8")
    for threshold in (0.98, 0.95):
        line = next(x for x in text.splitlines() if x.startswith(f"| at least {threshold} |"))
        rows = [int(cell) for cell in line.split("|")[2].split(",")]
        for n, failures in zip(rows, (0, 1, 2, 4), strict=True):
            assert most_failures(n, threshold, 0.0125) == failures
            assert (most_failures(n - 1, threshold, 0.0125) or 0) <= max(failures - 1, 0)
