"""What a bound is taken of: independent units with a numerator and a denominator each.

A score per row is a numerator with denominator 1; a pooled metric (micro-F1) brings both; rows that
share a group are one unit with the sums of theirs. So the value is always sum / sum: the mean over
rows, or the pooled ratio.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from evals.stats.draws import Array, resampled

Values = Sequence[float] | Sequence[tuple[float, float]] | Array

SLACK = 1e-9
"""Scores this far outside their range are rounding, not mistakes."""


@dataclass(frozen=True)
class Sample:
    """Units of one metric, each with `floor <= num / den <= ceiling`; `n` rows stand behind them."""

    num: Array
    den: Array
    n: int
    floor: float = 0.0
    ceiling: float = 1.0

    @property
    def clusters(self) -> int:
        """Independent units: groups, or rows where no rows share a group."""
        return len(self.num)

    @property
    def clustered(self) -> bool:
        """Whether some rows share a group."""
        return self.clusters < self.n

    @property
    def value(self) -> float | None:
        """The mean over rows, or the pooled ratio; None without rows."""
        return float(self.num.sum() / self.den.sum()) if len(self.num) else None

    @cached_property
    def ratios(self) -> Array:
        """Each unit's own score."""
        return np.asarray(self.num / self.den)

    @property
    def even(self) -> bool:
        """Whether all units weigh the same, as rows do."""
        return len(self.den) == 0 or bool(np.ptp(self.den) <= SLACK * self.den[0])

    @property
    def binary(self) -> bool:
        """Whether every unit is one row that is all right or all wrong."""
        ends = (self.ratios == self.floor) | (self.ratios == self.ceiling)
        return self.even and not self.clustered and bool(ends.all())

    @property
    def effective(self) -> float:
        """How many equal units carry as much information (Kish 1965): (sum w)^2 / sum w^2."""
        return float(self.den.sum() ** 2 / (self.den**2).sum()) if len(self.den) else 0.0

    @cached_property
    def differing(self) -> int:
        """How many units differ from the commonest score."""
        if not len(self.num):
            return 0
        _, counts = np.unique(self.ratios.round(12), return_counts=True)
        return int(len(self.num) - counts.max())

    @cached_property
    def draws(self) -> Array:
        """Sorted values of the bootstrap's resamples of the units."""
        return resampled(self.num, self.den)

    @property
    def mirror(self) -> Sample:
        """The sample of what is missing: ceiling becomes floor. An upper bound is a lower one of it."""
        return Sample(-self.num, self.den, self.n, -self.ceiling, -self.floor)


def sample_of(
    values: Values,
    groups: Sequence[Hashable] | None = None,
    *,
    floor: float = 0.0,
    ceiling: float = 1.0,
) -> Sample:
    """The sample of per-row scores in [floor, ceiling], or of (numerator, denominator) pairs per row.

    Pairs of denominator 0 say nothing and are left out. `groups` gives each row's group. Raises
    ValueError for NaN, infinite or out-of-range values, and when the lengths differ.
    """
    table = np.asarray(values, dtype=np.float64)
    if table.ndim == 1:
        table = np.column_stack([table, np.ones(len(table))])
    if table.ndim != 2 or table.shape[1] != 2:
        raise ValueError(f"values must be scores or (numerator, denominator) pairs, not shape {table.shape}")
    if groups is not None and len(groups) != len(table):
        raise ValueError(f"{len(table)} values but {len(groups)} groups")
    if not np.isfinite(table).all():
        raise ValueError("a score is NaN or infinite")
    num, den = table[:, 0], table[:, 1]
    if (den < 0).any() or (num < floor * den - SLACK).any() or (num > ceiling * den + SLACK).any():
        raise ValueError(f"a score is outside [{floor:g}, {ceiling:g}]")
    keep = den > 0
    num, den = np.clip(num, floor * den, ceiling * den)[keep], den[keep]
    rows = len(num)
    if groups is not None:
        kept = [group for group, stays in zip(groups, keep, strict=True) if stays]
        num, den = collapse(num, kept), collapse(den, kept)
    return Sample(num, den, rows, floor, ceiling)


def collapse(values: Array, groups: Sequence[Hashable]) -> Array:
    """Sums over the rows of each group, [rows, ...] to [groups, ...], groups in order of first
    appearance. Raises ValueError when there are not as many groups named as rows."""
    index = places(groups)
    if len(index) != len(values):
        raise ValueError(f"{len(values)} values but {len(index)} groups")
    count = int(index.max()) + 1 if len(index) else 0
    if count == len(values):
        return values
    sums = np.zeros((count, *values.shape[1:]))
    np.add.at(sums, index, values)
    return sums


def places(groups: Sequence[Hashable]) -> NDArray[np.intp]:
    """Each row's group as a number, in order of first appearance."""
    first: dict[Hashable, int] = {}
    return np.array([first.setdefault(group, len(first)) for group in groups], dtype=np.intp)
