"""Dense retrieval: exact or by graph, resumed where it was killed, mended where it is damaged."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from baselines.rag import dense
from baselines.rag.corpus import Corpus
from baselines.rag.dense import VECTORS, open_dense, seconds_to_embed, too_long
from baselines.rag.notices import notice, silent
from evals.models import Loader
from evals.types import Embedder
from tests.baselines.rag.corpora import PETS, corpus_of
from tests.baselines.rag.embedders import Letters

MANY = {f"d{n}": f"{chr(97 + n % 26) * (n + 1)} {chr(97 + n % 7) * 5} word" for n in range(60)}


def found(corpus: Corpus, embedder: Embedder, query: str, k: int = 3) -> list[str]:
    (row,) = open_dense(corpus, embedder, silent).search([query], k)
    return [corpus.chunk(i).id for i in row]


def folder_of(corpus: Corpus, kind: str = "dense") -> Path:
    (folder,) = (p for p in corpus.folder.glob(f"{kind}-*") if p.is_dir())
    return folder


def test_chunks_of_like_meaning_are_found(tmp_path: Path, models: Loader) -> None:
    corpus, embedder = corpus_of(tmp_path), models.embedder("minilm")
    assert found(corpus, embedder, "a kitten naps on a couch")[0] == "cat#1"
    assert found(corpus, embedder, "levies on company profit")[0] == "tax#1"


def test_one_document_is_enough(tmp_path: Path) -> None:
    assert found(corpus_of(tmp_path, {"only": "One."}), Letters(), "one", 5) == ["only#1"]


def test_an_index_is_built_once_and_anew_for_another_embedder(tmp_path: Path) -> None:
    embedded: list[str] = []
    corpus = corpus_of(tmp_path)
    for _ in range(2):
        open_dense(corpus, Letters(embedded.extend), silent)
    assert embedded == list(PETS.values())
    open_dense(corpus, Letters(embedded.extend, "other weights"), silent)
    assert embedded == 2 * list(PETS.values())


def test_a_killed_build_goes_on_behind_the_last_whole_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dense, "BLOCK", 16)
    monkeypatch.setattr(dense, "seconds_to_embed", lambda corpus, embedder: 0.0)
    corpus = corpus_of(tmp_path, MANY)
    blocks: list[list[str]] = []

    def killed(texts: Sequence[str]) -> None:
        blocks.append(list(texts))
        if len([b for b in blocks if b]) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_dense(corpus, Letters(killed), silent)
    part = folder_of(corpus) / dense.PART
    part.write_bytes(part.read_bytes() + b"torn")
    again: list[list[str]] = []
    open_dense(corpus, Letters(lambda texts: again.append(list(texts))), silent)
    assert [len(b) for b in again if b] == [16, 12]
    whole = np.fromfile(folder_of(corpus) / VECTORS, np.float32).reshape(60, 26)
    assert np.array_equal(whole, Letters().embed(list(corpus.texts())))


def test_a_corrupt_index_is_said_and_built_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    corpus = corpus_of(tmp_path)
    before = found(corpus, Letters(), "the cat purrs")
    path = folder_of(corpus) / VECTORS
    path.write_bytes(bytes(path.stat().st_size))
    with caplog.at_level(logging.WARNING):
        assert found(corpus, Letters(), "the cat purrs") == before
    assert "is damaged (vectors.f32) and is made again" in caplog.text


def test_a_large_corpus_is_searched_by_a_graph_that_is_mended_without_embedding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = corpus_of(tmp_path, MANY)
    exact = found(corpus, Letters(), "aaa ccc", 5)
    monkeypatch.setattr(dense, "FLAT", 10)
    embedded: list[str] = []
    assert found(corpus, Letters(embedded.extend), "aaa ccc", 5) == exact
    graph = folder_of(corpus, "hnsw") / dense.GRAPH
    graph.write_bytes(b"garbage")
    dense._graph.cache_clear()
    assert found(corpus, Letters(embedded.extend), "aaa ccc", 5) == exact
    assert embedded == ["aaa ccc", "aaa ccc"]


def test_a_long_build_is_said_before_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(dense, "LONG", 0.0)
    steps: list[tuple[int, int]] = []
    said: list[bool] = []

    def progress(step: str, done: int, total: int) -> None:
        said.append("60 chunks will take about" in caplog.text)
        steps.append((done, total))

    with caplog.at_level(logging.WARNING):
        open_dense(corpus_of(tmp_path, MANY), Letters(), progress)
    assert steps == [(0, 60), (60, 60)] and all(said)


def test_what_is_built_takes_no_time(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, MANY)
    assert seconds_to_embed(corpus, Letters()) > 0
    open_dense(corpus, Letters(), silent)
    assert seconds_to_embed(corpus, Letters()) == 0


def test_texts_longer_than_the_embedder_reads_are_counted_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    notice.cache_clear()
    corpus = corpus_of(tmp_path, {**PETS, "long": "word " * 60})
    with caplog.at_level(logging.WARNING):
        open_dense(corpus, Letters(), silent)
    assert "1 of 6 chunks are longer than the 40 tokens that letters reads" in caplog.text


def test_the_real_embedder_knows_its_context(models: Loader) -> None:
    embedder = models.embedder("minilm")
    assert embedder.context == 254
    assert too_long(embedder, ["tea " * 254, "tea " * 255, "short"]) == 1
    assert embedder.lengths(["tea " * 255, ""]) == [255, 0]
