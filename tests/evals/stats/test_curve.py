"""The forecast of a learning curve: the line, what is uncertain about it, and how often it holds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from evals.stats.curve import Subset, next_doubling

SIZES = (50, 50, 50, 100, 100, 200)
LEVEL = 0.9


def test_on_a_line_without_noise_the_gain_is_the_slope() -> None:
    found = next_doubling([Subset(n, [0.1 * np.log2(n / 50) + 0.2] * 20) for n in SIZES], LEVEL)
    assert found is not None
    assert found.score == pytest.approx(0.4)
    assert (found.value, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))


def test_a_gain_beyond_a_perfect_score_is_cut() -> None:
    found = next_doubling([Subset(n, [0.3 * np.log2(n / 50) + 0.35] * 20) for n in SIZES], LEVEL)
    assert found is not None
    assert found.value == found.high == pytest.approx(0.05)


def test_subsets_that_differ_widen_the_interval() -> None:
    rng = np.random.default_rng(1)
    hard = rng.random(80)
    alike = [Subset(n, list(hard)) for n in SIZES]
    shifts = (-0.1, 0.1, 0.0, -0.1, 0.1, 0.0)
    apart = [Subset(n, list(0.5 * hard + 0.25 + s)) for n, s in zip(SIZES, shifts, strict=True)]
    first, second = next_doubling(alike, LEVEL), next_doubling(apart, LEVEL)
    assert first is not None and second is not None
    assert first.high - first.low < 0.01 < 0.1 < second.high - second.low


def test_copies_of_eval_rows_in_a_group_tell_no_more_than_the_rows() -> None:
    rng = np.random.default_rng(2)
    scores = [rng.random(40) for _ in SIZES]
    plain = next_doubling([Subset(n, list(s)) for n, s in zip(SIZES, scores, strict=True)], LEVEL)
    copied = [Subset(n, list(np.repeat(s, 3))) for n, s in zip(SIZES, scores, strict=True)]
    grouped = next_doubling(copied, LEVEL, [i // 3 for i in range(120)])
    assert plain is not None and grouped is not None
    assert (grouped.low, grouped.high) == pytest.approx((plain.low, plain.high))


def test_where_nothing_can_be_said_nothing_is() -> None:
    once = [Subset(50, [0.5] * 20), Subset(100, [0.6] * 20)]
    assert next_doubling(once, LEVEL) is None
    assert next_doubling([Subset(50, [0.5] * 20)] * 3, LEVEL) is None
    assert next_doubling([Subset(n, [0.5] * 4) for n in SIZES], LEVEL) is None


LAWS = [
    (40, 0.0, 0.03, 0.0),
    (40, 0.06, 0.03, 0.3),
    (100, 0.03, 0.0, 0.5),
    (100, 0.0, 0.05, 0.0),
    (200, 0.05, 0.02, 0.3),
]
"""Eval rows, the true gain of a doubling, the spread of subsets, and how much harder rows differ."""


@pytest.mark.parametrize(("rows", "gain", "spread", "hard"), LAWS)
def test_the_interval_holds_the_true_gain_as_often_as_it_says(
    rows: int, gain: float, spread: float, hard: float
) -> None:
    """Right-or-wrong scores: each row has its own chance, each subset its own shift of all chances."""
    runs = 1500
    rng = np.random.default_rng([rows, round(1000 * gain), round(1000 * spread)])
    place = np.log2(np.array(SIZES) / SIZES[-1])
    held = helps = 0
    for _ in range(runs):
        base = 0.5 + 0.4 * hard * rng.choice([-1.0, 1.0], rows)
        chances = base + (gain * place + rng.normal(0, spread, len(SIZES)))[:, None]
        scores = (rng.random(chances.shape) < np.clip(chances, 0, 1)).astype(float)
        found = next_doubling([Subset(n, list(s)) for n, s in zip(SIZES, scores, strict=True)], LEVEL)
        assert found is not None
        held += found.low <= gain <= found.high
        helps += found.low > 0
    error = 2 * (LEVEL * (1 - LEVEL) / runs) ** 0.5
    assert held / runs >= LEVEL - 0.02 - error, held / runs
    if gain == 0:
        assert helps / runs <= (1 - LEVEL) / 2 + 0.01 + error


def test_the_logistic_law_is_near_a_line_over_the_range_that_is_used() -> None:
    """A score that rises along a logistic curve is no line: one doubling ahead the error stays small."""
    place = np.log2(np.array(SIZES) / SIZES[-1])
    scores = expit(logit(0.6) + 0.35 * place)
    found = next_doubling([Subset(n, [s] * 20) for n, s in zip(SIZES, scores, strict=True)], LEVEL)
    assert found is not None
    assert found.score + found.value == pytest.approx(expit(logit(0.6) + 0.35), abs=0.01)
