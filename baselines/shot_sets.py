"""Which training rows to show: drawn, balanced over labels, spread over the inputs, or tried out on dev.

Each way gives `k` rows and is a function of the rows alone, whatever their order in the file.

- drawn: by the hash of the ids; the plain random draw that the others have to beat.
- balanced: the same draw, taking turns between the labels (for JSON: the values of the first field with
  an enumeration), the commonest first.
- diverse: the row nearest to the centre of each of `k` clusters of inputs (k-means over embeddings, as in
  Auto-CoT, Zhang et al., ICLR 2023); a row that is like none other makes no cluster of its own.
- gain: the rows whose sets do best on dev (the mean over the sets a row stands in, as in the in-context
  influences of Nguyen and Wong, 2023), from a diverse pool of `POOL`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from statistics import fmean
from typing import Any

from evals.graders import answer_text
from evals.output import OutputSpec
from evals.store import canonical
from evals.types import Embedder, Example, Json

POOL, SET, TURNS = 16, 4, 3
"""For `gain`: how many rows are tried, in sets of how many, each row in how many sets."""
GAIN_SETS = POOL // SET * TURNS
MOST_EMBEDDED = 2_000
"""Rows that are clustered, at most, chosen by the hash of their ids."""

Shown = tuple[Example, ...]


def drawn(train: Sequence[Example], k: int, draw: int = 0) -> Shown:
    """`k` rows, the same ones whatever the order of the file; another `draw`, other rows."""
    return tuple(_hashed(train, draw)[:k])


def balanced(train: Sequence[Example], k: int, output: OutputSpec) -> Shown:
    """`k` rows in turns over the strata, each stratum drawn; none when there are no strata."""
    strata: dict[str, list[Example]] = {}
    for row in _hashed(train, 0):
        label = stratum(row.target, output)
        if label is None:
            return ()
        strata.setdefault(label, []).append(row)
    common = sorted(strata.values(), key=len, reverse=True)
    turns = [row for turn in range(len(train)) for rows in common for row in rows[turn : turn + 1]]
    return tuple(turns[:k])


def stratum(target: Json, output: OutputSpec) -> str | None:
    """What a row is balanced by: its label, or its value of the first enumerated field of the schema."""
    if output.format == "labels":
        return answer_text(target)
    properties: Mapping[str, Any] = (output.schema or {}).get("properties", {})
    enumerated = (name for name, part in properties.items() if isinstance(part, dict) and "enum" in part)
    name = next(enumerated, None)
    if name is None or not isinstance(target, dict):
        return None
    return canonical(target.get(name))


def diverse(train: Sequence[Example], k: int, embedder: Embedder) -> Shown:
    """The rows at the centres of `k` clusters of inputs, the largest cluster first."""
    import faiss
    import numpy as np

    rows = _hashed(train, 0)[:MOST_EMBEDDED]
    if k >= len(rows):
        return tuple(rows)
    vectors = embedder.embed([row.input for row in rows])
    means = faiss.Kmeans(vectors.shape[1], k, niter=20, seed=1, min_points_per_centroid=1, spherical=True)
    means.train(vectors)
    near = vectors @ np.asarray(means.centroids).T
    sizes = np.bincount(near.argmax(axis=1), minlength=k)
    chosen: dict[int, None] = {}
    for cluster in sorted(range(k), key=lambda c: (-sizes[c], c)):
        best = next(int(i) for i in np.argsort(-near[:, cluster], kind="stable") if int(i) not in chosen)
        chosen[best] = None
    return tuple(rows[i] for i in chosen)


def gain_sets(pool: Sequence[Example], seed: int) -> Iterator[Shown]:
    """Sets of SET rows in which each row of the pool stands TURNS times (fewer where the pool is no
    multiple of SET)."""
    shuffled, chance = list(pool), random.Random(seed)
    for _ in range(TURNS):
        chance.shuffle(shuffled)
        for start in range(0, len(shuffled) - len(shuffled) % SET, SET):
            yield tuple(shuffled[start : start + SET])


def by_gain(figures: Sequence[tuple[Shown, float]], k: int) -> Shown:
    """The `k` rows with the best mean figure over the sets they stand in, the best one last, next to the
    question; equal ones by id."""
    found: dict[str, list[float]] = {}
    for shown, figure in figures:
        for row in shown:
            found.setdefault(row.id, []).append(figure)
    rows = {row.id: row for shown, _ in figures for row in shown}
    best = sorted(rows, key=lambda id: (-fmean(found[id]), id))[:k]
    return tuple(rows[id] for id in reversed(best))


def orders(shots: Shown, count: int, seed: int) -> dict[str, Shown]:
    """At most `count` orders of the same shots, as they come first, then reversed, then shuffled."""
    found = {"as chosen": shots, "reversed": shots[::-1]}
    chance = random.Random(seed)
    for number in range(1, 10 * count):
        mixed = tuple(chance.sample(shots, len(shots)))
        if mixed not in found.values():
            found[f"shuffled {number}"] = mixed
        if len(found) >= count:
            break
    return dict(list(found.items())[:count]) if len(shots) > 1 else {"as chosen": shots}


def _hashed(train: Sequence[Example], draw: int) -> list[Example]:
    return sorted(train, key=lambda e: sha256(f"{draw}:{e.id}".encode()).digest())
