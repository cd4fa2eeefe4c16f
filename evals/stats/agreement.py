"""How far two raters agree beyond chance: Cohen's kappa on a table of counts, with a lower bound.

The bound is the alpha quantile of kappa over tables drawn from a Dirichlet distribution about the counts
(the Bayesian bootstrap, Rubin 1981, with a little mass on every cell, so that a disagreement nobody has
seen yet is possible: the plain bootstrap of a table without any is 1 for certain). Its error is
simulated in `tests/simulations/test_agreement.py`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from evals.stats.draws import Array

DRAWS = 4_000
MASS = 2.0
"""Rows' worth of mass shared by all cells; on two grades it is Jeffreys' half a row each."""


def table_of(first: Sequence[Hashable], second: Sequence[Hashable], grades: Sequence[Hashable]) -> Array:
    """Counts [grades, grades] of how often the first rater said the row's grade and the second the
    column's. Raises ValueError for a grade that is not in the list."""
    place = {grade: n for n, grade in enumerate(grades)}
    counts = np.zeros((len(grades), len(grades)))
    for one, other in zip(first, second, strict=True):
        if one not in place or other not in place:
            raise ValueError(f"{one!r} or {other!r} is no grade of {list(grades)}")
        counts[place[one], place[other]] += 1
    return counts


def kappa(tables: NDArray[np.float64]) -> Array:
    """Cohen's kappa (1960) with quadratic weights (Cohen 1968) of counts or shares [..., k, k]: 1 is
    agreement on everything, 0 what chance gives. Two grades make it the plain kappa. Where both raters
    always say the same one grade it is 0: that shows no agreement beyond chance."""
    shares = tables / tables.sum(axis=(-2, -1), keepdims=True)
    grades = np.arange(tables.shape[-1], dtype=np.float64)
    weights = (grades[:, None] - grades[None, :]) ** 2
    by_chance = shares.sum(axis=-1)[..., :, None] * shares.sum(axis=-2)[..., None, :]
    expected = (weights * by_chance).sum(axis=(-2, -1))
    observed = (weights * shares).sum(axis=(-2, -1))
    return np.asarray(1 - np.divide(observed, expected, out=np.ones_like(observed), where=expected > 0))


def kappa_lower(table: Array, alpha: float, units: int | None = None, seed: int = 0) -> float:
    """The one-sided lower bound of kappa at error `alpha`; -1 without rows. `units` are the independent
    ones among the rows (groups): each then counts for the rows it stands for, as if they were one."""
    rows = float(table.sum())
    if not rows:
        return -1.0
    scaled = table * (min(units or rows, rows) / rows)
    rng = np.random.default_rng(seed)
    cells = rng.standard_gamma(scaled.ravel() + MASS / table.size, size=(DRAWS, table.size))
    return float(np.quantile(kappa(cells.reshape(DRAWS, *table.shape)), alpha))
