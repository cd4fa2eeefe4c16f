"""Hybrid retrieval: BM25's and the embedder's rankings made one by reciprocal rank fusion.

A chunk's score is the sum over the rankings of 1 / (60 + its rank) (Cormack, Clarke and Büttcher 2009,
whose constant it is): ranks can be added where scores of different kinds cannot.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from baselines.rag.bm25 import open_bm25
from baselines.rag.corpus import Corpus
from baselines.rag.dense import open_dense
from evals.types import Embedder, Progress

CONSTANT = 60
DEPTH = 50
"""Ranks of each retriever that are fused."""


class Retriever(Protocol):
    """Finds chunks for queries."""

    def search(self, queries: Sequence[str], k: int) -> list[list[int]]:
        """For each query the positions of up to `k` chunks, best first."""


@dataclass(frozen=True)
class Hybrid:
    """A retriever that fuses what others find."""

    parts: tuple[Retriever, ...]

    def search(self, queries: Sequence[str], k: int) -> list[list[int]]:
        """The `k` best of all that the parts find among their first DEPTH."""
        found = [part.search(queries, max(k, DEPTH)) for part in self.parts]
        return [fuse(rankings)[:k] for rankings in zip(*found, strict=True)]


def open_hybrid(corpus: Corpus, embedder: Embedder | None, progress: Progress) -> Hybrid:
    """Both indexes of a corpus, built when they are not there."""
    return Hybrid((open_bm25(corpus, embedder, progress), open_dense(corpus, embedder, progress)))


def fuse(rankings: Sequence[Sequence[int]]) -> list[int]:
    """All that is ranked, best first; of equals the one that stands higher somewhere, then the first."""
    scores: dict[int, float] = defaultdict(float)
    best: dict[int, int] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, 1):
            scores[item] += 1 / (CONSTANT + rank)
            best[item] = min(rank, best.get(item, rank))
    return sorted(scores, key=lambda item: (-scores[item], best[item], item))
