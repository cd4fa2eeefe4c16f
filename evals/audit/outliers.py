"""Rows unlike the rest: much longer or shorter, or written in other letters or another language.

Language is judged by the data's own statistics and not by an identifier of languages: those are wrong
on short rows with names in them too often (py3langid 0.4 takes 5 % of 3,000 English SNIPS commands for
another language, this file one in 13,784), and what matters is not which language a row is in but
whether it is another than that of its fellows, noise and markup included. A
row's figure is how common its runs of three characters are among the other rows; it is compared with
the figures of rows of like length, because short rows vary more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evals.audit.shingles import Array, shingles

RUN = 3
FEWEST = 50
"""With fewer rows nothing is usual."""
LONG = 6.0
"""Robust standard deviations of the logarithm of the length beyond which a row stands out, and ..."""
TIMES = 4.0
"""... the factor from the median by which it must differ too."""
STRANGE = 5.0
"""Robust standard deviations below rows of like length at which a row's runs are too rare."""
SHORTEST = 20
"""Runs below which a row says nothing of its language."""
_BUCKETS = 20
_BIN = 400
"""Rows of like length that are compared with each other, at least."""
_MAD = 1.4826
"""Median absolute deviation to standard deviation, for the normal distribution."""

Why = Literal["empty", "long", "short", "strange"]


@dataclass(frozen=True)
class Outlier:
    """A row that stands out. `part` is "input" or "output"; `size` is its characters, `usual` the median
    of all; `far` how many robust standard deviations it is away."""

    split: str
    id: str
    part: Literal["input", "output"]
    why: Why
    size: int
    usual: int
    far: float


def unusual_lengths(texts: Sequence[str]) -> list[tuple[int, Why, float]]:
    """(place, why, distance) of texts that are empty or of another size than the rest."""
    sizes = np.array([len(text.strip()) for text in texts])
    found: list[tuple[int, Why, float]] = [(int(place), "empty", 0.0) for place in np.flatnonzero(sizes == 0)]
    filled = np.flatnonzero(sizes)
    if len(filled) < FEWEST:
        return found
    logs = np.log(sizes[filled])
    middle = float(np.median(logs))
    spread = max(_MAD * float(np.median(np.abs(logs - middle))), np.log(TIMES) / LONG)
    far = (logs - middle) / spread
    out = filled[np.abs(far) > LONG]
    away = far[np.abs(far) > LONG]
    return found + [
        (int(place), "long" if by > 0 else "short", round(float(by), 1))
        for place, by in zip(out, away, strict=True)
    ]


def strange_texts(texts: Sequence[str]) -> list[tuple[int, float]]:
    """(place, distance) of texts whose runs of characters are rare among the others."""
    sets = shingles(texts, RUN)
    spoken = np.flatnonzero(sets.sizes >= SHORTEST)
    if len(spoken) < FEWEST:
        return []
    places = sets.hashes >> np.uint32(32 - _BUCKETS)
    seen = np.bincount(places, minlength=1 << _BUCKETS)
    common = np.log((seen[places] - 0.5) / len(sets))
    sums = np.concatenate([[0.0], np.cumsum(common)])
    figure = (sums[sets.starts[1:]] - sums[sets.starts[:-1]]) / np.maximum(sets.sizes, 1)
    far = _beside_like(figure[spoken], sets.sizes[spoken])
    return [(int(spoken[at]), round(float(far[at]), 1)) for at in np.flatnonzero(far < -STRANGE)]


def _beside_like(figure: Array, sizes: Array) -> Array:
    """Each figure's distance from the median of those of like size, in robust standard deviations."""
    order = np.argsort(sizes, kind="stable")
    far = np.zeros(len(figure))
    for part in np.array_split(order, max(1, len(order) // _BIN)):
        middle = np.median(figure[part])
        spread = _MAD * np.median(np.abs(figure[part] - middle))
        far[part] = (figure[part] - middle) / max(spread, 1e-3)
    return far
