"""BM25 over a corpus's chunks, by `bm25s`: which chunks share the query's rare words.

Words are runs of letters and digits, folded to lower case, without stopwords or stems, so that no
language is assumed (on 500 questions of PubMedQA's training half, recall@1 .956 this way, .950 without
English stopwords). k1 = 1.5 and b = 0.75, as Robertson and Zaragoza (2009) have them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from baselines.rag.corpus import Corpus
from baselines.rag.shelf import ensure
from evals.store import digest, disk_errors
from evals.types import Embedder, Progress

FORMAT = 1
WORD = r"(?u)\w+"
K1, B = 1.5, 0.75
_words = re.compile(WORD).findall


class Bm25:
    """A retriever; its scores stay on the disk and are read as needed."""

    def __init__(self, folder: Path) -> None:
        import bm25s

        logging.getLogger("bm25s").setLevel(logging.WARNING)
        self._index = bm25s.BM25.load(folder, mmap=True, show_progress=False)
        self._known = self._index.vocab_dict
        self._size = int(self._index.scores["num_docs"])

    def search(self, queries: Sequence[str], k: int) -> list[list[int]]:
        """For each query the positions of up to `k` chunks that share a word with it, best first."""
        words = [[word for word in _words(query.lower()) if word in self._known] for query in queries]
        asked = [place for place, found in enumerate(words) if found]
        rows: list[list[int]] = [[] for _ in queries]
        if not asked:
            return rows
        places, scores = self._index.retrieve(
            [words[place] for place in asked],
            k=min(k, self._size),
            show_progress=False,
            backend_selection="numpy",
        )
        for place, found, values in zip(asked, places, scores, strict=True):
            rows[place] = [int(i) for i, value in zip(found, values, strict=True) if value > 0]
        return rows


def open_bm25(corpus: Corpus, embedder: Embedder | None, progress: Progress) -> Bm25:
    """The index of a corpus, built when it is not there; it takes no embedder."""
    made_with = version("bm25s")
    folder = corpus.folder / f"bm25-{digest([FORMAT, WORD, K1, B, made_with], 12)}"
    about = {"retriever": "bm25", "bm25s": made_with, "k1": K1, "b": B, "chunks": len(corpus)}
    ensure(folder, about, lambda at: _build(corpus, at, progress))
    return Bm25(folder)


def _build(corpus: Corpus, folder: Path, progress: Progress) -> None:
    import bm25s
    from bm25s.tokenization import Tokenizer

    logging.getLogger("bm25s").setLevel(logging.WARNING)
    progress("documents: BM25", 0, len(corpus))
    tokenizer = Tokenizer(splitter=WORD, stopwords=None)
    ids: list[Any] = list(tokenizer.streaming_tokenize(corpus.texts(), update_vocab=True))
    index = bm25s.BM25(k1=K1, b=B)
    index.index((ids, tokenizer.get_vocab_dict()), show_progress=False)
    with disk_errors(folder):
        index.save(folder, show_progress=False)
    progress("documents: BM25", len(corpus), len(corpus))
