"""Texts as sets of overlapping character runs, hashed: what all lexical comparison rests on.

Characters and not words, because rows are short, and because not every script has spaces. Everything
is computed in blocks of texts with numpy, so that 100,000 rows take seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, Any]

BLOCK = 1 << 18
"""Characters that are hashed together: what fits a core's cache."""
_BASE = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Shingles:
    """The sets of many texts: that of text i is `hashes[starts[i] : starts[i + 1]]`, uint32, sorted,
    each hash once. A text shorter than a run counts as one run; an empty one has none."""

    hashes: Array
    starts: Array

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def sizes(self) -> Array:
        """int64 [texts]: how many each text has."""
        return np.diff(self.starts)

    def of(self, rows: Array) -> tuple[Array, Array]:
        """(hashes of these rows one after the other, for each its place in `rows`)."""
        sizes = self.sizes[rows]
        owner = np.repeat(np.arange(len(rows)), sizes)
        within = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return self.hashes[self.starts[rows][owner] + within], owner


def shingles(texts: Sequence[str], length: int) -> Shingles:
    """Each text's runs of `length` characters as a set of hashes."""
    parts: list[Array] = []
    sizes: list[Array] = []
    for block in _blocks(texts):
        hashes, owner = hashed_runs(block, length)
        keys = (owner.astype(np.uint64) << np.uint64(32)) | hashes
        keys.sort()
        keys = keys[np.concatenate([[True], keys[1:] != keys[:-1]])] if len(keys) else keys
        parts.append((keys & np.uint64(0xFFFFFFFF)).astype(np.uint32))
        sizes.append(np.bincount((keys >> np.uint64(32)).astype(np.int64), minlength=len(block)))
    counts = np.concatenate(sizes) if sizes else np.zeros(0, np.int64)
    joined = np.concatenate(parts) if parts else np.zeros(0, np.uint32)
    return Shingles(joined, np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))


def _blocks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts in order, as many at a time as a block holds; a longer text stands alone."""
    start = size = 0
    for place, text in enumerate(texts):
        if size and size + len(text) > BLOCK:
            yield texts[start:place]
            start, size = place, 0
        size += len(text)
    if start < len(texts):
        yield texts[start:]


def hashed_runs(texts: Sequence[str], length: int) -> tuple[Array, Array]:
    """(uint32 hash of every run in order, the place of its text). Polynomial hash modulo 2**64, then
    the finalizer of splitmix64 (Steele et al. 2014), of which the upper half is kept."""
    padded = [text.ljust(length) if text else "" for text in texts]
    codes = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    sizes = np.array([len(text) for text in padded], np.int64)
    if len(codes) < length:
        return np.zeros(0, np.uint32), np.zeros(0, np.int64)
    value = codes[: len(codes) - length + 1].copy()
    for step in range(1, length):
        value *= _BASE
        value += codes[step : len(codes) - length + 1 + step]
    owner = np.repeat(np.arange(len(padded)), sizes)
    last = np.repeat(np.cumsum(sizes), sizes)[: len(value)] - length
    inside = np.arange(len(value)) <= last
    return (mixed(value[inside]) >> np.uint64(32)).astype(np.uint32), owner[: len(value)][inside]


def mixed(value: Array) -> Array:
    """uint64 numbers, scattered: each bit depends on all."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    scattered: Array = value ^ (value >> np.uint64(31))
    return scattered


def shared(these: Shingles, pairs: Array, block: int = 1 << 14) -> Array:
    """int64 [pairs]: how many hashes the two texts of each pair [pairs, 2] have in common."""
    found = np.zeros(len(pairs), np.int64)
    for start in range(0, len(pairs), block):
        part = pairs[start : start + block]
        both = [these.of(part[:, side]) for side in (0, 1)]
        keys = np.concatenate([(owner.astype(np.uint64) << np.uint64(32)) | h for h, owner in both])
        keys.sort()
        twice = keys[1:][keys[1:] == keys[:-1]] >> np.uint64(32)
        found[start : start + block] = np.bincount(twice.astype(np.int64), minlength=len(part))
    return found
