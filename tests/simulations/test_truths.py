"""The gating bound of one score, on a grid of truths from .5 to .99, shapes of scores and rows.

One-sided error of both bounds, and the chance of showing that a truth is above a threshold 5 points
below it (power). The short form takes the cells that are hardest; the long form (`-m full`) all.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pytest

from evals.stats.bounds import bounds
from tests.simulations.rates import (
    ALPHAS,
    DOCUMENT,
    EDGE,
    allowed,
    first_bounds,
    percent,
    reached,
    read,
    samples_of,
    tell,
)
from tests.simulations.shapes import SHAPES, SIZES, TRUTHS

SEED = 23
GAP = 0.05


@dataclass(frozen=True)
class Cell:
    """Error rates of the lower and the upper bound at each of ALPHAS, and the power at the first."""

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    power: float


def cell(shape: str, truth: float, n: int, runs: int) -> Cell:
    rng = np.random.default_rng([SEED, list(SHAPES).index(shape), round(1000 * truth), n])
    samples = samples_of(*SHAPES[shape](rng, truth, (runs, n)))
    firsts = first_bounds(samples, ALPHAS)
    lower = [reached(samples, f, truth + EDGE, a).mean() for f, a in zip(firsts, ALPHAS, strict=True)]
    power = reached(samples, firsts[0], truth - GAP, ALPHAS[0]).mean()
    mirrors = [sample.mirror for sample in samples]
    turned = first_bounds(mirrors, ALPHAS)
    upper = [reached(mirrors, f, EDGE - truth, a).mean() for f, a in zip(turned, ALPHAS, strict=True)]
    return Cell(tuple(lower), tuple(upper), float(power))


HARD = [
    ("right or wrong", 0.95, 100),
    ("three levels", 0.98, 50),
    ("bell", 0.99, 30),
    ("spread out", 0.9, 50),
    ("spread out", 0.98, 300),
    ("right or partly", 0.8, 30),
    ("rare zero", 0.98, 100),
    ("documents, pooled", 0.85, 50),
    ("documents, pooled", 0.99, 300),
]


@pytest.mark.parametrize(("shape", "truth", "n"), HARD)
def test_both_bounds_err_no_more_than_they_say_where_it_is_hardest(shape: str, truth: float, n: int) -> None:
    runs = 300
    found = cell(shape, truth, n, runs)
    for side in (found.lower, found.upper):
        assert all(rate <= allowed(alpha, runs) for rate, alpha in zip(side, ALPHAS, strict=True))


@pytest.mark.full
@pytest.mark.parametrize(("shape", "truth", "n"), list(itertools.product(SHAPES, TRUTHS, SIZES)))
def test_both_bounds_err_no_more_than_they_say_on_the_grid(shape: str, truth: float, n: int) -> None:
    runs = 1000
    found = cell(shape, truth, n, runs)
    for side in (found.lower, found.upper):
        assert all(rate <= allowed(alpha, runs) for rate, alpha in zip(side, ALPHAS, strict=True))


@pytest.mark.parametrize("shape", SHAPES)
def test_reaching_a_threshold_is_what_the_bound_says(shape: str) -> None:
    rng = np.random.default_rng(3)
    samples = samples_of(*SHAPES[shape](rng, 0.9, (3, 60)))
    firsts = first_bounds(samples, [0.05])[0]
    for sample, first in zip(samples, firsts, strict=True):
        low = bounds(sample, 0.05)[0]
        for threshold in (low - 1e-5, low + 1e-5):
            assert reached([sample], np.array([first]), threshold, 0.05)[0] == (low >= threshold)


def test_more_rows_show_more() -> None:
    powers = [cell("three levels", 0.9, n, 200).power for n in SIZES]
    assert powers == sorted(powers)
    assert powers[-1] > 0.85


def tables(runs: int) -> dict[str, str]:
    """Errors of the lower bound at each truth, and of the upper at its worst; power."""
    head = " | ".join(f"{truth:g}" for truth in TRUTHS)
    rule = "|---" * (3 + len(TRUTHS)) + "|"
    errors = [f"{runs} samples a cell; errors in % at a nominal 5 %, by the true mean.", ""]
    errors += [f"| scores | n | {head} | upper bound, worst truth |", rule]
    powers = [f"{runs} samples a cell; power in % at a one-sided 5 %, by the true mean.", ""]
    powers += [f"| scores | n | {head} |", rule[:-4]]
    for shape, n in itertools.product(SHAPES, SIZES):
        cells = [cell(shape, truth, n, runs) for truth in TRUTHS]
        shown = " | ".join(percent(c.lower[0]) for c in cells)
        errors.append(tell(f"| {shape} | {n} | {shown} | {percent(max(c.upper[0] for c in cells))} |"))
        powers.append(f"| {shape} | {n} | {' | '.join(f'{100 * c.power:.0f}' for c in cells)} |")
    return {"truths": "\n".join(errors), "power": "\n".join(powers)}


def test_the_documented_errors_cover_the_grid_and_stay_within_the_nominal_ones() -> None:
    (first,), *lines = read(DOCUMENT, "truths")
    runs = int(first.split()[0])
    assert {(line[0], int(line[1])) for line in lines} == set(itertools.product(SHAPES, SIZES))
    for line in lines:
        assert all(float(rate) / 100 <= allowed(0.05, runs) + 5e-4 for rate in line[2:]), line
