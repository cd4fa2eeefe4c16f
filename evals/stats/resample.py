"""BCa: the bootstrap bound that corrects for bias and skew (Efron 1987), for ratios of sums."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from evals.stats.draws import Array
from evals.stats.sample import Sample


def bca_lower(sample: Sample, alpha: float, draws: Array | None = None) -> float | None:
    """The BCa lower bound at one-sided `alpha`; None where it is not defined: fewer than two units,
    no spread, or a correction without end. `draws` are the
    sorted values of its resamples, where they are at hand."""
    value = sample.value
    if value is None or sample.clusters < 2 or sample.differing == 0:
        return None
    draws = sample.draws if draws is None else draws
    return bca_limit(value, draws, left_out(sample.num, sample.den), alpha)


def left_out(num: Array, den: Array) -> Array:
    """The ratio of sums without each unit in turn (jackknife), along the first axis."""
    return np.asarray((num.sum(axis=0) - num) / (den.sum(axis=0) - den))


def bca_limit(value: float, draws: Array, without: Array, alpha: float) -> float | None:
    """The BCa lower bound of any statistic: its value, its sorted values on resamples, its values
    with each unit left out. None where the correction has no end."""
    total = len(draws)
    below = np.searchsorted(draws, value - 1e-12) + np.searchsorted(draws, value + 1e-12)
    share = min(max(below / 2, 0.5), total - 0.5) / total
    bias, skew = float(norm.ppf(share)), acceleration(without)
    shifted = bias + float(norm.ppf(alpha))
    stretch = 1 - skew * shifted
    if stretch <= 0:
        return None
    level = norm.cdf(bias + shifted / stretch)
    return float(np.quantile(draws, level, method="inverted_cdf"))


def acceleration(without: Array) -> float:
    """A sixth of the skewness of the jackknife values (Efron 1987)."""
    away = without.mean() - without
    power = float((away**2).sum()) ** 1.5
    return float((away**3).sum()) / (6 * power) if power > 0 else 0.0
