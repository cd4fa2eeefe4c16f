"""Passages for queries: the retriever's, and a reranker's order of them."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from baselines.rag.notices import notice
from baselines.rag.passages import Passages, open_retriever, rerank, search
from evals.errors import RunError, TaskError
from evals.models import Loader
from evals.models.rerank import open_reranker
from evals.types import Document
from tests.baselines.rag.corpora import PETS, corpus_of
from tests.baselines.rag.embedders import Letters, WithLetters
from tests.evals.models.cross_encoder import tiny_cross_encoder


def test_as_many_chunks_are_found_as_are_shown_or_kept(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path)
    for k, kept, count in ((1, 3, 3), (4, 1, 4), (1, 10, 5)):
        (row,) = search(Passages(corpus.id, "dense", k, "letters", found=kept), ["tea"], WithLetters())
        assert len(row) == count


def test_bm25_asks_for_no_embedder(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path)
    (row,) = search(Passages(corpus.id, "bm25", 1), ["two spoons"], Loader())
    assert [d.id for d in row] == ["tea#1"]


def test_an_index_is_opened_once(tmp_path: Path) -> None:
    corpus, embedder = corpus_of(tmp_path), Letters()
    assert open_retriever(corpus, "dense", embedder) is open_retriever(corpus, "dense", embedder)


def test_an_unknown_retriever_or_corpus_is_said(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"no retriever 'bm52'. Did you mean 'bm25'"):
        search(Passages(corpus_of(tmp_path).id, "bm52", 1), ["x"], Loader())
    with pytest.raises(RunError, match="missing or damaged"):
        search(Passages("f" * 32, "bm25", 1), ["x"], Loader())


def test_a_reranker_puts_what_is_found_in_its_own_order(tmp_path: Path) -> None:
    folder = tiny_cross_encoder(tmp_path / "reranker")
    corpus = corpus_of(tmp_path)
    passages = Passages(corpus.id, "dense", 2, "letters", str(folder), 5)
    queries = ["the warm cat", "income tax"]
    found = search(passages, queries, WithLetters())
    model = open_reranker(str(folder))
    for query, row in zip(queries, found, strict=True):
        scores = model.score([(query, d.text) for d in row])
        assert scores == sorted(scores, reverse=True)
        assert {d.id for d in row} == {f"{id}#1" for id in PETS}


def test_a_pair_longer_than_the_reranker_reads_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    notice.cache_clear()
    folder = tiny_cross_encoder(tmp_path / "reranker")
    with caplog.at_level(logging.WARNING):
        rerank(str(folder), ["a"], [[Document("long", "cat " * 100), Document("short", "cat")]])
    assert "1 of 2 pairs of query and passage are longer than the 32 tokens" in caplog.text
