"""How often each gating bound is wrong, by simulation.

Scores are drawn with a mean known exactly; a lower bound above it is an error, and a requirement at
that very threshold would have been *met* by mistake. The rate must not exceed the nominal one by
more than two Monte Carlo errors. The short form runs the cells where bounds are known to break; the
long form (`-m full`) the whole grid.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from evals.stats.bounds import bounds, exact_lower, suits_bca
from evals.stats.resample import bca_lower
from evals.stats.sample import Sample, sample_of
from tests.simulations.rates import ALPHAS, DOCUMENT, allowed, percent, read, tell

Draw = Callable[[np.random.Generator, int], np.ndarray]
SIZES = (30, 50, 100, 300)
SEED = 11


def _choice(values: Sequence[float], chances: Sequence[float]) -> tuple[Draw, float]:
    def draw(rng: np.random.Generator, n: int) -> np.ndarray:
        return rng.choice(values, size=n, p=chances)

    return draw, float(np.dot(values, chances))


def _beta(a: float, b: float) -> tuple[Draw, float]:
    return lambda rng, n: rng.beta(a, b, size=n), a / (a + b)


def _rare_zero(chance: float) -> tuple[Draw, float]:
    """Nearly right, each row a little differently; now and then all wrong."""

    def draw(rng: np.random.Generator, n: int) -> np.ndarray:
        return np.where(rng.random(n) < chance, 0.0, rng.uniform(0.97, 1.0, size=n))

    return draw, (1 - chance) * 0.985


def _partials() -> tuple[Draw, float]:
    """A half right, a tenth wrong, the others partly right."""

    def draw(rng: np.random.Generator, n: int) -> np.ndarray:
        kind = rng.random(n)
        return np.where(kind < 0.5, 1.0, np.where(kind < 0.6, 0.0, rng.random(n)))

    return draw, 0.5 + 0.4 * 0.5


def _pooled() -> tuple[Draw, float]:
    """Documents of 1 to 20 items; in long ones more is wrong."""
    sizes = np.arange(1, 21)
    right = 0.98 - 0.01 * sizes

    def draw(rng: np.random.Generator, n: int) -> np.ndarray:
        index = rng.integers(0, len(sizes), size=n)
        return np.column_stack([rng.binomial(sizes[index], right[index]), sizes[index]]).astype(float)

    return draw, float((sizes * right).sum() / sizes.sum())


def _clusters() -> tuple[Draw, float]:
    """Groups of 1 to 8 rows; a group is mostly all right or all wrong. n is the number of groups."""

    def draw(rng: np.random.Generator, n: int) -> np.ndarray:
        sizes = rng.integers(1, 9, size=n)
        share = rng.beta(4.5, 0.5, size=n)
        return np.column_stack([rng.binomial(sizes, share), sizes]).astype(float)

    return draw, 0.9


SHAPES: dict[str, tuple[Draw, float]] = {
    "0/1 at .80": _choice([0, 1], [0.2, 0.8]),
    "0/1 at .95": _choice([0, 1], [0.05, 0.95]),
    "three levels": _choice([0, 0.5, 1], [0.1, 0.2, 0.7]),
    "five levels near 1": _choice([0, 0.25, 0.5, 0.75, 1], [0.01, 0.01, 0.03, 0.15, 0.8]),
    "beta(8, 2)": _beta(8, 2),
    "beta(4, .2), near 1": _beta(4, 0.2),
    "right, wrong, partly": _partials(),
    "rare zero, 2 %": _rare_zero(0.02),
    "rare zero, 5 %": _rare_zero(0.05),
    "pooled documents": _pooled(),
    "groups of 1 to 8": _clusters(),
}


def draws(shape: str, n: int, runs: int) -> list[Sample]:
    """`runs` samples of n units."""
    draw, _ = SHAPES[shape]
    rng = np.random.default_rng([SEED, list(SHAPES).index(shape), n])
    return [sample_of(draw(rng, n)) for _ in range(runs)]


def error_rates(shape: str, n: int, runs: int, upper: bool = False) -> dict[str, list[float]]:
    """The share of samples whose bound lies beyond the true mean, at each of ALPHAS: by the rule, by
    BCa alone where it is defined for graded scores (exact elsewhere), and by the exact bound alone.

    The rule is the more cautious of two bounds, so it is worked out only where the first one errs.
    """
    mean = -SHAPES[shape][1] if upper else SHAPES[shape][1]
    wrong = {name: [0, 0] for name in ("rule", "BCa", "exact")}
    for sample in draws(shape, n, runs):
        side = sample.mirror if upper else sample
        for place, alpha in enumerate(ALPHAS):
            exact = exact_lower(side, alpha)
            plain = bca_lower(side, alpha) if suits_bca(side) and not side.binary else None
            first = exact if plain is None else plain
            wrong["exact"][place] += exact > mean + 1e-9
            wrong["BCa"][place] += first > mean + 1e-9
            if first > mean + 1e-9:
                low, high = bounds(sample, alpha)
                wrong["rule"][place] += (-high if upper else low) > mean + 1e-9
    return {name: [count / runs for count in counts] for name, counts in wrong.items()}


SHORT = [
    ("0/1 at .95", 100),
    ("three levels", 50),
    ("five levels near 1", 100),
    ("beta(4, .2), near 1", 50),
    ("right, wrong, partly", 100),
    ("rare zero, 2 %", 50),
    ("rare zero, 5 %", 100),
    ("pooled documents", 50),
    ("groups of 1 to 8", 50),
]


@pytest.mark.parametrize(("shape", "n"), SHORT)
def test_the_rule_errs_no_more_than_it_says_where_bounds_break(shape: str, n: int) -> None:
    runs = 200
    rates = error_rates(shape, n, runs)["rule"]
    for rate, alpha in zip(rates, ALPHAS, strict=True):
        assert rate <= allowed(alpha, runs)


def test_bca_alone_errs_far_more_than_it_says_when_a_rare_bad_row_was_not_drawn() -> None:
    rates = error_rates("rare zero, 2 %", 50, 100)
    assert rates["BCa"][0] > 0.2
    assert rates["rule"][0] <= allowed(0.05, 100)


@pytest.mark.full
@pytest.mark.parametrize(("shape", "n"), list(itertools.product(SHAPES, SIZES)))
def test_the_rule_errs_no_more_than_it_says_on_the_grid(shape: str, n: int) -> None:
    runs = 2000
    for upper in (False, True):
        rates = error_rates(shape, n, runs, upper)["rule"]
        for rate, alpha in zip(rates, ALPHAS, strict=True):
            assert rate <= allowed(alpha, runs)


def test_the_rule_is_never_above_the_bounds_it_is_made_of() -> None:
    for shape in SHAPES:
        for sample in draws(shape, 60, 3):
            low, high = bounds(sample, 0.05)
            if suits_bca(sample) and not sample.binary:
                assert low <= (bca_lower(sample, 0.05) or 0.0)
                assert high >= -(bca_lower(sample.mirror, 0.05) or -1.0)
            assert low <= (sample.value or 0.0) <= high


def test_the_documented_rates_cover_the_grid_and_stay_within_the_nominal_ones() -> None:
    (first,), *lines = read(DOCUMENT, "bounds")
    runs = int(first.split()[0])
    assert {(line[0], int(line[1])) for line in lines} == set(itertools.product(SHAPES, SIZES))
    for shown in itertools.chain(*(line[2:4] for line in lines)):
        rates = [float(rate) / 100 for rate in shown.split(" / ")]
        assert all(rate <= allowed(alpha, runs) + 5e-4 for rate, alpha in zip(rates, ALPHAS, strict=True))


def tables(runs: int) -> dict[str, str]:
    """Percent of errors of the lower bound, and of the upper."""
    lines = [
        f"{runs} samples a cell; errors in %, at a nominal 5 % / 1.25 %.",
        "",
        "| scores | n | the rule, lower | the rule, upper | BCa, lower | BCa, upper | exact, lower |",
        "|---|---|---|---|---|---|---|",
    ]
    for shape, n in itertools.product(SHAPES, SIZES):
        low, high = error_rates(shape, n, runs), error_rates(shape, n, runs, upper=True)
        cells = [low["rule"], high["rule"], low["BCa"], high["BCa"], low["exact"]]
        shown = " | ".join(" / ".join(percent(rate) for rate in cell) for cell in cells)
        lines.append(tell(f"| {shape} | {n} | {shown} |"))
    return {"bounds": "\n".join(lines)}
