"""Pairs of which one text stands, for the most part, within a longer one.

Such pairs are not alike as wholes, so MinHash does not find them. Every text is looked up by its
rarest runs, one from each of eight classes of its hashes; texts that many of these lead to are
candidates. Runs that many texts have lead nowhere and are left out.
"""

from __future__ import annotations

import numpy as np

from evals.audit.shingles import Array, Shingles

CLASSES = 8
LEAST_RUNS = 30
"""Shorter texts stand within others by chance: "how do I top up" is no copy of what contains it."""
MOST_TEXTS = 16
"""A run that more of the texts have is common, and leads to none of them."""
VOTES = 0.5
"""The share of a text's rare runs that must lead to the same other text."""
_BUCKETS = 24


def containing(sets: Shingles, inner: Array, outer: Array) -> Array:
    """int64 [pairs, 2]: (a place in `inner`, one in `outer`) that may hold it; both are sorted places."""
    inner = inner[sets.sizes[inner] >= LEAST_RUNS]
    if not len(inner) or not len(outer):
        return np.zeros((0, 2), np.int64)
    held, holder = sets.of(outer)
    common = np.bincount(held >> np.uint32(32 - _BUCKETS), minlength=1 << _BUCKETS).astype(np.int32)
    sought, owner = _rarest(sets, inner, common)
    wanted = np.zeros(1 << _BUCKETS, bool)
    wanted[sought >> np.uint32(32 - _BUCKETS)] = True
    keep = wanted[held >> np.uint32(32 - _BUCKETS)]
    order = np.argsort(held[keep], kind="stable")
    held, holder = held[keep][order], holder[keep][order]
    first, last = np.searchsorted(held, sought), np.searchsorted(held, sought, side="right")
    there = (last > first) & (last - first <= MOST_TEXTS)
    votes = np.bincount(owner[there], minlength=len(inner))
    pairs = _spread(owner[there], first[there], last[there], holder)
    met, count = np.unique(pairs[:, 0] << 32 | pairs[:, 1], return_counts=True)
    met = met[count >= np.maximum(2, VOTES * votes[met >> 32])]
    both = np.column_stack([inner[met >> 32], outer[met & 0xFFFFFFFF]])
    others: Array = both[both[:, 0] != both[:, 1]]
    return others


def _rarest(sets: Shingles, rows: Array, common: Array) -> tuple[Array, Array]:
    """(hashes, place in `rows`) of the runs of each row that fewest texts have, one a class."""
    hashes, owner = sets.of(rows)
    kind = (hashes & np.uint32(CLASSES - 1)).astype(np.int64)
    seen = common[hashes >> np.uint32(32 - _BUCKETS)]
    order = np.lexsort((seen, kind, owner))
    group = owner[order] * CLASSES + kind[order]
    first = order[np.concatenate([[True], group[1:] != group[:-1]])]
    return hashes[first], owner[first]


def _spread(owner: Array, first: Array, last: Array, holder: Array) -> Array:
    """Each owner with every holder between its `first` and `last`."""
    sizes = last - first
    within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.column_stack([np.repeat(owner, sizes), holder[np.repeat(first, sizes) + within]])
