"""Recall, reciprocal rank and nDCG of one ranking."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.ranking import document_of, ndcg, ranking, recall, reciprocal_rank

FOUND = ["a#1", "b#2", "a#2", "c#1"]


def test_recall_is_the_share_of_gold_among_the_first_k() -> None:
    assert [recall(FOUND, ["b", "c"], k) for k in (1, 2, 4, 9)] == [0, 0.5, 1, 1]
    assert recall(FOUND, ["a", "z"], 4) == 0.5
    assert recall([], ["a"], 5) == 0


def test_gold_may_be_a_document_or_one_of_its_chunks() -> None:
    assert reciprocal_rank(FOUND, ["a#2"]) == pytest.approx(1 / 3)
    assert reciprocal_rank(FOUND, ["a"]) == 1
    assert reciprocal_rank(FOUND, ["d"]) == 0
    assert [document_of(id) for id in ("a#1", "a", "c#", "x#y", "p#1#2")] == ["a", "a", "c#", "x#y", "p#1"]


def test_ndcg_discounts_by_the_logarithm_of_the_rank() -> None:
    assert ndcg(FOUND, ["a"]) == 1
    assert ndcg(FOUND, ["b"]) == pytest.approx(1 / math.log2(3))
    ideal = 1 + 1 / math.log2(3)
    assert ndcg(FOUND, ["a", "c"]) == pytest.approx((1 + 1 / math.log2(5)) / ideal)
    assert ndcg([f"x{n}" for n in range(10)] + ["a"], ["a"]) == 0


def test_ndcg_agrees_with_sklearn_where_every_document_is_one_chunk() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    gold, found = ["d3", "d7", "d8"], [f"d{n}" for n in range(10)]
    relevance = [[float(id in gold) for id in found]]
    scores = [[float(-rank) for rank in range(10)]]
    assert ndcg(found, gold) == pytest.approx(metrics.ndcg_score(relevance, scores, k=10))


def test_only_these_names_are_rankings() -> None:
    assert [
        name for name in ("recall@5", "mrr", "ndcg@10", "recall@0", "recall", "exact") if ranking(name)
    ] == [
        "recall@5",
        "mrr",
        "ndcg@10",
    ]
    of = ranking("recall@2")
    assert of is not None and of(FOUND, ["b"]) == 1


IDS = st.sampled_from(["a", "a#1", "a#2", "b", "b#1", "c"])


@given(st.lists(IDS, max_size=15), st.lists(IDS, min_size=1, max_size=5))
def test_every_figure_lies_between_0_and_1(found: list[str], gold: list[str]) -> None:
    for name in ("recall@1", "recall@5", "mrr", "ndcg@10"):
        of = ranking(name)
        assert of is not None and 0 <= of(found, gold) <= 1
