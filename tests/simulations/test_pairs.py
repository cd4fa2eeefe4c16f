"""Differences of two approaches on the same rows: which bounds hold at 0 and at a margin.

Right or wrong: the gating bound (one unseen worst row, which at 0 is McNemar's exact test), Tango's
score interval, the mid-p. Graded: the rule, BCa of the pairs alone, sign flips, the paired t. Groups:
the rule on whole groups, and on rows taken for independent. And the power that was planned.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pytest
from scipy.stats import norm, ttest_1samp

from evals.stats.bounds import suits_bca
from evals.stats.effects import chance_difference, chance_mean
from evals.stats.mcnemar import Discordant, score_statistic
from evals.stats.permutation import sign_flip
from evals.stats.resample import bca_lower
from evals.stats.sample import Sample, sample_of
from evals.stats.worst_row import worst_row_chance
from tests.simulations.rates import DOCUMENT, EDGE, allowed, percent, read, sorted_draws, tell

SEED = 41
ALPHA = 0.05
SIZES = (30, 50, 100, 300)
DISAGREE = (0.05, 0.1, 0.2, 0.4)
MARGINS = (0.0, 0.02, 0.05)


@lru_cache(maxsize=100_000)
def gate_chance(better: int, worse: int, n: int, threshold: float) -> float:
    """What the gating bound of right-or-wrong pairs says of a threshold; it reaches it at <= alpha."""
    changes = [1.0] * better + [-1.0] * worse + [0.0] * (n - better - worse)
    return worst_row_chance(sample_of(changes, floor=-1.0), threshold)


def binary_errors(
    disagree: float, margin: float, n: int, runs: int, gain: float | None = None
) -> dict[str, float]:
    """How often each calls the difference more than -margin when it is just that, or `gain`."""
    true = -margin if gain is None else gain
    chances = [(disagree + true) / 2, (disagree - true) / 2, 1 - disagree]
    rng = np.random.default_rng([SEED, round(1000 * disagree), round(1000 * margin), n])
    counts, times = np.unique(rng.multinomial(n, chances, size=runs)[:, :2], axis=0, return_counts=True)
    z, wrong = float(norm.isf(ALPHA)), {"gate": 0, "Tango": 0, "mid-p": 0}
    for (better, worse), often in zip(counts.tolist(), times.tolist(), strict=True):
        rows = Discordant(better, worse, n)
        wrong["gate"] += often * (gate_chance(better, worse, n, -margin) <= ALPHA)
        wrong["Tango"] += often * (score_statistic(rows, -margin) > z)
        wrong["mid-p"] += often * (better > worse and rows.mid_p <= 2 * ALPHA)
    return {name: count / runs for name, count in wrong.items()}


@dataclass(frozen=True)
class Graded:
    """Differences of mean 0 of graded scores: `draw(rng, size)` gives them in [-1, 1]."""

    name: str
    draw: Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def _small_and_even(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    return np.clip(rng.normal(0, 0.1, size), -1, 1)


def _rare_collapse(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """A little better on nearly every row, and all wrong on 3 % of them."""
    return np.where(rng.random(size) < 0.03, -1.0, rng.uniform(0, 0.06 / 0.97, size))


def _mostly_equal(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """The same score on four rows of five."""
    return np.where(rng.random(size) < 0.8, 0.0, rng.uniform(-0.8, 0.8, size))


def _skewed(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    return rng.beta(1, 4, size) - 0.2


GRADED = (
    Graded("small, even", _small_and_even),
    Graded("mostly equal", _mostly_equal),
    Graded("skewed", _skewed),
    Graded("rare collapse", _rare_collapse),
)


def graded_errors(shape: Graded, n: int, runs: int) -> dict[str, float]:
    """How often each calls the first better, when on the whole it is not."""
    rng = np.random.default_rng([SEED, GRADED.index(shape), n])
    changes = shape.draw(rng, (runs, n))
    samples = [Sample(row, np.ones(n), n, -1.0, 1.0) for row in changes]
    plain, safe = _bca(samples), np.array([worst_row_chance(s, EDGE) <= ALPHA for s in samples])
    suits = np.array([suits_bca(s) for s in samples])
    wrong = {
        "gate": safe & (plain | ~suits),
        "BCa": plain,
        "sign flips": np.array([sign_flip(row, flips=1000) for row in changes]) <= ALPHA,
        "paired t": np.asarray(ttest_1samp(changes, 0, axis=1, alternative="greater").pvalue) <= ALPHA,
    }
    return {name: float(found.mean()) for name, found in wrong.items()}


def _bca(samples: list[Sample]) -> np.ndarray:
    pairs = zip(samples, sorted_draws(samples), strict=True)
    return np.array([(bca_lower(s, ALPHA, d) or -1.0) > EDGE for s, d in pairs])


def grouped_alarms(groups: int, size: int, runs: int) -> dict[str, float]:
    """False alarms, to either side at 5 % together, when rows of a group share their difference."""
    rng = np.random.default_rng([SEED, groups, size])
    shared = rng.normal(0, 0.15, (runs, groups, 1)) + rng.normal(0, 0.05, (runs, groups, size))
    changes = np.clip(shared, -1, 1)
    whole = [
        Sample(row.sum(axis=1), np.full(groups, float(size)), groups * size, -1.0, 1.0) for row in changes
    ]
    rows = [Sample(row.ravel(), np.ones(groups * size), groups * size, -1.0, 1.0) for row in changes]
    alarms = {}
    for name, samples in (("groups", whole), ("rows", rows)):
        draws = sorted_draws(samples)
        low = [bca_lower(s, 0.025, d) or -1.0 for s, d in zip(samples, draws, strict=True)]
        turned = [s.mirror for s in samples]
        high = [bca_lower(s, 0.025, -d[::-1]) or -1.0 for s, d in zip(turned, draws, strict=True)]
        alarms[name] = float(np.mean((np.array(low) > 0) | (np.array(high) > 0)))
    safe = [worst_row_chance(s, EDGE) <= 0.025 or worst_row_chance(s.mirror, EDGE) <= 0.025 for s in whole]
    return {**alarms, "gate": float(np.mean(safe))}


@pytest.mark.parametrize(("disagree", "margin", "n"), [(0.05, 0.02, 100), (0.2, 0.05, 50), (0.1, 0.0, 300)])
def test_the_gating_bound_of_pairs_errs_no_more_than_it_says(disagree: float, margin: float, n: int) -> None:
    assert binary_errors(disagree, margin, n, 1500)["gate"] <= allowed(ALPHA, 1500)


def test_tangos_bound_errs_more_than_it_says_where_few_rows_disagree() -> None:
    found = binary_errors(0.02, 0.02, 140, 4000)
    assert found["Tango"] > allowed(ALPHA, 4000) - 0.002
    assert found["gate"] <= allowed(ALPHA, 4000)


@pytest.mark.parametrize("shape", GRADED, ids=lambda shape: shape.name)
def test_the_gating_bound_of_graded_pairs_errs_no_more_than_it_says(shape: Graded) -> None:
    assert graded_errors(shape, 50, 300)["gate"] <= allowed(ALPHA, 300)


def test_sign_flips_and_bca_alone_err_where_a_rare_collapse_was_not_drawn() -> None:
    found = graded_errors(GRADED[3], 50, 300)
    assert found["sign flips"] > 0.15
    assert found["BCa"] > 0.15


def test_rows_of_a_group_taken_for_independent_raise_false_alarms() -> None:
    found = grouped_alarms(30, 10, 200)
    assert found["rows"] > 0.3
    assert found["gate"] <= allowed(ALPHA, 200)


@pytest.mark.full
@pytest.mark.parametrize(("disagree", "margin", "n"), list(itertools.product(DISAGREE, MARGINS, SIZES)))
def test_the_gating_bound_of_pairs_holds_on_the_grid(disagree: float, margin: float, n: int) -> None:
    if margin <= disagree:
        assert binary_errors(disagree, margin, n, 4000)["gate"] <= allowed(ALPHA, 4000)


@pytest.mark.full
@pytest.mark.parametrize(("shape", "n"), list(itertools.product(GRADED, SIZES)))
def test_the_gating_bound_of_graded_pairs_holds_on_the_grid(shape: Graded, n: int) -> None:
    assert graded_errors(shape, n, 2000)["gate"] <= allowed(ALPHA, 2000)


@pytest.mark.parametrize(("gain", "disagree", "n"), [(0.17, 0.2, 50), (0.1, 0.2, 100), (0.05, 0.2, 300)])
def test_the_planned_power_of_a_paired_comparison_is_the_power_there_is(
    gain: float, disagree: float, n: int
) -> None:
    runs = 2000
    power = binary_errors(disagree, 0.0, n, runs, gain)["gate"]
    assert chance_difference(gain, disagree, n, ALPHA) == pytest.approx(power, abs=2 * 0.5 / runs**0.5)


@pytest.mark.parametrize(("margin", "n"), [(0.05, 100), (0.05, 300), (0.1, 50), (0.02, 300)])
def test_the_planned_power_against_a_margin_is_within_five_points(margin: float, n: int) -> None:
    runs, disagree = 2000, 0.1
    power = binary_errors(disagree, margin, n, runs, 0.0)["gate"]
    planned = chance_mean(0.0, disagree**0.5, n, -margin, ALPHA, floor=-1.0)
    assert planned == pytest.approx(power, abs=0.05 + 2 * 0.5 / runs**0.5)


def tables(runs: int) -> dict[str, str]:
    """Errors of what is said of a difference, right or wrong and graded."""
    pairs = [
        f"{runs} samples a cell; errors in % at a nominal 5 % of the gate / Tango's interval / the mid-p "
        "test (at 0 alone), when the first approach is worse by just the margin.",
        "",
        f"| rows that disagree | n | {' | '.join(f'margin {margin:g}' for margin in MARGINS)} |",
        "|---" * (2 + len(MARGINS)) + "|",
    ]
    for disagree, n in itertools.product(DISAGREE, SIZES):
        cells = []
        for margin in MARGINS:
            found = binary_errors(disagree, margin, n, runs)
            names = ("gate", "Tango", "mid-p") if margin == 0 else ("gate", "Tango")
            cells.append(" / ".join(percent(found[name]) for name in names))
        pairs.append(tell(f"| {disagree:.0%} | {n} | {' | '.join(cells)} |"))
    graded = [
        f"{runs} samples a cell; errors in % at a nominal 5 %.",
        "",
        "| differences | n | the gate | BCa | sign flips | paired t |",
        "|---" * 6 + "|",
    ]
    for shape, n in itertools.product(GRADED, SIZES):
        shown = " | ".join(percent(rate) for rate in graded_errors(shape, n, runs).values())
        graded.append(tell(f"| {shape.name} | {n} | {shown} |"))
    return {"pairs": "\n".join(pairs), "graded pairs": "\n".join(graded)}


def test_the_documented_errors_of_pairs_stay_within_the_nominal_ones() -> None:
    (first,), *lines = read(DOCUMENT, "pairs")
    runs = int(first.split()[0])
    assert len(lines) == len(DISAGREE) * len(SIZES)
    for line in lines:
        for cell in line[2:]:
            assert float(cell.split(" / ")[0]) / 100 <= allowed(ALPHA, runs) + 5e-4, line
    (first,), *lines = read(DOCUMENT, "graded pairs")
    assert [(line[0], int(line[1])) for line in lines] == [
        (shape.name, n) for shape, n in itertools.product(GRADED, SIZES)
    ]
    assert all(float(line[2]) / 100 <= allowed(ALPHA, int(first.split()[0])) + 5e-4 for line in lines)
