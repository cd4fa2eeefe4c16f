"""A lower bound of a bounded mean that supposes one unseen row at the worst end of the scale.

Give n observed scores and one more row at the floor random weights from Dirichlet(1, ..., 1); the
bound is the alpha quantile of the weighted mean. On 0/1 scores this is exactly Clopper-Pearson, on
graded ones it is narrower because it uses the spread that was seen, and unlike a bootstrap it never
forgets that a rare bad row may not have been drawn (Gaffke 2005; Learned-Miller and Thomas 2019,
arXiv 1905.06208, who conjecture the guarantee and find no counterexample; Phan et al. 2021, arXiv
2106.03163, prove it for a close relative). For a ratio of sums the unseen row has the largest
denominator that was seen.

With weights E_j / sum E, E_j exponential, "mean <= t" is "sum c_j E_j <= 0" with c_j = num_j - t den_j,
whose probability comes from its moment generating function prod 1/(1 - c_j s) by integrating along
the vertical line through the saddle point (Daniels 1954). No random numbers are drawn.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri

from evals.stats.draws import Array
from evals.stats.sample import Sample

STEP, BLOCK, BLOCKS = 0.5, 16, 32
"""The trapezoid rule on this line converges geometrically: half a standard deviation a step leaves
an error near 1e-9 from 5 rows on. Steps are taken by the block until nothing is added any more."""


def worst_row_lower(sample: Sample, alpha: float, copies: float = 1.0) -> float:
    """The lower bound at one-sided `alpha`. `copies` > 1 asks what the bound would be with that many
    times the rows and the same mix of scores. Without rows it is the floor."""
    value = sample.value
    if value is None or value <= sample.floor:
        return sample.floor
    num, den, weight = _distinct(sample, copies)
    goal = ndtri(alpha)

    def excess(threshold: float) -> float:
        chance = _chance_below(threshold, num, den, weight, sample)
        return float(ndtri(min(max(chance, 1e-300), 1 - 1e-16)) - goal)

    low = sample.floor + (value - sample.floor) * 1e-6
    if excess(low) >= 0:
        return sample.floor
    if excess(value) <= 0:
        return value
    return float(brentq(excess, low, value, xtol=1e-8, rtol=1e-10))


def worst_row_chance(sample: Sample, threshold: float, copies: float = 1.0) -> float:
    """The chance, under the random weights, that the mean is at most `threshold`: the one-sided
    p-value of "the true mean is at most the threshold"."""
    if sample.value is None or threshold >= sample.ceiling:
        return 1.0
    if threshold <= sample.floor:
        return 0.0
    num, den, weight = _distinct(sample, copies)
    return _chance_below(threshold, num, den, weight, sample)


def _distinct(sample: Sample, copies: float) -> tuple[Array, Array, Array]:
    """Units of equal score and weight folded into one, with how often each stands for itself."""
    pairs, counts = np.unique(np.column_stack([sample.num, sample.den]), axis=0, return_counts=True)
    return pairs[:, 0], pairs[:, 1], np.asarray(counts * copies, dtype=np.float64)


def _chance_below(threshold: float, num: Array, den: Array, weight: Array, sample: Sample) -> float:
    scale = float(den.max())
    terms = np.append((num - threshold * den) / scale, sample.floor - threshold)
    weights = np.append(weight, 1.0)
    keep = np.abs(terms) > 1e-12
    terms, weights = terms[keep], weights[keep]
    if not len(terms) or terms.max() <= 0:
        return 1.0
    if terms.min() >= 0:
        return 0.0
    return _chance_negative(terms, weights)


def _chance_negative(terms: Array, weights: Array) -> float:
    """P(sum of terms_j * Gamma(weights_j) <= 0), for terms of both signs."""
    saddle = _saddle(terms, weights)
    line = saddle
    spread = _curvature(terms, weights, saddle) ** 0.5
    if abs(saddle) * spread < 1.0:
        line = -min(1.0 / spread, 0.5 / -terms.min())
    real = 1 - terms * line
    spread = _curvature(terms, weights, line) ** 0.5
    step, total, first = STEP / spread, 0.0, 0.0
    for block in range(BLOCKS):
        steps = ((np.arange(BLOCK) + block * BLOCK) * step)[:, None]
        ratio = steps * (terms / real)
        size = -0.5 * np.log1p(ratio**2) @ weights - weights @ np.log(real)
        path = np.exp(size + 1j * (np.arctan(ratio) @ weights)) / (line + 1j * steps[:, 0])
        first = first or float(path.real[0])
        total += float(path.real.sum())
        if abs(path[-1]) < 1e-13 * abs(first):
            break
    total = (total - 0.5 * first) * step / np.pi
    chance = -total if line < 0 else 1 - total
    return float(min(max(chance, 0.0), 1.0))


def _saddle(terms: Array, weights: Array) -> float:
    """Where the derivative of the log moment generating function is 0, between its two poles."""

    def slope(point: float) -> float:
        return float(weights @ (terms / (1 - terms * point)))

    low, high = 1 / terms.min(), 1 / terms.max()
    inner = 1e-9
    return float(brentq(slope, low * (1 - inner), high * (1 - inner), xtol=1e-10 * (high - low)))


def _curvature(terms: Array, weights: Array, point: float) -> float:
    return float(weights @ (terms / (1 - terms * point)) ** 2)
