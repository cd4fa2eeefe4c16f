"""Resamples with replacement, the same ones every time.

A generator with a fixed seed draws how often each unit stands in each resample. The draws depend on
the number of units alone and are kept for samples of the same size, so equal samples give equal bytes.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DRAWS = 4000
SEED = 20260729
CHUNK = 500


@lru_cache(maxsize=4)
def _counts(units: int) -> NDArray[np.uint8]:
    """[DRAWS, units]: how often each unit stands in each resample."""
    rng = np.random.default_rng([SEED, units])
    counts = np.empty((DRAWS, units), dtype=np.uint8)
    for start in range(0, DRAWS, CHUNK):
        rows = min(CHUNK, DRAWS - start)
        picked = rng.integers(0, units, size=(rows, units)) + units * np.arange(rows)[:, None]
        drawn = np.bincount(picked.ravel(), minlength=rows * units)
        counts[start : start + rows] = drawn.reshape(rows, units)
    return counts


def resampled(num: Array, den: Array) -> Array:
    """The sorted ratios of sums of `DRAWS` resamples of the units."""
    counts = _counts(len(num))
    sums = np.empty((DRAWS, 2))
    table = np.column_stack([num, den])
    for start in range(0, DRAWS, CHUNK):
        sums[start : start + CHUNK] = counts[start : start + CHUNK].astype(np.float64) @ table
    return np.sort(sums[:, 0] / sums[:, 1])
