"""Pairs of texts that are probably alike, among all texts, without comparing all with all.

MinHash (Broder 1997): the share of equal minima of two sets under random orders estimates their
Jaccard similarity. Signatures are cut into bands (locality-sensitive hashing, Indyk and Motwani
1998); texts that agree in a whole band meet. Where hundreds meet, as in data made from a template,
each is compared with its neighbours in an order by the rest of the signature, so the work grows with
the number of rows and not with its square.
"""

from __future__ import annotations

import numpy as np

from evals.audit.shingles import Array, Shingles, mixed

BANDS, ROWS = 32, 3
"""A pair of similarity 0.7 meets in some band with a chance above 0.9999, one of 0.5 with 0.986."""
ORDERS = BANDS * ROWS
NEIGHBOURS = 8
LEAST = 0.4
"""Pairs estimated below this are not worth an exact comparison."""
_BLOCK = 1 << 16


def signatures(sets: Shingles) -> Array:
    """uint32 [texts, ORDERS]; a text without shingles has the largest value everywhere."""
    factors = mixed(np.arange(1, 2 * ORDERS + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    found = np.full((len(sets), ORDERS), np.iinfo(np.uint32).max, np.uint32)
    filled = np.flatnonzero(sets.sizes)
    for rows in _together(filled, sets.sizes):
        first = sets.starts[rows[0]]
        hashes = mixed(sets.hashes[first : sets.starts[rows[-1] + 1]].astype(np.uint64))
        cuts = sets.starts[rows] - first
        for order in range(ORDERS):
            values = (hashes * (factors[order] | np.uint64(1)) + factors[ORDERS + order]) >> np.uint64(32)
            found[rows, order] = np.minimum.reduceat(values, cuts)
    return found


def _together(rows: Array, sizes: Array) -> list[Array]:
    """Consecutive rows cut into parts of about _BLOCK hashes."""
    if not len(rows):
        return []
    part = np.cumsum(sizes[rows]) // _BLOCK
    return np.split(rows, np.flatnonzero(np.diff(part)) + 1)


def candidates(signs: Array) -> tuple[Array, Array]:
    """(int64 [pairs, 2] with the smaller place first, float32 estimate of each), sorted by pair."""
    digest = (signs & np.uint32(0xFF)).astype(np.uint8)
    keys = [_met(signs, digest, band) for band in range(BANDS)]
    pairs = np.unique(np.concatenate(keys))
    both = np.column_stack([pairs >> np.uint64(32), pairs & np.uint64(0xFFFFFFFF)]).astype(np.int64)
    return both, _estimates(digest, both)


def _met(signs: Array, digest: Array, band: int) -> Array:
    """Pairs that agree in a band and look alike in the whole signature, as (smaller << 32) | larger."""
    part = signs[:, band * ROWS : (band + 1) * ROWS].astype(np.uint64)
    key = mixed(mixed(part[:, 0] << np.uint64(32) | part[:, 1]) ^ part[:, 2])
    beyond = signs[:, (band + 1) * ROWS % ORDERS]
    order = np.lexsort((beyond, key))
    order = order[signs[order, 0] != np.iinfo(np.uint32).max]
    key = key[order]
    found = []
    for away in range(1, NEIGHBOURS + 1):
        at = np.flatnonzero(key[away:] == key[:-away])
        pairs = np.column_stack([order[at], order[at + away]])
        pairs = pairs[_estimates(digest, pairs) >= LEAST].astype(np.uint64)
        found.append(pairs.min(axis=1, initial=2**32) << np.uint64(32) | pairs.max(axis=1, initial=0))
    distinct: Array = np.unique(np.concatenate(found))
    return distinct


def _estimates(digest: Array, pairs: Array) -> Array:
    """float32 [pairs]: the share of equal minima, by their lowest byte, less what chance adds."""
    equal = np.zeros(len(pairs), np.float32)
    for start in range(0, len(pairs), _BLOCK):
        part = pairs[start : start + _BLOCK]
        same = digest[part[:, 0]] == digest[part[:, 1]]
        equal[start : start + _BLOCK] = np.count_nonzero(same, axis=1) / ORDERS
    estimated: Array = np.maximum((equal - 1 / 256) / (1 - 1 / 256), 0)
    return estimated
