"""Before anything is run: the chance that scores like those of an earlier run will meet a threshold.

Scores other than right or wrong have a spread, a skew and a share of equal ones of their own, on all of
which the bound that gates depends. So they are taken as they were seen, and drawn again in the numbers that
are planned. To a better value they are brought by units that are wholly right instead, to a worse one by
more weight on the worse ones. Each draw is asked whether the gating rule (`evals.stats.bounds`) reaches
the threshold. The chance of the bound with one unseen worst unit is taken from the saddle-point formula of
Lugannani and Rice (1980), for all draws at once. BCa lies above that bound to second order: of few units it
is asked of some of the draws that only just reach the threshold, of many of none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

from evals.stats.bounds import BCA_DIFFERING, BCA_UNITS, FEWEST_CLUSTERS, exact_lower
from evals.stats.draws import Array
from evals.stats.effects import POWER
from evals.stats.power import MOST_ROWS, first_that
from evals.stats.resample import bca_lower
from evals.stats.sample import Sample

DRAWS, SEED = 2000, 29
"""Draws a chance is counted from: its Monte Carlo error is at most 1.1 points."""
SEARCHED = 500
"""Draws a chance is counted from while rows or a value are searched for."""
STEPS = 20
"""Newton's steps to the saddle point, halved where they would leave the interval it lies in."""
SURE, ASKED, MANY = 5.0, 20, 200
"""BCa is asked of one draw in `ASKED` at most, of fewer than `MANY` units, and not of one that the bound
with an unseen unit puts beyond the threshold by a `SURE`th of the error."""
NEAR = 1e-3
"""How exactly the smallest detectable value is found."""
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Seen:
    """Units of an earlier run, [units] numerators and denominators, and how units will come: `size` rows
    each, `grouped` where rows share groups. Raises ValueError without units."""

    num: Array
    den: Array
    size: float = 1.0
    grouped: bool = False

    def __post_init__(self) -> None:
        if not len(self.num) or self.size < 1:
            raise ValueError("planning by an earlier run takes units, of a row or more each")

    def chance(self, truth: float, n: int, threshold: float, alpha: float, draws: int = DRAWS) -> float:
        """The chance that n rows show "at least `threshold`" when the value is `truth`, both in [0, 1]."""
        units = max(1, round(n / self.size))
        if self.grouped and units < FEWEST_CLUSTERS:
            return 0.0
        if threshold <= 0 or threshold >= 1:
            return float(threshold <= 0)
        drawn = np.random.default_rng(SEED).multinomial(units, self._shares(truth), size=draws)
        chances, few = self._unseen_chance(drawn, threshold), self._few(drawn)
        shown = chances <= alpha
        for place in np.flatnonzero(shown & few):
            shown[place] = exact_lower(self._sample(drawn[place], place), alpha) >= threshold
        close = np.flatnonzero(shown & ~few & (chances > alpha / SURE)) if units < MANY else np.array([], int)
        asked = [bca_lower(self._sample(drawn[c], c), alpha) for c in close[: draws // ASKED]]
        refused = np.mean([low is not None and low < threshold for low in asked]) if asked else 0.0
        return float((shown.sum() - refused * len(close)) / draws)

    def detectable(self, n: int, threshold: float, alpha: float, power: float = POWER) -> float | None:
        """The smallest value that n rows show with chance `power`; None when not even 1 is."""
        low, high = threshold, 1.0
        if n == 0 or self.chance(high, n, threshold, alpha, SEARCHED) < power:
            return None
        while high - low > NEAR:
            middle = (low + high) / 2
            shown = self.chance(middle, n, threshold, alpha, SEARCHED) >= power
            low, high = (low, middle) if shown else (middle, high)
        return high

    def rows(self, truth: float, threshold: float, alpha: float, power: float = POWER) -> int | None:
        """The fewest rows with which `chance` reaches `power`; None when none would."""
        if truth <= threshold:
            return None
        least = FEWEST_CLUSTERS * self.size if self.grouped else 2
        found = first_that(
            lambda n: self.chance(truth, n, threshold, alpha, SEARCHED) >= power,
            round(least),
            round(64 * self.size),
            MOST_ROWS,
        )
        return found if found <= MOST_ROWS else None

    @cached_property
    def _kinds(self) -> tuple[Array, Array, Array]:
        """[kinds] ratios and denominators, how often each was seen: wholly wrong and wholly right ones of
        the typical weight first, seen or not. Ratios to two digits, so that there are not too many."""
        typical = float(np.median(self.den))
        pairs = np.column_stack([(self.num / self.den).round(2), self.den])
        kinds, counts = np.unique(pairs, axis=0, return_counts=True)
        ends = np.array([[0.0, typical], [1.0, typical]])
        kinds, counts = np.vstack([ends, kinds]), np.append([0, 0], counts)
        return kinds[:, 0], kinds[:, 1], counts / counts.sum()

    def _shares(self, truth: float) -> Array:
        """Each kind's chance to be drawn when the value is `truth`."""
        ratio, den, share = self._kinds
        short = float(share @ ((truth - ratio) * den))
        end = int(short >= 0)
        if short < 0 and ratio[share > 0].min() < truth:
            return _turned(share, (ratio - truth) * den)
        turned = short / (den[end] * (end - truth) + short) if short else 0.0
        found = (1 - turned) * share
        found[end] += turned
        return np.asarray(found / found.sum())

    def _unseen_chance(self, drawn: Counts, threshold: float) -> Array:
        """[draws]: `worst_row_chance` of each of [draws, kinds] counts where it is below a half, else 1."""
        ratio, den, _ = self._kinds
        away, there = (ratio - threshold) * den, drawn > 0
        worst = -threshold * np.where(there, den, 0.0).max(axis=1)
        least = np.minimum(np.where(there, away, 0.0).min(axis=1), worst)
        found, above = np.ones(len(drawn)), np.flatnonzero(drawn @ away + worst > 0)
        if len(above):
            found[above] = _below(away, drawn[above], worst[above], least[above])
        return found

    def _few(self, drawn: Counts) -> NDArray[np.bool_]:
        """[draws]: whether a draw has too few units for BCa, or too few that differ."""
        equal, kind = np.unique(self._kinds[0], return_inverse=True)
        counts = drawn @ np.eye(len(equal), dtype=np.int64)[kind]
        units = counts.sum(axis=1)
        return np.asarray((units < BCA_UNITS) | (units - counts.max(axis=1) < BCA_DIFFERING))

    def _sample(self, counts: Counts, seed: int | np.integer[Any]) -> Sample:
        """Units in an order of their own, as rows come: the bootstrap draws the same places each time."""
        ratio, den, _ = self._kinds
        places = np.random.default_rng(int(seed)).permutation(np.repeat(np.arange(len(den)), counts))
        num, den = (ratio * den)[places], den[places]
        return Sample(num, den, round(len(num) * self.size) if self.grouped else len(num))


def _turned(share: Array, away: Array) -> Array:
    """Shares with more weight on the units below, exponentially, until the mean of `away` is 0: of all that
    have this mean the nearest in Kullback and Leibler's sense (Efron 1981)."""
    away = away / np.abs(away[share > 0]).max()

    def weighed(by: float) -> Array:
        power = np.where(share > 0, by * away, -np.inf)
        found = share * np.exp(power - power.max())
        return np.asarray(found / found.sum())

    return weighed(float(brentq(lambda by: float(weighed(by) @ away), -1e4, 0.0)))


def _below(away: Array, drawn: Counts, worst: Array, least: Array) -> Array:
    """P(sum of away_j Gamma(drawn_j) + worst E <= 0) of each draw, where the mean of the sum is above 0."""
    times = drawn.astype(np.float64)
    low, point, high = (1 - 1e-9) / least, 0.5 / least, np.zeros(len(drawn))
    for _ in range(STEPS):
        pull, last = away / (1 - away * point[:, None]), worst / (1 - worst * point)
        slope = (times * pull).sum(axis=1) + last
        curve = (times * pull**2).sum(axis=1) + last**2
        low, high = np.where(slope < 0, point, low), np.where(slope < 0, high, point)
        point = point - slope / curve
        point = np.where((point > low) & (point < high), point, (low + high) / 2)
    part, rest = 1 - away * point[:, None], 1 - worst * point
    size = -(times * np.log(np.where(drawn > 0, part, 1.0))).sum(axis=1) - np.log(rest)
    curve = (times * (away / part) ** 2).sum(axis=1) + (worst / rest) ** 2
    root, lead = -np.sqrt(np.maximum(-2 * size, 1e-12)), point * np.sqrt(curve)
    density = np.exp(-0.5 * root**2) / np.sqrt(2 * np.pi)
    return np.asarray(np.clip(ndtr(root) + density * (1 / root - 1 / lead), 0.0, 1.0))
