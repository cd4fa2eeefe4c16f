"""Dense retrieval over a corpus's chunks: an embedder's vectors, searched with FAISS.

Up to FLAT chunks every query is compared with every vector, exactly; above, an HNSW graph (Malkov and
Yashunin 2016) finds nearly all of the same in a fraction of the time. Vectors are written block by
block, each flushed before the next is computed: a build that was killed goes on behind the last whole
block. The graph can be made again from the vectors alone; linked by several threads it is not the same
twice, so it is kept.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from baselines.rag.corpus import Corpus
from baselines.rag.notices import notice
from baselines.rag.shelf import MANIFEST, ensure
from evals.store import digest, disk_errors
from evals.types import Embedder, Progress

log = logging.getLogger(__name__)

FORMAT = 1
VECTORS, PART, GRAPH = "vectors.f32", "vectors.part", "graph.faiss"
BLOCK = 512
FLAT = 50_000
LINKS, BUILD_WIDTH, SEARCH_WIDTH = 32, 80, 128
"""HNSW's M, efConstruction and efSearch."""
LONG = 600.0
"""Seconds of embedding above which it is said before it begins."""
PROBE = 32
"""Chunks, at most, whose embedding is timed to predict that of all."""


class Dense:
    """A retriever; `index` gives the nearest vectors by inner product."""

    def __init__(self, index: Any, embedder: Embedder) -> None:
        self.index, self.embedder = index, embedder

    def search(self, queries: Sequence[str], k: int) -> list[list[int]]:
        """For each query the positions of the `k` nearest chunks, nearest first. Of a query that is longer
        than the embedder's context only the beginning counts."""
        _, found = self.index.search(self.embedder.embed(queries), min(k, self.index.ntotal))
        return [[int(i) for i in row if i >= 0] for row in found]


def open_dense(corpus: Corpus, embedder: Embedder | None, progress: Progress) -> Dense:
    """The index of a corpus by an embedder, built when it is not there."""
    if embedder is None:
        raise ValueError("dense retrieval needs an embedder")
    folder = _folder(corpus, embedder)
    about = {"retriever": "dense", "embedder": embedder.name, "fingerprint": embedder.fingerprint}
    about |= {"sentence-transformers": version("sentence-transformers"), "chunks": str(len(corpus))}
    ensure(folder, about, lambda at: _embed(corpus, embedder, at, progress))
    if len(corpus) <= FLAT:
        return Dense(_flat(str(folder), len(corpus)), embedder)
    made_with = version("faiss-cpu")
    graph = folder.with_name(f"hnsw-{digest([folder.name, made_with, LINKS, BUILD_WIDTH], 12)}")
    about |= {"faiss": made_with, "links": str(LINKS), "width": str(BUILD_WIDTH)}
    ensure(graph, about, lambda at: _link(_vectors(folder, len(corpus)), at, progress))
    return Dense(_graph(str(graph)), embedder)


def _folder(corpus: Corpus, embedder: Embedder) -> Path:
    key = [FORMAT, embedder.fingerprint, version("sentence-transformers")]
    return corpus.folder / f"dense-{digest(key, 12)}"


def _vectors(folder: Path, count: int) -> Any:
    return np.memmap(folder / VECTORS, np.float32, "r").reshape(count, -1)


@lru_cache(maxsize=3)
def _flat(folder: str, count: int) -> Any:
    import faiss

    vectors = _vectors(Path(folder), count)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors))
    return index


@lru_cache(maxsize=2)
def _graph(folder: str) -> Any:
    import faiss

    index: Any = faiss.read_index(str(Path(folder) / GRAPH))
    index.hnsw.efSearch = SEARCH_WIDTH
    return index


def are_longer(embedder: Embedder, texts: Sequence[str]) -> list[bool]:
    """Which of the texts have more tokens than the embedder reads. A text of fewer characters is not
    counted: a token is at least one."""
    long = [text for text in texts if len(text) > embedder.context]
    counts = iter(embedder.lengths(long))
    return [len(text) > embedder.context and next(counts) > embedder.context for text in texts]


def too_long(embedder: Embedder, texts: Sequence[str]) -> int:
    """How many of the texts have more tokens than the embedder reads."""
    return sum(are_longer(embedder, texts))


def say_cut(cut: int, of: int, what: str, embedder: Embedder) -> None:
    """Warn that the rest of so many texts does not count."""
    notice(
        log,
        f"{cut} of {of} {what} are longer than the {embedder.context} tokens that {embedder.name} reads: "
        "the rest of each does not count in the search",
    )


def seconds_to_embed(corpus: Corpus, embedder: Embedder) -> float:
    """How long embedding what is not yet embedded will take, measured on a few chunks from all over the
    corpus; 0 when the index is there, or the corpus too small to matter."""
    folder, count = _folder(corpus, embedder), min(PROBE, len(corpus) // 16)
    if not count or (folder / MANIFEST).is_file():
        return 0.0
    texts = [corpus.chunk(n * len(corpus) // count).text for n in range(count)]
    width = embedder.embed(texts[:1]).shape[1]  # loads the weights, too
    start = time.perf_counter()
    embedder.embed(texts)
    each = (time.perf_counter() - start) / count
    part = folder / PART
    done = part.stat().st_size // (4 * width) if part.is_file() else 0
    return each * (len(corpus) - done)


def _embed(corpus: Corpus, embedder: Embedder, folder: Path, progress: Progress) -> None:
    """Write all vectors, float32 rows of length one; what an earlier build left is continued."""
    if (folder / VECTORS).is_file():
        return
    if (seconds := seconds_to_embed(corpus, embedder)) > LONG:
        log.warning(
            "embedding %s chunks will take about %.0f minutes, once; if interrupted it continues",
            f"{len(corpus):,}",
            seconds / 60,
        )
    total, width = len(corpus), embedder.embed([]).shape[1]
    part, cut = folder / PART, 0
    for start in range(_whole_blocks(part, 4 * width), total, BLOCK):
        progress("documents: embedding", start, total)
        texts = list(corpus.texts(start, start + BLOCK))
        cut += too_long(embedder, texts)
        vectors = embedder.embed(texts)
        with disk_errors(part), part.open("ab") as file:
            file.write(memoryview(vectors).cast("B"))
    progress("documents: embedding", total, total)
    if cut:
        say_cut(cut, total, "chunks", embedder)
    with disk_errors(part), part.open("rb") as file:
        os.fsync(file.fileno())
        part.replace(folder / VECTORS)


def _whole_blocks(part: Path, row: int) -> int:
    """How many vectors of `row` bytes an earlier build left in whole blocks; what comes after is cut off."""
    with disk_errors(part), part.open("ab") as file:
        blocks = file.tell() // (row * BLOCK)
        file.truncate(blocks * row * BLOCK)
    return blocks * BLOCK


def _link(vectors: Any, folder: Path, progress: Progress) -> None:
    """Build the graph over the vectors, block by block so that they need not all be in memory twice."""
    import faiss

    index = faiss.IndexHNSWFlat(vectors.shape[1], LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = BUILD_WIDTH
    step = 20 * BLOCK
    for start in range(0, len(vectors), step):
        progress("documents: linking", start, len(vectors))
        index.add(np.ascontiguousarray(vectors[start : start + step]))
    with disk_errors(folder):
        faiss.write_index(index, str(folder / GRAPH))
    progress("documents: linking", len(vectors), len(vectors))
