"""Many approaches on the same rows, their intervals and differences from the same resamples.

One product of counts with scores serves all of them, so ten approaches cost little more than one,
and a difference of two is resampled as a pair: each resample takes a row's two scores together.
The intervals are BCa alone, to be looked at; `bounds` and `paired` hold those that gate.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from evals.stats.draws import SEED, Array, resampled_sums
from evals.stats.resample import bca_limit, expanded, left_out
from evals.stats.sample import collapse
from evals.types import Interval

RESAMPLES = 10_000


@dataclass(frozen=True)
class Together:
    """Sums of each unit for each approach, [units, approaches], and the approaches' values (sum of
    `num` over sum of `den`) on the same resamples of the units, [resamples, approaches]; `rows`
    stand behind the units."""

    num: Array
    den: Array
    draws: Array
    rows: int

    def interval(self, place: int, level: float) -> Interval:
        """The approach's value with its BCa interval; no ends where nothing varies."""
        return self._interval(self.draws[:, place], self._values[place], self._without[:, place], level)

    def difference(self, first: int, second: int, level: float) -> Interval:
        """The value of `first` minus that of `second` with the BCa interval of the pair."""
        draws = self.draws[:, first] - self.draws[:, second]
        without = self._without[:, first] - self._without[:, second]
        return self._interval(draws, self._values[first] - self._values[second], without, level)

    @property
    def _values(self) -> Array:
        return np.asarray(self.num.sum(axis=0) / self.den.sum(axis=0))

    @property
    def _without(self) -> Array:
        return left_out(self.num, self.den)

    def _interval(self, draws: Array, value: float, without: Array, level: float) -> Interval:
        units, alpha = len(self.num), (1 - level) / 2
        if units < 2 or np.ptp(without) <= 1e-12:
            return Interval(float(value), None, None, self.rows, units, level)
        if units < self.rows:
            alpha = expanded(alpha, units)
        ordered = np.sort(draws)
        low = bca_limit(value, ordered, without, alpha)
        high = bca_limit(-value, -ordered[::-1], -without, alpha)
        return Interval(float(value), low, None if high is None else -high, self.rows, units, level)


def together(
    num: Array,
    den: Array | None = None,
    groups: Sequence[Hashable] | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Together:
    """Resample approaches scored on the same rows.

    `num` [rows, approaches] are scores, or numerators where `den` (same shape) gives denominators;
    `groups` names each row's group, and whole groups are resampled. Raises ValueError for NaN or
    infinite scores, for no rows, for denominators that are all 0, and when the shapes differ.
    """
    num = np.asarray(num, dtype=np.float64)
    den = np.ones_like(num) if den is None else np.asarray(den, dtype=np.float64)
    if num.ndim != 2 or num.shape != den.shape or not len(num):
        raise ValueError(f"scores must be [rows, approaches] of one shape, not {num.shape} and {den.shape}")
    if not (np.isfinite(num).all() and np.isfinite(den).all()):
        raise ValueError("a score is NaN or infinite")
    rows = len(num)
    if groups is not None:
        num, den = collapse(num, groups), collapse(den, groups)
    if not (den.sum(axis=0) > 0).all():
        raise ValueError("an approach has no denominator above 0")
    even = bool((den == den[0, 0]).all())
    sums = resampled_sums(num if even else np.concatenate([num, den], axis=1), resamples, seed)
    if even:
        return Together(num, den, sums / (len(den) * den[0, 0]), rows)
    top, bottom = np.hsplit(sums, 2)
    values = np.broadcast_to(num.sum(axis=0) / den.sum(axis=0), top.shape).copy()
    return Together(num, den, np.divide(top, bottom, out=values, where=bottom > 0), rows)
