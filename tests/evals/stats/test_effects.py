"""Planned power against exact laws, other code and published figures."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from statsmodels.stats.power import TTestPower

from evals.stats.bounds import bounds, clopper_pearson
from evals.stats.effects import (
    Grouping,
    asymptotic_difference,
    chance_difference,
    chance_mean,
    chance_share,
    detectable_difference,
    detectable_mean,
    detectable_share,
    fewest_right,
    rows_for_difference,
    rows_for_mean,
    rows_for_quantile,
    rows_for_share,
)
from evals.stats.mcnemar import Discordant


@settings(max_examples=60)
@given(st.integers(1, 400), st.floats(0.3, 0.99), st.sampled_from([0.05, 0.0125]))
def test_the_fewest_right_are_those_with_which_the_exact_bound_reaches_it(
    n: int, threshold: float, alpha: float
) -> None:
    right = fewest_right(n, threshold, alpha)
    assert clopper_pearson(right - 1, n, alpha) < threshold + 1e-9
    if right <= n:
        assert clopper_pearson(right, n, alpha) >= threshold - 1e-9


def test_the_chance_of_showing_a_share_is_the_chance_of_enough_right_rows() -> None:
    shown = [clopper_pearson(k, 80, 0.05) >= 0.8 for k in range(81)]
    assert chance_share(0.9, 80, 0.8, 0.05) == pytest.approx(binom.pmf(range(81), 80, 0.9) @ shown)


def test_the_smallest_share_that_is_detected_is_detected_that_often() -> None:
    truth = detectable_share(150, 0.85, 0.0125)
    assert truth is not None
    assert chance_share(truth, 150, 0.85, 0.0125) == pytest.approx(0.8)
    assert detectable_share(216, 0.98, 0.0125) is None


def test_from_the_rows_asked_for_on_the_chance_is_never_too_small_again() -> None:
    n = rows_for_share(0.9, 0.85, 0.0125) or 0
    assert all(chance_share(0.9, more, 0.85, 0.0125) >= 0.8 for more in range(n, n + 200))
    assert chance_share(0.9, n - 1, 0.85, 0.0125) < 0.8
    assert rows_for_share(0.85, 0.85, 0.05) is None
    assert rows_for_share(0.8500001, 0.85, 0.05) is None
    assert rows_for_share(1.0, 0.01, 0.05) == 1


@pytest.mark.parametrize(("n", "points"), [(50, 17.3), (100, 12.4), (200, 8.8), (500, 5.6), (1000, 4.0)])
def test_the_asymptotic_difference_is_the_one_usually_quoted(n: int, points: float) -> None:
    assert 100 * asymptotic_difference(n, 0.2, 0.025) == pytest.approx(points, abs=0.051)


def test_five_points_take_626_rows_by_the_asymptotic_rule_and_some_more_by_the_exact_one() -> None:
    assert asymptotic_difference(625, 0.2, 0.025) > 0.05 > asymptotic_difference(626, 0.2, 0.025)
    assert 626 < (rows_for_difference(0.05, 0.2, 0.025) or 0) < 690
    assert rows_for_difference(0.0, 0.2, 0.025) is None


def test_the_documented_differences_are_these() -> None:
    text = (Path(__file__).parents[3] / "docs" / "statistics.md").read_text(encoding="utf-8")
    words = " ".join(text.split())
    sizes = (50, 100, 200, 500, 1000)
    for found in ([asymptotic_difference(n, 0.2, 0.025) for n in sizes], _exact_differences(sizes)):
        shown = [f"{100 * gain:.1f}" for gain in found]
        assert f"{', '.join(shown[:-1])} and {shown[-1]}" in words
    assert f"takes {rows_for_difference(0.05, 0.2, 0.025)} rows rather than 626" in words


def _exact_differences(sizes: tuple[int, ...]) -> list[float]:
    return [detectable_difference(n, 0.2, 0.025) or 0.0 for n in sizes]


def test_the_chance_of_showing_a_difference_is_that_of_the_exact_test() -> None:
    chances = (0.25, 0.1, 0.65)
    shown = 0.0
    for better in range(41):
        for worse in range(41 - better):
            if Discordant(better, worse, 40).exact_better <= 0.05:
                tail = binom.pmf(better, 40, chances[0]) * binom.pmf(
                    worse, 40 - better, chances[1] / (1 - chances[0])
                )
                shown += tail
    assert chance_difference(0.15, 0.35, 40, 0.05) == pytest.approx(shown)
    assert chance_difference(0.0, 0.0, 40, 0.05) == 0
    with pytest.raises(ValueError, match="disagreement"):
        chance_difference(0.3, 0.2, 40, 0.05)


def test_the_smallest_difference_that_is_detected_is_detected_that_often() -> None:
    gain = detectable_difference(200, 0.2, 0.025)
    assert gain is not None
    assert chance_difference(gain, 0.2, 200, 0.025) == pytest.approx(0.8, abs=1e-6)
    assert detectable_difference(20, 0.05, 0.0125) is None


def test_for_many_rows_the_chance_of_showing_a_mean_is_that_of_a_t_test() -> None:
    theirs = TTestPower().power(0.02 / 0.25, 2000, 0.025, alternative="larger")
    ours = chance_mean(0.82, 0.25, 2000, 0.8, 0.025)
    assert theirs - 0.05 < ours < theirs


def test_the_bound_that_is_planned_with_is_the_bound_that_gates() -> None:
    rng = np.random.default_rng(8)
    shown = [bounds(np.clip(rng.normal(0.8, 0.12, 120), 0, 1), 0.05)[0] >= 0.75 for _ in range(80)]
    assert chance_mean(0.8, 0.12, 120, 0.75, 0.05) == pytest.approx(np.mean(shown), abs=0.1)


def test_rows_and_detectable_means_answer_each_other() -> None:
    n = rows_for_mean(0.85, 0.2, 0.8, 0.0125) or 0
    assert chance_mean(0.85, 0.2, n, 0.8, 0.0125) >= 0.8 > chance_mean(0.85, 0.2, n - 1, 0.8, 0.0125)
    assert detectable_mean(0.2, n, 0.8, 0.0125) == pytest.approx(0.85, abs=2e-3)
    assert rows_for_mean(0.8, 0.2, 0.8, 0.05) is None
    assert detectable_mean(0.2, 5, 0.97, 0.05) is None
    assert chance_mean(0.9, 0.0, 100, 0.8, 0.05) == 1


def test_rows_in_groups_are_more_rows() -> None:
    alone = rows_for_mean(0.85, 0.2, 0.8, 0.0125) or 0
    grouped = rows_for_mean(0.85, 0.2, 0.8, 0.0125, grouping=Grouping(5, 0.3)) or 0
    assert grouped > alone * Grouping(5, 0.3).effect
    assert Grouping(5, 0.3).effect == pytest.approx(2.2)
    assert Grouping(5, 0.3, spread=0.5).effect == pytest.approx(1 + (5 * 1.25 - 1) * 0.3)


def test_nothing_is_shown_on_fewer_than_twenty_groups() -> None:
    four = Grouping(4, 0.1)
    assert chance_share(0.99, 19 * 4, 0.5, 0.05, four) == 0
    assert (rows_for_share(0.99, 0.5, 0.05, grouping=four) or 0) >= 80
    assert detectable_share(76, 0.5, 0.05, grouping=four) is None
    assert (detectable_share(400, 0.5, 0.05, grouping=four) or 1) < 0.65


def test_differences_in_groups_take_the_design_effect() -> None:
    alone, grouped = (
        rows_for_difference(0.1, 0.2, 0.025, grouping=g) or 0 for g in (Grouping(), Grouping(3, 0.5))
    )
    assert grouped == math.ceil(2 * alone)
    assert (detectable_difference(200, 0.2, 0.025, grouping=Grouping(3, 0.5)) or 0) == pytest.approx(
        detectable_difference(100, 0.2, 0.025) or 0
    )


@pytest.mark.parametrize("wrong", [{"size": 0.5}, {"icc": -0.1}, {"icc": 1.1}, {"spread": -1.0}])
def test_groups_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="no such groups"):
        Grouping(**wrong)


def test_the_largest_of_59_bounds_p95() -> None:
    assert rows_for_quantile(0.95, 0.05) == 59
    assert rows_for_quantile(0.5, 0.05) == 5
    with pytest.raises(ValueError, match="between 0 and 1"):
        rows_for_quantile(1.0, 0.05)
