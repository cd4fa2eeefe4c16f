"""Which setting is chosen by the gold it brings."""

from __future__ import annotations

from pathlib import Path

from baselines.rag.choice import Setting, best, race_of, recalls, with_known_gold
from evals.types import Example
from tests.baselines.rag.corpora import corpus_of


def setting(retriever: str, k: int, right: int, of: int = 100, tokens: int = 100) -> Setting:
    return Setting(tokens, "c", retriever, k, k * tokens, (1.0,) * right + (0.0,) * (of - right))


def test_the_highest_recall_wins_where_the_difference_is_clear() -> None:
    few, many = setting("bm25", 1, 60), setting("bm25", 5, 95)
    assert best([few, many]) is many


def test_of_equals_within_a_standard_error_the_fewest_tokens_win() -> None:
    few, many = setting("bm25", 1, 99), setting("bm25", 5, 100)
    assert best([few, many]) is few
    assert best([many, few]) is few


def test_at_equal_tokens_the_higher_recall_wins_then_the_first() -> None:
    bm25, dense, hybrid = setting("bm25", 3, 98), setting("dense", 3, 99), setting("hybrid", 3, 99)
    assert best([bm25, dense, hybrid]) is dense
    assert best([bm25, hybrid]) is hybrid


def test_one_row_is_enough_to_choose() -> None:
    assert best([setting("bm25", 1, 0, 1), setting("bm25", 3, 1, 1)]).k == 3


def test_recalls_are_those_of_the_first_k() -> None:
    rows = [Example("1", "q", "a", gold_doc_ids=("d",)), Example("2", "q", "a", gold_doc_ids=("d", "e"))]
    found = [["x#1", "d#2"], ["e#1", "e#2", "d#1"]]
    assert recalls(found, rows, 1) == (0.0, 0.5)
    assert recalls(found, rows, 3) == (1.0, 1.0)


def test_gold_ids_of_no_document_are_counted(tmp_path: Path) -> None:
    rows = [
        Example("1", "q", "a", gold_doc_ids=("cat",)),
        Example("2", "q", "a", gold_doc_ids=("dog#1", "elsewhere")),
        Example("3", "q", "a", gold_doc_ids=("elsewhere",)),
        Example("4", "q", "a"),
    ]
    known, unknown = with_known_gold(rows, corpus_of(tmp_path))
    assert ([row.id for row in known], unknown) == (["1", "2"], 1)


def test_a_race_takes_few_settings_that_differ_most() -> None:
    settings = [
        Setting(size, str(size), retriever, k, size * k)
        for size in (240, 120)
        for retriever in ("bm25", "dense", "hybrid")
        for k in (1, 3, 8)
    ]
    raced = [(s.chunk_tokens, s.retriever, s.k) for s in race_of(settings, 4)]
    assert raced == [(240, "bm25", 1), (240, "hybrid", 1), (240, "hybrid", 8), (120, "hybrid", 8)]
    assert race_of(settings[:1], 4) == settings[:1]
