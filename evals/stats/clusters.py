"""Rows in groups: how much alike they are, and how many rows of their own they are worth.

Rows of one document, one conversation or one repeated question share their luck. `design` measures
by how much (the intraclass correlation), for planning; `effective_units` counts what a clustered
sample is worth where a bound is taken of it, from the spread between clusters that was seen.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from evals.stats.draws import Array
from evals.stats.sample import Sample, places


@dataclass(frozen=True)
class Design:
    """Rows in clusters: their mean size as a row meets it (sum m^2 / sum m, Kish 1965) and the
    intraclass correlation, None where it cannot be seen (one cluster, no cluster of two, no spread)."""

    rows: int
    clusters: int
    size: float
    icc: float | None

    @property
    def effect(self) -> float:
        """The design effect 1 + (size - 1) icc: by how much the variance of the mean exceeds that of
        as many rows alone. An unseen correlation counts as 1."""
        return 1 + (self.size - 1) * (1.0 if self.icc is None else self.icc)

    @property
    def effective(self) -> float:
        """How many rows alone would say as much."""
        return self.rows / self.effect


def design(values: Sequence[float] | Array, groups: Sequence[Hashable]) -> Design:
    """The design of per-row scores in groups, with the intraclass correlation of a one-way analysis
    of variance (Donner and Koval 1980), no less than 0. Raises ValueError when the lengths differ or
    a score is NaN or infinite."""
    scores, index = np.asarray(values, dtype=np.float64), places(groups)
    if len(scores) != len(index):
        raise ValueError(f"{len(scores)} values but {len(index)} groups")
    if not np.isfinite(scores).all():
        raise ValueError("a score is NaN or infinite")
    rows = len(scores)
    if not rows:
        return Design(0, 0, 1.0, None)
    sizes = np.bincount(index).astype(np.float64)
    clusters, size = len(sizes), float((sizes**2).sum() / rows)
    means = np.bincount(index, weights=scores) / sizes
    if clusters < 2 or rows == clusters or np.ptp(scores) <= 1e-12:
        return Design(rows, clusters, size, None)
    between = float((sizes * (means - scores.mean()) ** 2).sum()) / (clusters - 1)
    within = float(((scores - means[index]) ** 2).sum()) / (rows - clusters)
    common = (rows - size) / (clusters - 1)
    icc = (between - within) / (between + (common - 1) * within)
    return Design(rows, clusters, size, min(max(icc, 0.0), 1.0))


def effective_units(sample: Sample, alpha: float) -> float:
    """How many independent equal units a sample is worth to a bound at one-sided `alpha`.

    Units of unequal weight count as Kish's number of equal ones. Clusters count as the rows that
    would give their mean the variance seen between them, times the squared ratio of t quantiles that
    few clusters ask for (Korn and Graubard 1998): no fewer than Kish's number of clusters, since a
    cluster is worth a row at least, and no more than there are rows.
    """
    least, value = sample.effective, sample.value
    if value is None or not sample.clustered or sample.clusters < 2:
        return least
    share = (value - sample.floor) / (sample.ceiling - sample.floor)
    variance = robust_variance(sample) / (sample.ceiling - sample.floor) ** 2
    rows = share * (1 - share) / variance if variance > 0 else float(sample.n)
    ratio = float(stdtrit(sample.n - 1, alpha) / stdtrit(sample.clusters - 1, alpha))
    return max(least, min(rows, float(sample.n)) * ratio**2)


def robust_variance(sample: Sample) -> float:
    """The variance of the value by the spread of its units around it (linearised ratio, with the
    factor units / (units - 1)). Raises ValueError for fewer than two units."""
    value, units = sample.value, sample.clusters
    if value is None or units < 2:
        raise ValueError("a variance takes two units")
    away = (sample.num - value * sample.den) / sample.den.sum()
    return float((away**2).sum()) * units / (units - 1)
