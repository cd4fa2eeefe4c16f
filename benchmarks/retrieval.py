"""How fast documents are indexed and searched, against plain calls of FAISS and bm25s.

    python benchmarks/retrieval.py            100,000 chunks with given vectors, 1,000 queries; embedding
    python benchmarks/retrieval.py --short    the same, smaller
    python benchmarks/retrieval.py --memory   peak memory of indexing and searching
    … --json                                  one object for each figure on stdout

Everyone gets the same texts, vectors, index parameters and threads; each builds its index, saves it,
reads it again and answers all queries, and they take turns. Texts are words of a Zipf vocabulary; vectors
lie in clusters, as real ones do. Embedding is measured apart: chunks a second, against the library's own
`encode` at the best of several batch sizes. Settings are printed on stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from baselines.rag import bm25, dense
from baselines.rag.chunks import Chunking
from baselines.rag.corpus import Corpus, make_corpus, open_corpus
from baselines.rag.notices import silent
from evals.models import Loader

Found = list[list[int]]
WIDTH, CLUSTERS, SPREAD = 384, 2_000, 0.7
K = 10


@dataclass(frozen=True)
class Given:
    """The texts and vectors of a workload; a text begins with its own number, a query's with "q"."""

    texts: list[str]
    vectors: Any
    queries: list[str]
    asked: Any


class GivenVectors:
    """Implements `evals.types.Embedder` without computing anything."""

    name, fingerprint, context = "given", "given", 1 << 30

    def __init__(self, given: Given) -> None:
        self.given = given

    def lengths(self, texts: Sequence[str]) -> list[int]:
        return [0] * len(texts)

    def embed(self, texts: Sequence[str]) -> Any:
        if not texts:
            return self.given.vectors[:0]
        asking = texts[0].startswith("q")
        places = [int(text.split(" ", 1)[0].removeprefix("q")) for text in texts]
        return (self.given.asked if asking else self.given.vectors)[places]


def workload(chunks: int, queries: int, words: int = 120) -> Given:
    rng = np.random.default_rng(0)
    vocabulary = np.array([f"w{n}" for n in range(60_000)])
    centres = rng.standard_normal((CLUSTERS, WIDTH), np.float32)

    def vectors(near: Any) -> Any:
        found = near + SPREAD * rng.standard_normal(near.shape, np.float32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    def texts(count: int, length: int, mark: str) -> list[str]:
        picks = np.minimum(rng.zipf(1.3, (count, length)), len(vocabulary)) - 1
        return [f"{mark}{n} " + " ".join(vocabulary[row]) for n, row in enumerate(picks)]

    base = vectors(centres[rng.integers(0, CLUSTERS, chunks)])
    asked = vectors(base[rng.integers(0, chunks, queries)] * np.sqrt(WIDTH) / 2)
    return Given(texts(chunks, words, ""), base, texts(queries, 8, "q"), asked)


def corpus_of(given: Given, folder: Path) -> Corpus:
    path = folder / "documents.jsonl"
    with path.open("w") as file:
        file.writelines(json.dumps({"id": f"d{n}", "text": t}) + "\n" for n, t in enumerate(given.texts))
    start = time.perf_counter()
    corpus = open_corpus(make_corpus(path, Chunking(None, 0), Loader()).corpus)
    say(f"reading {len(corpus):,} documents, one chunk each: {time.perf_counter() - start:.1f} s")
    return corpus


def our_dense(corpus: Corpus, given: Given) -> Found:
    embedder = GivenVectors(given)
    _forget(corpus, "dense-*", "hnsw-*")
    dense.open_dense(corpus, embedder, silent)
    dense._graph.cache_clear()
    return dense.open_dense(corpus, embedder, silent).search(given.queries, K)


def plain_faiss(folder: Path, given: Given) -> Found:
    import faiss

    index = faiss.IndexHNSWFlat(WIDTH, dense.LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = dense.BUILD_WIDTH
    index.add(given.vectors)
    faiss.write_index(index, str(folder / "plain.faiss"))
    read: Any = faiss.read_index(str(folder / "plain.faiss"))
    read.hnsw.efSearch = dense.SEARCH_WIDTH
    found: Found = read.search(given.asked, K)[1].tolist()
    return found


def our_bm25(corpus: Corpus, given: Given) -> Found:
    _forget(corpus, "bm25-*")
    bm25.open_bm25(corpus, None, silent)
    return bm25.open_bm25(corpus, None, silent).search(given.queries, K)


def plain_bm25s(folder: Path, given: Given) -> Found:
    import bm25s

    settings: dict[str, Any] = {"stopwords": None, "token_pattern": bm25.WORD, "show_progress": False}
    index = bm25s.BM25(k1=bm25.K1, b=bm25.B)
    index.index(bm25s.tokenize(given.texts, **settings), show_progress=False)
    index.save(folder / "plain", show_progress=False)
    read = bm25s.BM25.load(folder / "plain", show_progress=False)
    asked = bm25s.tokenize(given.queries, **settings)
    found: Found = read.retrieve(asked, k=K, show_progress=False)[0].tolist()
    return found


def _forget(corpus: Corpus, *patterns: str) -> None:
    for pattern in patterns:
        for folder in corpus.folder.glob(pattern):
            shutil.rmtree(folder)
    dense._graph.cache_clear()


PEERS: dict[str, tuple[Callable[[Corpus, Given], Found], Callable[[Path, Given], Found]]] = {
    "faiss": (our_dense, plain_faiss),
    "bm25s": (our_bm25, plain_bm25s),
}


def indexing(given: Given, peers: Sequence[str], runs: int, folder: Path) -> Iterator[dict[str, Any]]:
    """Build, save, read and search, by turns; the second of each pair are the plain calls."""
    corpus = corpus_of(given, folder)
    for peer in peers:
        ours, plain = partial(PEERS[peer][0], corpus, given), partial(PEERS[peer][1], folder, given)
        times: tuple[list[float], list[float]] = ([], [])
        busy: tuple[list[float], list[float]] = ([], [])
        results: list[Found] = [[], []]
        for turn in range(runs):
            for side in (0, 1) if turn % 2 == 0 else (1, 0):
                start, cpu = time.perf_counter(), time.process_time()
                results[side] = (ours, plain)[side]()
                times[side].append(time.perf_counter() - start)
                busy[side].append(time.process_time() - cpu)
        say(f"{peer}: the same chunks for {100 * _overlap(*results):.1f} % of ranks 1 to {K}")
        if peer == "faiss":
            exact = np.argsort(-(given.asked[:200] @ given.vectors.T), 1)[:, :K]
            say(f"{peer}: {100 * _overlap(results[0][:200], exact.tolist()):.1f} % of the exact neighbours")
        spent = [statistics.median(b) for b in busy]
        more = 100 * (spent[0] / spent[1] - 1)
        say(f"{peer}: CPU seconds {spent[0]:.2f}, plain {spent[1]:.2f}: {more:+.1f} %")
        name = f"{len(corpus):,} chunks: build, save, read, {len(given.queries):,} queries"
        mine, theirs = (statistics.median(t) for t in times)
        yield figure(name, f"plain {peer}", "seconds", mine, theirs, runs)


def _overlap(first: Found, second: Found) -> float:
    return statistics.fmean(len({*a} & {*b}) / len(b) for a, b in zip(first, second, strict=True) if b)


def embedding(chunks: int, sizes: Sequence[int], runs: int, folder: Path) -> dict[str, Any]:
    """Chunks of 200 words embedded a second by the embedded default."""
    from evals.models.embed import SentenceEmbedder

    embedder = Loader().embedder("minilm")
    assert isinstance(embedder, SentenceEmbedder)
    rng = np.random.default_rng(1)
    words = [w for w in embedder._model.tokenizer.get_vocab() if w.isalpha() and len(w) > 3]
    texts = [" ".join(rng.choice(sorted(words), 200)) for _ in range(chunks)]
    given = Given(texts, None, [], None)
    corpus = corpus_of(given, folder)

    def ours() -> None:
        _forget(corpus, "dense-*")
        dense._flat.cache_clear()
        dense.open_dense(corpus, embedder, silent)

    def plain(batch: int) -> None:
        embedder._model.encode(texts, batch_size=batch, normalize_embeddings=True, show_progress_bar=False)

    few = texts[: max(64, chunks // 8)]
    tried = {}
    for batch in sizes:
        start = time.perf_counter()
        embedder._model.encode(few, batch_size=batch, show_progress_bar=False)
        tried[batch] = time.perf_counter() - start
    best = min(tried, key=tried.__getitem__)
    say(f"encode: seconds for {len(few)} chunks by batch size {tried}; best {best}")
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(runs):
        for side, run in enumerate((ours, partial(plain, best))):
            start = time.perf_counter()
            run()
            times[side].append(chunks / (time.perf_counter() - start))
    mine, theirs = (statistics.median(t) for t in times)
    name, peer = f"embedding {chunks:,} chunks of 200 words", f"sentence-transformers encode, batch {best}"
    return figure(name, peer, "chunks a second", mine, theirs, runs, more_is_better=True)


def memory(chunks: int, queries: int) -> Iterator[dict[str, Any]]:
    """Peak resident memory of a process that indexes and searches, above that of one that only has the
    texts and vectors."""
    peaks = {}
    for what in ("nothing", "ours", "plain"):
        command = [sys.executable, __file__, "--peak-of", what, "--chunks", str(chunks)]
        ended = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks[what] = float(ended.stdout)
    say(f"the texts and vectors themselves: {peaks['nothing']:.0f} MiB")
    mine, theirs = peaks["ours"] - peaks["nothing"], peaks["plain"] - peaks["nothing"]
    name = f"{chunks:,} chunks, {queries:,} queries"
    yield figure(name, "plain FAISS and bm25s", "MiB at the peak", mine, theirs, 1)


def peak(what: str, chunks: int, queries: int, folder: Path) -> float:
    """MiB at the peak of this process."""
    given = workload(chunks, queries)
    corpus = corpus_of(given, folder)
    if what == "ours":
        our_dense(corpus, given)
        our_bm25(corpus, given)
    elif what == "plain":
        plain_faiss(folder, given)
        plain_bm25s(folder, given)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def figure(
    name: str, peer: str, unit: str, mine: float, theirs: float, runs: int, *, more_is_better: bool = False
) -> dict[str, Any]:
    ratio = mine / theirs if more_is_better else theirs / mine
    numbers = {"ours": round(mine, 3), "theirs": round(theirs, 3), "ratio": round(ratio, 3), "runs": runs}
    return {"bench": "retrieval", "workload": name, "peer": peer, "unit": unit, **numbers}


def show(found: dict[str, Any], as_json: bool) -> None:
    line = "{workload}: {ours:g} {unit}, {peer} {theirs:g}: {ratio:.2f} times as good ({runs} runs)"
    print(json.dumps(found) if as_json else line.format(**found), flush=True)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", choices=(*PEERS, "embedding"))
    parser.add_argument("--runs", type=int, help="how often each takes its turn (3; short 2)")
    parser.add_argument("--chunks", type=int, help="chunks to index (100,000; short 10,000)")
    parser.add_argument("--peak-of", help=argparse.SUPPRESS)
    options = parser.parse_args()
    runs = options.runs or (2 if options.short else 3)
    chunks = options.chunks or (10_000 if options.short else 100_000)
    queries = 200 if options.short else 1_000
    dense.FLAT = 0  # the graph is measured, at any size
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["WB_CACHE"] = str(folder / "cache")
        if options.peak_of:
            print(peak(options.peak_of, chunks, queries, folder))
            return
        if options.memory:
            for found in memory(chunks, queries):
                show(found, options.json)
            return
        peers = [peer for peer in PEERS if options.only in (None, peer)]
        if peers:
            for found in indexing(workload(chunks, queries), peers, runs, folder):
                show(found, options.json)
        dense.FLAT = 50_000
        if options.only in (None, "embedding"):
            sizes, few = ((32, 64), 128) if options.short else ((32, 64, 128), 2_000)
            show(embedding(few, sizes, min(runs, 2), folder), options.json)


if __name__ == "__main__":
    main()
