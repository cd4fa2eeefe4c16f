"""BCa: the bootstrap bound that corrects for bias and skew (Efron 1987), for ratios of sums."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from evals.stats.draws import Array
from evals.stats.sample import Sample


def bca_lower(sample: Sample, alpha: float, draws: Array | None = None) -> float | None:
    """The BCa lower bound at one-sided `alpha`; None where it is not defined: fewer than two units,
    no spread, or a correction without end. `draws` are the sorted values of its resamples, where they
    are at hand. Of clusters, which are few, a quantile further out is taken (`expanded`)."""
    value = sample.value
    if value is None or sample.clusters < 2 or sample.differing == 0:
        return None
    draws = sample.draws if draws is None else draws
    alpha = expanded(alpha, sample.clusters) if sample.clustered else alpha
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
    bias, skew = float(ndtri(share)), acceleration(without)
    shifted = bias + float(ndtri(alpha))
    stretch = 1 - skew * shifted
    if stretch <= 0:
        return None
    level = float(ndtr(bias + shifted / stretch))
    return float(draws[max(math.ceil(level * total) - 1, 0)])


def expanded(alpha: float, units: int) -> float:
    """The tail of the normal law where that of Student's lies for a mean of so few units: resamples
    spread by sqrt((units - 1) / units) too little, and their spread is not known but estimated
    (Hesterberg 2015)."""
    return float(ndtr(stdtrit(units - 1, alpha) * math.sqrt(units / (units - 1))))


def acceleration(without: Array) -> float:
    """A sixth of the skewness of the jackknife values (Efron 1987)."""
    away = without.mean() - without
    power = float((away**2).sum()) ** 1.5
    return float((away**3).sum()) / (6 * power) if power > 0 else 0.0
