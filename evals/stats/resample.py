"""BCa: the bootstrap bound that corrects for bias and skew (Efron 1987), for ratios of sums."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from evals.stats.draws import DRAWS, Array
from evals.stats.sample import Sample


def bca_lower(sample: Sample, alpha: float, draws: Array | None = None) -> float | None:
    """The BCa lower bound at one-sided `alpha`; None where it is not defined: fewer than two units,
    no spread, or a correction without end. `draws` are the
    sorted values of its resamples, where they are at hand."""
    value = sample.value
    if value is None or sample.clusters < 2 or sample.differing == 0:
        return None
    draws = sample.draws if draws is None else draws
    below = np.searchsorted(draws, value - 1e-12) + np.searchsorted(draws, value + 1e-12)
    share = min(max(below / 2, 0.5), DRAWS - 0.5) / DRAWS
    bias, skew = float(norm.ppf(share)), acceleration(sample)
    shifted = bias + float(norm.ppf(alpha))
    stretch = 1 - skew * shifted
    if stretch <= 0:
        return None
    level = norm.cdf(bias + shifted / stretch)
    return float(np.quantile(draws, level, method="inverted_cdf"))


def acceleration(sample: Sample) -> float:
    """A sixth of the skewness of the jackknife values (Efron 1987)."""
    num, den = sample.num, sample.den
    left = (num.sum() - num) / (den.sum() - den)
    away = left.mean() - left
    power = float((away**2).sum()) ** 1.5
    return float((away**3).sum()) / (6 * power) if power > 0 else 0.0
