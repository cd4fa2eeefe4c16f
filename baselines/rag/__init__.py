"""Retrieval: documents read and cut into chunks, chunks found again, the best of them shown to a model.

    documents -> chunks (structure.py, chunks.py) -> a corpus on disk (corpus.py)
              -> bm25.py, dense.py, fusion.py, a reranker -> passages.py
              -> grounding.py: numbered passages in a prompt;  choice.py, rung.py: which settings

The table lists the retrievers, the cheapest first; each is opened on a corpus and gives, for queries,
the positions of chunks, best first.
"""

from evals.table import Table

RETRIEVERS = Table(
    "retriever",
    {
        "bm25": "baselines.rag.bm25:open_bm25",
        "dense": "baselines.rag.dense:open_dense",
        "hybrid": "baselines.rag.fusion:open_hybrid",
    },
)
