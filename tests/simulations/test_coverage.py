"""How often an interval of 95 % holds the truth: BCa of rows, BCa of whole groups, order statistics.

BCa is no gate of its own (`test_truths`, `test_clusters`), but it is half of one and the interval of
amounts. It ought to cover 93 to 97 % from 100 rows, or 30 groups, on; where that is not so, near 1
and where rare bad rows or groups decide, the table says it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest

from evals.stats.bounds import quantile_interval
from evals.stats.resample import bca_lower
from evals.stats.sample import Sample
from tests.simulations.rates import DOCUMENT, percent, read, samples_of, sorted_draws, tell
from tests.simulations.shapes import GROUPS, SHAPES, SIZES, Groups

SEED = 53
LEVEL = 0.95
TRUTHS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98)
GRADED = [name for name in SHAPES if name != "right or wrong"]
CLUSTERS = (10, 20, 30, 50, 100)
SHARES = (0.5, 0.95, 0.99)


def coverage(samples: Sequence[Sample], truth: float) -> float:
    """How often BCa's interval holds the truth; where it is not defined it does not."""
    alpha, held = (1 - LEVEL) / 2, 0
    for sample, draws in zip(samples, sorted_draws(samples), strict=True):
        low = bca_lower(sample, alpha, draws)
        high = bca_lower(sample.mirror, alpha, -draws[::-1])
        held += low is not None and high is not None and low - 1e-12 <= truth <= -high + 1e-12
    return held / len(samples)


def rows(shape: str, truth: float, n: int, runs: int) -> float:
    rng = np.random.default_rng([SEED, GRADED.index(shape), round(1000 * truth), n])
    return coverage(samples_of(*SHAPES[shape](rng, truth, (runs, n))), truth)


def groups(kind: Groups, truth: float, clusters: int, runs: int) -> float:
    rng = np.random.default_rng([SEED, 99, GROUPS.index(kind), round(1000 * truth), clusters])
    num, den = kind.draw(rng, truth, (runs, clusters))
    return coverage(samples_of(num, den, den.sum(axis=1)), truth)


def quantiles(share: float, n: int, runs: int) -> tuple[float, float]:
    """How often the interval of a latency's quantile holds the true one (an end that is not there
    holds everything), and how often both ends are there."""
    rng = np.random.default_rng([SEED, round(100 * share), n])
    times = rng.lognormal(0, 0.5, (runs, n))
    truth = float(np.quantile(rng.lognormal(0, 0.5, 4_000_000), share))
    found = [quantile_interval(row, share, LEVEL) for row in times]
    held = [(f.low is None or f.low <= truth) and (f.high is None or truth <= f.high) for f in found]
    return float(np.mean(held)), float(np.mean([f.low is not None and f.high is not None for f in found]))


def within(rate: float, runs: int) -> bool:
    """Between 93 and 97 %, but for two Monte Carlo errors."""
    slack = 2 * (LEVEL * (1 - LEVEL) / runs) ** 0.5
    return 0.93 - slack <= rate <= 0.97 + slack


@pytest.mark.parametrize("shape", GRADED)
def test_bca_covers_as_it_says_from_a_hundred_rows(shape: str) -> None:
    assert within(rows(shape, 0.8, 100, 300), 300)


@pytest.mark.parametrize("kind", [g for g in GROUPS if g.icc < 1], ids=lambda kind: kind.name)
def test_bca_of_whole_groups_covers_as_it_says_from_thirty_groups(kind: Groups) -> None:
    assert within(groups(kind, 0.7, 30, 300), 300)


@pytest.mark.parametrize("share", SHARES)
def test_order_statistics_cover_at_least_as_often_as_they_say(share: float) -> None:
    held, _ = quantiles(share, 60, 300)
    assert held >= LEVEL - 2 * (LEVEL * (1 - LEVEL) / 300) ** 0.5


@pytest.mark.full
@pytest.mark.parametrize(("shape", "truth", "n"), list(itertools.product(GRADED, TRUTHS[:4], SIZES[2:])))
def test_bca_covers_as_it_says_on_the_grid(shape: str, truth: float, n: int) -> None:
    assert within(rows(shape, truth, n, 1000), 1000)


@pytest.mark.full
@pytest.mark.parametrize("kind", [g for g in GROUPS if g.icc < 1], ids=lambda kind: kind.name)
@pytest.mark.parametrize(("truth", "clusters"), list(itertools.product(TRUTHS[:3], CLUSTERS[2:])))
def test_bca_of_whole_groups_covers_as_it_says_on_the_grid(kind: Groups, truth: float, clusters: int) -> None:
    assert within(groups(kind, truth, clusters, 1000), 1000)


def tables(runs: int) -> dict[str, str]:
    """Coverage by truth, of rows and of groups; of quantiles by rows."""
    head = [
        f"{runs} samples a cell; coverage in % of BCa's interval of 95 %, by the true mean.",
        "",
        f"| scores | n | {' | '.join(f'{truth:g}' for truth in TRUTHS)} |",
        "|---" * (2 + len(TRUTHS)) + "|",
    ]
    lines = []
    for shape, n in itertools.product(GRADED, SIZES):
        lines.append(_line(shape, n, [rows(shape, truth, n, runs) for truth in TRUTHS]))
    for kind, clusters in itertools.product(GROUPS, CLUSTERS):
        lines.append(_line(kind.name, clusters, [groups(kind, truth, clusters, runs) for truth in TRUTHS]))
    order = [
        f"{runs} samples a cell; coverage in % of the interval of 95 %, and how often it has both ends.",
        "",
        "| n | p50 | p95 | p99 |",
        "|---|---|---|---|",
    ]
    for n in (30, 60, 100, 300):
        cells = [quantiles(share, n, runs) for share in SHARES]
        shown = " | ".join(f"{percent(held)} / {100 * both:.0f}" for held, both in cells)
        order.append(tell(f"| {n} | {shown} |"))
    return {"coverage": "\n".join([*head, *lines]), "quantiles": "\n".join(order)}


def _line(name: str, n: int, rates: Sequence[float]) -> str:
    return tell(f"| {name} | {n} | {' | '.join(percent(rate) for rate in rates)} |")


def test_the_documented_coverage_is_as_it_is_said_there() -> None:
    (first,), *lines = read(DOCUMENT, "coverage")
    runs = int(first.split()[0])
    shown = {(line[0], int(line[1])): [float(cell) / 100 for cell in line[2:]] for line in lines}
    assert shown.keys() == {*itertools.product(GRADED, SIZES)} | {
        (kind.name, clusters) for kind, clusters in itertools.product(GROUPS, CLUSTERS)
    }
    for shape, n in itertools.product(GRADED, SIZES[2:]):
        assert all(within(rate, runs) for rate in shown[shape, n][:4]), (shape, n)
    for kind, clusters in itertools.product((g for g in GROUPS if g.icc < 1), CLUSTERS[2:]):
        assert all(within(rate, runs) for rate in shown[kind.name, clusters][:3]), (kind.name, clusters)
