"""How well a ranking finds the documents that are known to be right: recall@k, MRR, nDCG@10.

Pure functions of one query's ranked ids and its gold ids; each gives a figure in [0, 1]. A chunk is
named `<document id>#<number>`: a gold id may be a chunk's or a document's, and a document is found
where the first of its chunks stands. Ranks count what was retrieved as it stands, chunk by chunk,
because that is what a prompt shows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from functools import partial

Ranking = Callable[[Sequence[str], Sequence[str]], float]
"""(ids found, best first; gold ids) to a figure in [0, 1]."""

SHOWN = ("recall@1", "recall@5", "mrr", "ndcg@10")
"""What is shown of an approach that retrieves, asked for or not."""


def ranking(metric: str) -> Ranking | None:
    """The function of a metric's name ("recall@5", "mrr", "ndcg@10"), None for any other metric."""
    if found := re.fullmatch(r"recall@([1-9][0-9]*)", metric):
        return partial(recall, k=int(found[1]))
    return {"mrr": reciprocal_rank, "ndcg@10": ndcg}.get(metric)


def document_of(source: str) -> str:
    """The document that a chunk's id names: "guide.md" of "guide.md#3"."""
    document, mark, number = source.rpartition("#")
    return document if mark and number.isdigit() else source


def recall(sources: Sequence[str], gold: Sequence[str], k: int) -> float:
    """The share of the gold ids that stand among the first `k` sources."""
    wanted = set(gold)
    return sum(rank <= k for rank in _ranks(sources, wanted)) / len(wanted)


def reciprocal_rank(sources: Sequence[str], gold: Sequence[str]) -> float:
    """1 / the rank of the first source that is gold, 0 when none is (Voorhees 1999, TREC-8)."""
    ranks = _ranks(sources, set(gold))
    return 1 / min(ranks) if ranks else 0.0


def ndcg(sources: Sequence[str], gold: Sequence[str], k: int = 10) -> float:
    """Normalised discounted cumulative gain at `k` (Järvelin and Kekäläinen 2002): a rank that brings a
    gold id not found before gains 1 / log2(rank + 1), against the same for the gold ids at the top."""
    wanted = set(gold)
    gained = {rank for rank in _ranks(sources, wanted) if rank <= k}
    ideal = range(1, min(len(wanted), k) + 1)
    return sum(1 / math.log2(rank + 1) for rank in gained) / sum(1 / math.log2(rank + 1) for rank in ideal)


def _ranks(sources: Sequence[str], wanted: set[str]) -> list[int]:
    """For every gold id that was found the rank, from 1, where it first stands."""
    first: dict[str, int] = {}
    for rank, source in enumerate(sources, 1):
        for name in (source, document_of(source)):
            first.setdefault(name, rank)
    return [first[name] for name in wanted if name in first]
