"""Resamples with replacement, the same ones every time.

A generator with a fixed seed draws how often each unit stands in each resample. The draws depend on
the number of units alone, so equal samples give equal bytes, and everything that is summed over them
(the scores of many approaches, numerators and denominators) is summed over the same resamples: what
is paired in the rows stays paired in the draws. Sums are products of the counts with the scores, by
the block; small counts are kept for samples of the same size.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Counts = NDArray[np.uint8]

DRAWS = 4000
SEED = 20260729
CHUNK = 500
BLOCK = 2**22
"""Counts in one block of resamples."""
KEPT = 2**25
"""Counts beyond this are drawn again rather than kept."""


def drawn(units: int, resamples: int, seed: int = SEED) -> Iterator[Counts]:
    """Blocks [some resamples, units] of how often each unit stands in each resample."""
    rng = np.random.default_rng([seed, units])
    most = max(1, min(CHUNK, BLOCK // max(units, 1)))
    for start in range(0, resamples, most):
        rows = min(most, resamples - start)
        picked = rng.integers(0, units, size=(rows, units))
        picked += units * np.arange(rows)[:, None]
        counts = np.bincount(picked.ravel(), minlength=rows * units)
        yield counts.astype(np.uint8).reshape(rows, units)


@lru_cache(maxsize=4)
def _kept(units: int, resamples: int, seed: int) -> Counts:
    return np.concatenate(list(drawn(units, resamples, seed)))


def resampled_sums(table: Array, resamples: int = DRAWS, seed: int = SEED) -> Array:
    """[resamples, columns]: the sums of the columns of `table` [units, columns] over each resample of
    its rows, the same resamples for every column."""
    units, columns = table.shape
    sums = np.empty((resamples, columns))
    if not units:
        return np.zeros_like(sums)
    blocks: Iterator[Counts] = drawn(units, resamples, seed)
    if units * resamples <= KEPT:
        kept, most = _kept(units, resamples, seed), max(1, BLOCK // units)
        blocks = (kept[start : start + most] for start in range(0, resamples, most))
    start = 0
    for block in blocks:
        sums[start : start + len(block)] = block.astype(np.float64) @ table
        start += len(block)
    return sums


def resampled(num: Array, den: Array) -> Array:
    """The sorted ratios of sums of `DRAWS` resamples of the units."""
    sums = resampled_sums(np.column_stack([num, den]))
    return np.sort(sums[:, 0] / sums[:, 1])
