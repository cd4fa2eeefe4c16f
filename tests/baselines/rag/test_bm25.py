"""BM25 over chunks."""

from __future__ import annotations

from pathlib import Path

from baselines.rag.bm25 import Bm25, open_bm25
from baselines.rag.corpus import Corpus
from baselines.rag.notices import silent
from tests.baselines.rag.corpora import corpus_of


def names(corpus: Corpus, found: list[list[int]]) -> list[list[str]]:
    return [[corpus.chunk(i).id for i in row] for row in found]


def opened(corpus: Corpus) -> Bm25:
    return open_bm25(corpus, None, silent)


def test_chunks_that_share_words_are_found_the_best_first(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path)
    found = opened(corpus).search(["GREEN tea and sofa", "error e 4711"], 3)
    assert names(corpus, found)[0][:2] == ["tea#1", "cat#1"]
    assert names(corpus, found)[1] == ["car#1"]


def test_what_shares_no_word_is_not_found(tmp_path: Path) -> None:
    assert opened(corpus_of(tmp_path)).search(["zebra", "", "!?"], 3) == [[], [], []]
    assert opened(corpus_of(tmp_path)).search([], 3) == []


def test_one_document_is_enough(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, {"only": "One document."})
    assert opened(corpus).search(["a document"], 10) == [[0]]


def test_documents_without_any_word_are_indexed_and_never_found(tmp_path: Path) -> None:
    assert opened(corpus_of(tmp_path, {"a": "!!!", "b": "..."})).search(["anything !!!"], 2) == [[]]


def test_an_index_on_disk_finds_the_same(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path)
    first = opened(corpus).search(["the cat and the dog"], 4)
    (folder,) = corpus.folder.glob("bm25-*")
    before = {p.name: p.stat().st_mtime_ns for p in folder.iterdir()}
    assert opened(corpus).search(["the cat and the dog"], 4) == first
    assert {p.name: p.stat().st_mtime_ns for p in folder.iterdir()} == before


def test_a_corrupt_index_is_built_again(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path)
    first = opened(corpus).search(["the cat and the dog"], 4)
    (folder,) = corpus.folder.glob("bm25-*")
    (folder / "data.csc.index.npy").write_bytes(b"garbage")
    assert opened(corpus).search(["the cat and the dog"], 4) == first
