"""Two rankings made one."""

from __future__ import annotations

from pathlib import Path

import pytest

from baselines.rag.fusion import CONSTANT, fuse, open_hybrid
from baselines.rag.notices import silent
from tests.baselines.rag.corpora import corpus_of
from tests.baselines.rag.embedders import Letters


def test_what_both_find_comes_before_what_one_finds() -> None:
    assert fuse([[1, 2, 3], [4, 2, 5]]) == [2, 1, 4, 3, 5]


def test_a_first_rank_outweighs_no_second_opinion() -> None:
    assert 1 / (CONSTANT + 1) < 2 / (CONSTANT + 50)
    assert fuse([[7], []]) == [7]
    assert fuse([[], []]) == []


@pytest.mark.parametrize(("query", "first"), [("E-4711", "car#1"), ("the cat purrs on a sofa", "cat#1")])
def test_a_hybrid_finds_by_word_and_by_vector(tmp_path: Path, query: str, first: str) -> None:
    corpus = corpus_of(tmp_path)
    (row,) = open_hybrid(corpus, Letters(), silent).search([query], 3)
    assert corpus.chunk(row[0]).id == first
    assert len(row) == 3
