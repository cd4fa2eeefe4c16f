"""The difference of two approaches on the same rows, with its interval.

Each row's difference lies in [-1, 1]. The interval is BCa where there are enough rows and enough
that differ, and never narrower than with one unseen row that is worst for the side in question
(`worst_row`), which alone holds where there are few, and where both approaches are right or wrong.
For those it is McNemar's exact test in the form of an interval: with b rows better and c worse, the
chance that b exponential weights sum to less than c + 1 others is the chance of b or more heads in
b + c tosses of a coin, so the bound is above 0 exactly when the test says so.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from evals.stats.bounds import suits_bca
from evals.stats.mcnemar import Discordant, discordant, tango
from evals.stats.permutation import sign_flip_two_sided
from evals.stats.resample import bca_lower
from evals.stats.sample import Sample, sample_of
from evals.stats.together import together
from evals.stats.worst_row import worst_row_lower
from evals.types import Interval

Pairs = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Comparison:
    """Two approaches on the same rows. `difference` is the interval that gates. For scores of 0 and 1
    in rows without groups: the rows they disagree on, and Tango's interval; else `flips`, the two-sided
    p of the sign-flip test. All but `difference` are for showing."""

    difference: Interval
    disagree: Discordant | None = None
    score: Interval | None = None
    flips: float | None = None


def compare(
    first: Sequence[float],
    second: Sequence[float],
    level: float,
    groups: Sequence[Hashable] | None = None,
) -> Comparison:
    """Everything there is to say of first minus second. Raises ValueError as `difference`."""
    found = difference(first, second, level, groups)
    if found.n == found.clusters and set(first) | set(second) <= {0, 1}:
        rows = discordant(first, second)
        return Comparison(found, rows, tango(rows, level))
    changes = [a - b for a, b in zip(first, second, strict=True)]
    return Comparison(found, flips=sign_flip_two_sided(changes, groups))


def difference(
    first: Sequence[float],
    second: Sequence[float],
    level: float,
    groups: Sequence[Hashable] | None = None,
) -> Interval:
    """The mean of first minus second over rows, each in [0, 1], with a two-sided interval.

    Raises ValueError when the lengths differ or a score is out of range.
    """
    for scores in (first, second):
        sample_of(scores)
    changes = [a - b for a, b in zip(first, second, strict=True)]
    sample = sample_of(changes, groups, floor=-1.0)
    if not sample.n:
        return Interval(None, None, None, 0, 0, level)
    alpha = (1 - level) / 2
    exact = not sample.clustered and set(changes) <= {-1.0, 0.0, 1.0}
    low, high = _lower(sample, alpha, exact), -_lower(sample.mirror, alpha, exact)
    return Interval(sample.value, low, high, sample.n, sample.clusters, level)


def _lower(sample: Sample, alpha: float, exact: bool) -> float:
    safe = worst_row_lower(sample, alpha)
    found = bca_lower(sample, alpha) if not exact and suits_bca(sample) else None
    return safe if found is None else min(found, safe)


def pooled_difference(
    first: Pairs, second: Pairs, level: float, groups: Sequence[Hashable] | None = None
) -> Interval:
    """The difference of two pooled metrics (sums of numerators over sums of denominators) on the same
    rows, (numerator, denominator) a row, with a two-sided interval.

    The interval is of the units' influence on the difference: BCa of the pair where it suits, never
    narrower than with one unseen unit, of the largest denominators seen, on which one approach is all
    wrong and the other all right. Raises ValueError as `difference`; without denominators on either
    side the value is None.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} rows of one approach but {len(second)} of the other")
    for pairs in (first, second):
        sample_of(pairs, groups)
    table = np.asarray([*first, *second], dtype=np.float64).reshape(2, -1, 2)
    num, den = table[:, :, 0].T, table[:, :, 1].T
    rows = len(num)
    if not rows or not (den.sum(axis=0) > 0).all():
        return Interval(None, None, None, rows, 0, level)
    both = together(num, den, groups)
    value, found = both.difference(0, 1, level).value, both.difference(0, 1, level)
    sample, alpha = _influence(both.num, both.den, rows), (1 - level) / 2
    low, high = worst_row_lower(sample, alpha), -worst_row_lower(sample.mirror, alpha)
    if suits_bca(sample):
        low = min(low, low if found.low is None else found.low)
        high = max(high, high if found.high is None else found.high)
    return Interval(value, low, high, rows, sample.clusters, level)


def _influence(num: np.ndarray, den: np.ndarray, rows: int) -> Sample:
    """The difference of ratios as a mean over units: to first order in each unit's weight. The floor
    and the ceiling are those of a unit with the largest denominators and the worst, or best, scores."""
    mean, ratio = den.mean(axis=0), num.sum(axis=0) / den.sum(axis=0)
    value = ratio[0] - ratio[1]
    away = (num - ratio * den) / mean
    most = den.max(axis=0) / mean
    floor = value - most[0] * ratio[0] - most[1] * (1 - ratio[1])
    ceiling = value + most[0] * (1 - ratio[0]) + most[1] * ratio[1]
    units = value + away[:, 0] - away[:, 1]
    return Sample(units, np.ones(len(units)), rows, float(floor), float(ceiling))
