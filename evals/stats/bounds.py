"""The bounds that gate: which bound is taken of which scores, and the interval that is drawn.

Scores of 0 and 1, one a row: exact (Clopper-Pearson). Any others: the lower of two bounds.

1. BCa with at least 50 units of which at least 10 differ from the commonest score, else the exact
   bound with k = the sum of scores (a real number in the beta quantile) out of the effective number
   of units (`clusters.effective_units`).
2. The bound with one unseen worst row, or cluster (`worst_row`).

The second is there because the first alone errs far above its nominal rate on scores near 1 in which
a rare bad row, or cluster, has not been drawn: 36 % at a nominal 5 % with 50 rows, 39 % with 20
clusters. The simulations are in `tests/simulations`; their tables stand in docs/statistics.md. An
upper bound is the lower bound of what is missing.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from scipy.special import betaincinv
from scipy.stats import binom, norm

from evals.stats.clusters import effective_units
from evals.stats.draws import Array
from evals.stats.resample import bca_lower
from evals.stats.sample import Sample, Values, sample_of
from evals.stats.worst_row import worst_row_lower
from evals.types import Interval

BCA_UNITS, BCA_DIFFERING = 50, 10
FEWEST_CLUSTERS = 20
"""Where rows share groups, nothing is *met* on fewer groups than this."""


def lower(values: Values | Sample, alpha: float, groups: Sequence[Hashable] | None = None) -> float:
    """The one-sided lower bound of the mean (or pooled ratio) at error `alpha`.

    `values` are scores in [0, 1] per row, or (numerator, denominator) pairs per row; `groups` names
    each row's group. Without rows it is 0. Raises ValueError for NaN, infinite or out-of-range
    values, and for an alpha outside (0, 0.5).
    """
    return bounds(values, alpha, groups)[0]


def upper(values: Values | Sample, alpha: float, groups: Sequence[Hashable] | None = None) -> float:
    """The one-sided upper bound, as `lower`. Without rows it is 1."""
    return bounds(values, alpha, groups)[1]


def interval(values: Values | Sample, level: float, groups: Sequence[Hashable] | None = None) -> Interval:
    """The two-sided interval: both one-sided bounds at (1 - level) / 2, so what is drawn is tested."""
    sample = values if isinstance(values, Sample) else sample_of(values, groups)
    if not sample.clusters:
        return Interval(None, None, None, 0, 0, level)
    low, high = bounds(sample, (1 - level) / 2)
    return Interval(sample.value, low, high, sample.n, sample.clusters, level)


def bounds(
    values: Values | Sample, alpha: float, groups: Sequence[Hashable] | None = None
) -> tuple[float, float]:
    """Both one-sided bounds, each at error `alpha`."""
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha must be between 0 and 0.5, not {alpha}")
    sample = values if isinstance(values, Sample) else sample_of(values, groups)
    if not sample.clusters:
        return sample.floor, sample.ceiling
    if sample.binary:
        return exact_lower(sample, alpha), -exact_lower(sample.mirror, alpha)
    draws = sample.draws if suits_bca(sample) else None
    low = _graded_lower(sample, alpha, draws)
    high = -_graded_lower(sample.mirror, alpha, None if draws is None else -draws[::-1])
    return low, high


def suits_bca(sample: Sample) -> bool:
    """Whether there are enough units, and enough that differ, for the bootstrap to say anything."""
    return sample.clusters >= BCA_UNITS and sample.differing >= BCA_DIFFERING


def _graded_lower(sample: Sample, alpha: float, draws: Array | None) -> float:
    first = bca_lower(sample, alpha, draws) if draws is not None else None
    if first is None:
        first = exact_lower(sample, alpha)
    return max(sample.floor, min(first, worst_row_lower(sample, alpha)))


def exact_lower(sample: Sample, alpha: float, copies: float = 1.0) -> float:
    """Clopper-Pearson with k = sum of scores, real, out of the effective number of units."""
    value, span = sample.value, sample.ceiling - sample.floor
    if value is None:
        return sample.floor
    n = effective_units(sample, alpha) * copies
    k = n * (value - sample.floor) / span
    return sample.floor + span * clopper_pearson(k, n, alpha)


def clopper_pearson(k: float, n: float, alpha: float) -> float:
    """The exact lower bound of a share, k right of n, at one-sided `alpha`; k may be real."""
    if k <= 0:
        return 0.0
    return float(betaincinv(k, max(n - k, 0.0) + 1, alpha))


def mean_interval(values: Sequence[float], level: float, weights: Sequence[float] | None = None) -> Interval:
    """The mean of amounts without a known range (tokens, money), weighted where weights are given, with its
    BCa interval; no interval for fewer than 10 of them or when all are equal. For showing: nothing is gated
    by it."""
    data = np.asarray(values, dtype=np.float64)
    n = len(data)
    if not n:
        return Interval(None, None, None, 0, 0, level)
    den = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
    value = float((data * den).sum() / den.sum())
    if n < 10 or float(np.ptp(data)) <= 1e-12 * max(1.0, abs(value)):
        return Interval(value, None, None, n, n, level)
    sample = Sample(data * den, den, n, -np.inf, np.inf)
    draws, alpha = sample.draws, (1 - level) / 2
    low = bca_lower(sample, alpha, draws)
    high = bca_lower(sample.mirror, alpha, -draws[::-1])
    return Interval(value, low, None if high is None else -high, n, n, level)


def quantile_interval(values: Sequence[float], share: float, level: float) -> Interval:
    """The sample quantile (linear between order statistics) and the order statistics that bracket
    the true one (distribution-free, Conover 1999); an end that no order statistic reaches is None."""
    data = np.sort(np.asarray(values, dtype=np.float64))
    n = len(data)
    if not n:
        return Interval(None, None, None, 0, 0, level)
    alpha = (1 - level) / 2
    first = int(binom.ppf(alpha, n, share))
    last = int(binom.ppf(1 - alpha, n, share)) + 1
    low = float(data[first - 1]) if first >= 1 else None
    high = float(data[last - 1]) if last <= n else None
    return Interval(float(np.quantile(data, share)), low, high, n, n, level)


def standard_error(sample: Sample) -> float:
    """The standard error of the value (linearised ratio), never below that of one unit in n + 1
    being wrong, so that a perfect score has a margin too. Infinite without units."""
    n = sample.clusters
    value = sample.value
    if value is None:
        return float("inf")
    residual = (sample.num - value * sample.den) / sample.den.mean()
    variance = float((residual**2).mean())
    least = n / (n + 1) ** 2 * (sample.ceiling - sample.floor) ** 2
    return float(np.sqrt(max(variance, least) / n))


def wilson(k: float, n: int, level: float) -> Interval:
    """Wilson's interval of a raw share: for planning and pictures, never for a gate."""
    if not n:
        return Interval(None, None, None, 0, 0, level)
    z = float(norm.ppf((1 + level) / 2))
    share = k / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)))
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half), n, n, level)
