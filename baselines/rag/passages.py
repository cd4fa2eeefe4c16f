"""Which passages stand in a prompt: by reference, so that an approach stays a small value.

`Passages` names a corpus by the hash of its chunks and says how they are searched; `search` finds those
for a list of queries.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from baselines.rag import RETRIEVERS
from baselines.rag.corpus import Corpus, open_corpus
from baselines.rag.fusion import Retriever
from baselines.rag.notices import notice, silent
from evals.types import Document, Embedder, Models, Progress

log = logging.getLogger(__name__)

RERANKED = 30
"""Chunks that a reranker puts in order anew."""
FEWEST_FOUND = 10
"""Ids kept of each query at least, so that ndcg@10 can be told whatever stands in the prompt."""


@dataclass(frozen=True)
class Passages:
    """The `k` best chunks of `corpus` for the query's input, numbered, with `instruction` above them.

    `retriever` is a key of RETRIEVERS; `embedder` and `reranker` are names of models, None where the
    retriever takes none. The ids of the first `found` chunks are kept with the answer.
    """

    corpus: str
    retriever: str
    k: int
    embedder: str | None = None
    reranker: str | None = None
    found: int = FEWEST_FOUND
    instruction: str = ""


def search(passages: Passages, queries: Sequence[str], models: Models) -> list[list[Document]]:
    """For each query its chunks, best first: `k` of them, or `found` if that is more, or all there are.

    Raises RunError when the corpus is not on this machine.
    """
    corpus = open_corpus(passages.corpus)
    embedder = models.embedder(passages.embedder) if passages.embedder else None
    retriever = open_retriever(corpus, passages.retriever, embedder)
    wanted = max(passages.k, passages.found)
    if passages.reranker is None:
        found = retriever.search(queries, wanted)
        return [[corpus.chunk(place) for place in row] for row in found]
    first = retriever.search(queries, max(wanted, RERANKED))
    candidates = [[corpus.chunk(place) for place in row] for row in first]
    return [row[:wanted] for row in rerank(passages.reranker, queries, candidates)]


def open_retriever(
    corpus: Corpus, retriever: str, embedder: Embedder | None, progress: Progress = silent
) -> Retriever:
    """A retriever on a corpus, its index built when it is not there. Raises TaskError for a name that is
    none."""
    slot = _slot(corpus, retriever, embedder)
    if not slot:
        slot.append(RETRIEVERS.load(retriever, key="retriever")(corpus, embedder, progress))
    return slot[0]


@lru_cache(maxsize=6)
def _slot(corpus: Corpus, retriever: str, embedder: Embedder | None) -> list[Retriever]:
    """Where what is open is kept, so that an index is checked and loaded once."""
    return []


def rerank(
    name: str, queries: Sequence[str], candidates: Sequence[Sequence[Document]]
) -> list[list[Document]]:
    """Each query's candidates by a cross-encoder's score, best first. Of a pair that is longer than it
    reads only the beginning counts, which is said."""
    from evals.models.rerank import open_reranker

    model = open_reranker(name)
    pairs = [(query, d.text) for query, row in zip(queries, candidates, strict=True) for d in row]
    if cut := sum(n > model.context for n in model.lengths(pairs)):
        notice(
            log,
            f"{cut} of {len(pairs)} pairs of query and passage are longer than the {model.context} tokens "
            f"that {name} reads: the rest of each does not count in the order",
        )
    scores = iter(model.score(pairs))
    scored = [[(next(scores), document) for document in row] for row in candidates]
    return [[d for _, d in sorted(row, key=lambda pair: -pair[0])] for row in scored]
