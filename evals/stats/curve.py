"""What twice the training rows would bring: scores at a quarter, half and all of them, drawn out by a line.

The score is taken to be linear in the logarithm of the rows, over the eightfold range from a quarter to one
doubling ahead and no further. Each subset's model answers the same rows, so the slope is a mean over rows of
each row's own slope, and what all models find hard drops out. Its error has two parts (two-way analysis of
variance): which eval rows were drawn, and which training rows; the second is known from subsets of one
size, which differ in nothing else, less what the drawing of eval rows makes them differ by. So few subsets
say little of how subsets vary: the quantile is Student's with the degrees of freedom of both parts
together (Satterthwaite 1946).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from evals.stats.draws import Array

FEWEST_UNITS = 5
"""Eval rows, or groups of them, below which nothing is forecast."""


@dataclass(frozen=True)
class Subset:
    """How many training rows, and the scores in [0, 1] of the model trained on them, in the order of the
    eval rows."""

    rows: int
    scores: Sequence[float]


@dataclass(frozen=True)
class Gain:
    """What the next doubling of the training rows brings to the mean score: the slope a doubling with its
    two-sided interval, cut to what is possible above `score`, the mean at the most rows there are."""

    score: float
    value: float
    low: float
    high: float
    level: float


def next_doubling(
    subsets: Sequence[Subset], level: float, groups: Sequence[Hashable] | None = None
) -> Gain | None:
    """The gain that these subsets foretell; None where they say nothing of it: fewer than two sizes, no size
    drawn twice, or fewer than five independent eval rows. `groups` names each eval row's unit. Raises
    ValueError when the subsets were scored on different numbers of rows."""
    table = np.array([subset.scores for subset in subsets], dtype=np.float64)
    sizes = [subset.rows for subset in subsets]
    repeated = [np.flatnonzero(np.array(sizes) == size) for size in dict.fromkeys(sizes)]
    spare = sum(len(same) - 1 for same in repeated)
    units = _units(table, groups)
    if len(repeated) < 2 or not spare or len(units.size) < FEWEST_UNITS:
        return None
    place = np.log2(np.array(sizes, dtype=np.float64))
    away = place - place.mean()
    weights = away / float((away**2).sum())
    slope = float(weights @ table.mean(axis=1))
    eval_rows = units.variance(weights)
    contrasts = np.concatenate([_apart(same, len(sizes)) for same in repeated if len(same) > 1])
    between = float(((contrasts @ table.mean(axis=1)) ** 2).sum()) / spare
    chance = sum(units.variance(contrast) for contrast in contrasts) / spare
    share = float((weights**2).sum())
    whole = eval_rows + max(0.0, between - chance) * share
    error = math.sqrt(whole)
    part = eval_rows**2 / (len(units.size) - 1) + (between * share) ** 2 / spare
    freedom = max(whole**2 / part, 1.0) if part > 0 else float(len(units.size) - 1)
    reach = -float(stdtrit(freedom, (1 - level) / 2)) * error
    score = float(table[np.array(sizes) == max(sizes)].mean())

    def possible(gain: float) -> float:
        return min(max(gain, -score), 1 - score)

    return Gain(score, possible(slope), possible(slope - reach), possible(slope + reach), level)


def _apart(places: NDArray[np.intp], count: int) -> Array:
    """The weights that say how far each of these subsets lies from their mean."""
    weights = np.zeros((len(places), count))
    weights[np.arange(len(places)), places] = 1.0
    weights[:, places] -= 1 / len(places)
    return weights


@dataclass(frozen=True)
class _Units:
    """Sums of scores [subsets, units] and how many rows are in each unit."""

    sums: Array
    size: Array

    def variance(self, weights: Array) -> float:
        """The variance, over which units were drawn, of the mean over rows of a weighted sum of subsets."""
        total = weights @ self.sums
        count = len(self.size)
        residual = total - self.size * float(total.sum() / self.size.sum())
        return float((residual**2).sum()) * count / (count - 1) / float(self.size.sum()) ** 2


def _units(table: Array, groups: Sequence[Hashable] | None) -> _Units:
    rows = table.shape[1] if table.ndim == 2 else 0
    names = range(rows) if groups is None else groups
    known = {name: place for place, name in enumerate(dict.fromkeys(names))}
    member = np.zeros((rows, len(known)))
    member[np.arange(rows), [known[name] for name in names]] = 1.0
    return _Units(table @ member, member.sum(axis=0))
