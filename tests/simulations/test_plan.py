"""The chance that `wb plan` states against the chance there is, of right or wrong and of graded scores.

The gate itself is simulated: samples of a known law, and the share in which its lower bound reaches the
threshold at the error of a look. Scores other than right or wrong are planned as after an earlier run.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from evals.stats.sample import Sample
from evals.types import Example, Prediction, Row
from tests.simulations import test_pairs
from tests.simulations.rates import DOCUMENT, first_bounds, percent, reached, read, samples_of, tell
from tests.simulations.shapes import SHAPES, SIZES
from workbench.comparison.policy import MARGIN
from workbench.plan import DISAGREE, _equal_passes, _power

SEED, ALPHA = 37, 0.0125
ASKED = ((0.7, 0.8), (0.8, 0.9), (0.9, 0.95), (0.95, 0.98))
"""Threshold and true value."""
WITHIN = 0.05
SEEN, FEW, RUNS_OF_FEW = 2000, 100, 20


def earlier(shape: str, truth: float, rows: int, seed: int = 0) -> Sample | None:
    """What an earlier run shows of the scores; nothing of right or wrong ones."""
    if shape == "right or wrong":
        return None
    rng = np.random.default_rng([SEED, seed, rows, round(1000 * truth)])
    (num,), (den,) = SHAPES[shape](rng, truth, (1, rows))
    return Sample(num, den, rows)


def stated(before: Sample | None, threshold: float, truth: float, n: int) -> float:
    """What `wb plan` says of n test rows."""
    rows = [Row(Example(str(i), "", ""), Prediction(str(i), "", "stop"), {}, None) for i in range(n)]
    return _power(threshold, ALPHA, rows, before, True).chance(truth, n)


def measured(shape: str, threshold: float, truth: float, n: int, runs: int) -> float:
    """How often the gate shows it."""
    rng = np.random.default_rng([SEED, list(SHAPES).index(shape), round(1000 * truth), n])
    samples = samples_of(*SHAPES[shape](rng, truth, (runs, n)))
    return float(reached(samples, first_bounds(samples, [ALPHA])[0], threshold, ALPHA).mean())


def monte_carlo(share: float, runs: int) -> float:
    """The standard error of a share of so many samples, as if one of them were otherwise at the least."""
    inside = min(max(share, 1 / runs), 1 - 1 / runs)
    return math.sqrt(inside * (1 - inside) / runs)


HARD = [
    ("right or wrong", 0.8, 0.9, 100),
    ("three levels", 0.8, 0.9, 50),
    ("bell", 0.7, 0.8, 30),
    ("spread out", 0.9, 0.95, 100),
    ("right or partly", 0.9, 0.95, 100),
    ("rare zero", 0.8, 0.9, 50),
    ("documents, pooled", 0.7, 0.8, 50),
]


@pytest.mark.parametrize(("shape", "threshold", "truth", "n"), HARD)
def test_the_stated_chance_is_the_chance_there_is_where_it_is_hardest(
    shape: str, threshold: float, truth: float, n: int
) -> None:
    runs = 400
    found = measured(shape, threshold, truth, n, runs)
    said = stated(earlier(shape, truth, SEEN), threshold, truth, n)
    assert said == pytest.approx(found, abs=WITHIN + 2 * monte_carlo(found, runs))


@pytest.mark.full
@pytest.mark.parametrize(("shape", "asked", "n"), list(itertools.product(SHAPES, ASKED, SIZES)))
def test_the_stated_chance_is_the_chance_there_is_on_the_grid(
    shape: str, asked: tuple[float, float], n: int
) -> None:
    runs = 1000
    found = measured(shape, *asked, n, runs)
    said = stated(earlier(shape, asked[1], SEEN), *asked, n)
    assert said == pytest.approx(found, abs=WITHIN + 2 * monte_carlo(found, runs))


def test_an_equal_approach_passes_the_gate_as_often_as_stated() -> None:
    for n in SIZES:
        found = test_pairs.binary_errors(DISAGREE, MARGIN, n, 2000, 0.0)["gate"]
        assert _equal_passes(n, test_pairs.ALPHA) == pytest.approx(
            found, abs=WITHIN + 2 * monte_carlo(found, 2000)
        )


def tables(runs: int) -> dict[str, str]:
    """Stated and measured chances, the largest Monte Carlo error of a line, and what few rows would state."""
    heads = " | ".join(f"{truth:g} against {threshold:g}" for threshold, truth in ASKED)
    lines = [
        f"{runs} samples a cell; stated / measured chance in %, at a one-sided {100 * ALPHA:g} %.",
        "",
        f"| scores | n | {heads} | Monte Carlo error | from 100 rows |",
        "|---" * (4 + len(ASKED)) + "|",
    ]
    for shape, n in itertools.product(SHAPES, SIZES):
        cells, errors = [], []
        for threshold, truth in ASKED:
            found = measured(shape, threshold, truth, n, runs)
            said = stated(earlier(shape, truth, SEEN), threshold, truth, n)
            cells.append(f"{percent(said)} / {percent(found)}")
            errors.append(monte_carlo(found, runs))
        lines.append(
            tell(f"| {shape} | {n} | {' | '.join(cells)} | {percent(max(errors))} | {_few(shape, n)} |")
        )
    gate = [
        f"{runs} samples a cell; in %, at a one-sided 5 %.",
        "",
        "| n | stated | measured |",
        "|---|---|---|",
    ]
    for n in SIZES:
        found = test_pairs.binary_errors(DISAGREE, MARGIN, n, runs, 0.0)["gate"]
        gate.append(f"| {n} | {percent(_equal_passes(n, test_pairs.ALPHA))} | {percent(found)} |")
    return {"plan": "\n".join(lines), "planned gate": "\n".join(gate)}


def _few(shape: str, n: int) -> str:
    if shape == "right or wrong":
        return "the same"
    said = [stated(earlier(shape, 0.9, FEW, seed), 0.8, 0.9, n) for seed in range(RUNS_OF_FEW)]
    low, high = np.quantile(said, [0.05, 0.95])
    return f"{100 * low:.0f} to {100 * high:.0f}"


def test_the_documented_chances_cover_the_grid_and_lie_within_five_points_of_each_other() -> None:
    _, *lines = read(DOCUMENT, "plan")
    assert [(line[0], int(line[1])) for line in lines] == list(itertools.product(SHAPES, SIZES))
    for line in lines:
        for cell in line[2 : 2 + len(ASKED)]:
            said, found = (float(part) / 100 for part in cell.split(" / "))
            assert abs(said - found) <= WITHIN + 1e-9, line
    _, *lines = read(DOCUMENT, "planned gate")
    assert [int(line[0]) for line in lines] == list(SIZES)
    for _, said_so, found_so in lines:
        assert abs(float(said_so) - float(found_so)) <= 100 * WITHIN
