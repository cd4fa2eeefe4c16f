"""Which rows are computed together, and in which order: a function of the seed and the epoch alone.

Rows of like length share a batch, so that little is spent on padding: the shuffled rows are sorted
by length within windows of a few batches, and the batches shuffled. A batch is what one step of the
optimizer sees; it is computed in micro-batches that fit the memory, and how it is cut changes nothing
but rounding, because the loss is a mean over all answer tokens of the batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

WINDOW = 16
"""Batches that are sorted by length together: enough to leave about a twentieth of padding on rows of mixed
length, few enough that batches stay mixed."""


def epoch(lengths: Sequence[int], size: int, seed: int, number: int) -> list[list[int]]:
    """The row numbers of each batch of one epoch, every row once; the last batch may be smaller."""
    draw = np.random.default_rng([seed, number])
    order = [int(i) for i in draw.permutation(len(lengths))]
    batches: list[list[int]] = []
    for start in range(0, len(order), size * WINDOW):
        window = sorted(order[start : start + size * WINDOW], key=lambda i: (lengths[i], i))
        batches += [window[at : at + size] for at in range(0, len(window), size)]
    return [batches[int(i)] for i in draw.permutation(len(batches))]


def micro(batch: Sequence[int], lengths: Sequence[int], tokens: int, rows: int) -> list[list[int]]:
    """The batch, sorted by length, in parts of at most `rows` rows and, padded, `tokens` tokens; a row
    that is longer stands alone."""
    parts: list[list[int]] = []
    for i in sorted(batch, key=lambda i: (lengths[i], i)):
        fits = parts and len(parts[-1]) < rows and (len(parts[-1]) + 1) * lengths[i] <= tokens
        if fits:
            parts[-1].append(i)
        else:
            parts.append([i])
    return parts
