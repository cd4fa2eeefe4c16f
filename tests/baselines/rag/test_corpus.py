"""Chunks on disk: made once, found by their hash, checked before they are used."""

from __future__ import annotations

from pathlib import Path

import pytest

from baselines.rag.chunks import Chunking
from baselines.rag.corpus import CHUNKS, give_chunks, home, keep_chunks, make_corpus, open_corpus
from evals.errors import RunError
from evals.models import Loader
from evals.types import Document
from tests.baselines.rag.corpora import PETS, corpus_of, write_documents

WHOLE = Chunking(None, 0)


def test_chunks_are_read_back_by_position(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, {**PETS, "odd": 'Zeile\u2028eins "zwei"'})
    assert len(corpus) == 6
    assert corpus.chunk(0) == Document("cat#1", PETS["cat"])
    assert corpus.chunk(5) == Document("odd#1", 'Zeile\u2028eins "zwei"')
    assert list(corpus.texts(1, 3)) == [PETS["dog"], PETS["tea"]]
    assert list(corpus.ids()) == [f"{id}#1" for id in (*PETS, "odd")]


def test_one_document_is_a_corpus(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, {"only": "One."})
    assert [corpus.chunk(i).text for i in range(len(corpus))] == ["One."]


def test_documents_are_cut_once_and_again_when_they_or_the_chunking_change(tmp_path: Path) -> None:
    path, models = write_documents(tmp_path), Loader()
    made = make_corpus(path, WHOLE, models)
    before = (home() / made.corpus / CHUNKS).stat().st_mtime_ns
    assert make_corpus(path, WHOLE, models) == made
    assert (home() / made.corpus / CHUNKS).stat().st_mtime_ns == before
    assert (made.documents, made.chunks) == (5, 5)
    smaller = make_corpus(path, Chunking(6, 2), models)
    assert smaller.corpus != made.corpus and smaller.chunks > 5
    write_documents(tmp_path, {**PETS, "cat": "Another cat."})
    assert make_corpus(path, WHOLE, models).corpus != made.corpus


def test_damaged_chunks_are_cut_again(tmp_path: Path) -> None:
    path, models = write_documents(tmp_path), Loader()
    made = make_corpus(path, WHOLE, models)
    (home() / made.corpus / CHUNKS).write_text('{"id": "cat#1", "text": "changed"}\n')
    assert make_corpus(path, WHOLE, models) == made
    assert open_corpus(made.corpus).chunk(0).text == PETS["cat"]


def test_a_corpus_that_is_not_here_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"missing or damaged.*\n.*wb assess"):
        open_corpus("0" * 32)


def test_chunks_that_were_given_away_bring_a_corpus_back(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path)
    give_chunks(corpus.id, tmp_path / "run" / CHUNKS)
    (home() / corpus.id / CHUNKS).unlink()
    keep_chunks(tmp_path / "run" / CHUNKS, corpus.id)
    assert open_corpus(corpus.id).chunk(0).text == PETS["cat"]


def test_chunks_damaged_in_both_places_are_refused(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path)
    (tmp_path / CHUNKS).write_text("{}\n")
    keep_chunks(tmp_path / CHUNKS, corpus.id)  # not needed: the cache has them
    (home() / corpus.id / CHUNKS).unlink()
    with pytest.raises(RunError, match="is missing or damaged, and so are the chunks in the cache"):
        keep_chunks(tmp_path / CHUNKS, corpus.id)
