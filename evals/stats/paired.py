"""The difference of two approaches on the same rows, with its interval.

Each row's difference lies in [-1, 1]. The interval is BCa where there are enough rows and enough
that differ, and never narrower than with one unseen row that is worst for the side in question
(`worst_row`), which alone holds where there are few.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from evals.stats.bounds import suits_bca
from evals.stats.resample import bca_lower
from evals.stats.sample import Sample, sample_of
from evals.stats.worst_row import worst_row_lower
from evals.types import Interval


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
    low, high = _lower(sample, alpha), -_lower(sample.mirror, alpha)
    return Interval(sample.value, low, high, sample.n, sample.clusters, level)


def _lower(sample: Sample, alpha: float) -> float:
    safe = worst_row_lower(sample, alpha)
    found = bca_lower(sample, alpha) if suits_bca(sample) else None
    return safe if found is None else min(found, safe)
