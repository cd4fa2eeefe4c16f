"""Sign flips: were the two approaches alike, each row's difference could as well be its opposite.

The test needs no spread and no normal law, only that differences lie symmetrically around the value
that is tested. Whole groups flip together.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from evals.stats.draws import BLOCK, SEED, Array
from evals.stats.sample import collapse

FLIPS = 10_000
EVERY = 13
"""With no more differing units than this all of their sign patterns are tried."""


def sign_flip(
    changes: Sequence[float] | Array,
    groups: Sequence[Hashable] | None = None,
    *,
    shift: float = 0.0,
    flips: int = FLIPS,
    seed: int = SEED,
) -> float:
    """One-sided p of "the mean difference is at most `shift`", by flipping signs of changes - shift.

    `changes` are differences per row, `groups` their groups. All patterns of up to 13 differing units
    are tried, of more `flips` random ones, the observed one among them (Phipson and Smyth 2010).
    Raises ValueError for NaN or infinite differences; without any that differs it is 1.
    """
    units = np.asarray(changes, dtype=np.float64) - shift
    if not np.isfinite(units).all():
        raise ValueError("a difference is NaN or infinite")
    if groups is not None:
        units = collapse(units, groups)
    units = units[np.abs(units) > 1e-12]
    if not len(units):
        return 1.0
    least = units.sum() - 1e-9 * np.abs(units).sum()
    if len(units) <= EVERY:
        patterns = np.arange(2 ** len(units))[:, None] >> np.arange(len(units)) & 1
        return float(((1.0 - 2.0 * patterns) @ units >= least).mean())
    rng, reached, left = np.random.default_rng([seed, len(units)]), 1, flips - 1
    while left > 0:
        rows = min(left, max(1, BLOCK // len(units)))
        signs = rng.integers(0, 2, size=(rows, len(units)), dtype=np.int8)
        reached += int((units.sum() - 2.0 * (signs.astype(np.float64) @ units) >= least).sum())
        left -= rows
    return reached / flips


def sign_flip_two_sided(
    changes: Sequence[float] | Array, groups: Sequence[Hashable] | None = None, *, flips: int = FLIPS
) -> float:
    """Two-sided p of "the mean difference is 0"."""
    data = np.asarray(changes, dtype=np.float64)
    sides = [sign_flip(sign * data, groups, flips=flips) for sign in (1, -1)]
    return min(1.0, 2 * min(sides))
