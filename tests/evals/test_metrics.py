"""Values of metrics, out of rows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evals.metrics import (
    amount,
    evidence,
    figures,
    grader_metrics,
    in_slice,
    is_amount,
    label,
    ranking_score,
    sentence,
)
from evals.task import Prices
from evals.types import ModelRef, Requirement, Row, Usage
from tests.evals.measurements import Asked, a_row, approach, quality, rows_of

PRICED = Asked((), prices=Prices(1.0, 2.0, 3.6))


def test_a_grader_is_the_mean_of_its_scores() -> None:
    assert evidence("exact", rows_of([1.0, 0.5, 0.0])).present.value == 0.5


def test_a_part_is_pooled_over_the_rows_that_have_it() -> None:
    rows = [
        a_row("a", {"json": 1.0}, counts={"micro": (1, 1)}),
        a_row("b", {"json": 0.2}, counts={"micro": (1, 4), "name": (1, 1)}),
        a_row("c", {"json": 0.0}),
    ]
    assert evidence("json.micro", rows).present.value == pytest.approx(0.4)
    assert evidence("json.name", rows).present.n == 1
    assert grader_metrics(rows) == ["json", "json.micro", "json.name"]


def test_rows_in_error_are_missing_and_counted_both_ways() -> None:
    found = evidence("exact", rows_of([1.0, 1.0, None]), unpredicted=1)
    assert (found.present.value, found.missing) == (1.0, 2)
    assert (found.all_wrong.value, found.all_right.value) == (0.5, 1.0)


def test_a_missing_row_weighs_as_much_as_the_heaviest_in_a_pool() -> None:
    rows = [a_row("a", {"json": 1.0}, counts={"micro": (8, 8)}), a_row("b", None)]
    assert evidence("json.micro", rows).all_wrong.value == 0.5


def test_the_error_rate_counts_errors_and_misses_none() -> None:
    found = evidence("error_rate", rows_of([1.0, None, None, 0.0]))
    assert (found.present.value, found.missing) == (0.5, 0)


def test_an_answer_without_a_score_is_a_fault() -> None:
    rows = [a_row("a", {"exact": 1.0}), a_row("b", {"other": 1.0})]
    with pytest.raises(ValueError, match="row b has an answer but no score of exact"):
        evidence("exact", rows)


def test_a_metric_that_nothing_gives_has_no_rows() -> None:
    assert evidence("recall@5", rows_of([1.0])).present.n == 0


def found(id: str, sources: tuple[str, ...], gold: tuple[str, ...], *, error: bool = False) -> Row:
    row = a_row(id, None if error else {"exact": 1.0})
    example = replace(row.example, gold_doc_ids=gold)
    return replace(row, example=example, prediction=replace(row.prediction, sources=sources))


def test_rankings_are_judged_by_the_rows_that_name_their_gold() -> None:
    rows = [found("a", ("d#1", "e#1"), ("d",)), found("b", ("e#1", "d#1"), ("d",)), found("c", (), ("d",))]
    rows += [found("d", ("d#1",), ())]
    assert evidence("recall@1", rows).present.value == pytest.approx(1 / 3)
    assert evidence("mrr", rows).present.value == pytest.approx(0.5)
    assert evidence("ndcg@10", rows).present.n == 3


def test_a_row_in_error_misses_a_ranking_only_where_it_names_gold() -> None:
    rows = [found("a", ("d#1",), ("d",)), found("b", (), ("d",), error=True), found("c", (), (), error=True)]
    assert evidence("recall@1", rows).missing == 1
    assert ranking_score("recall@1", rows[1]) is None
    assert ranking_score("exact", rows[0]) is None


def test_an_approach_that_retrieves_shows_how_well() -> None:
    measured = approach("rag", [found("a", ("d#1",), ("d",)), found("b", ("e#1", "d#1"), ("d",))])
    shown = figures(measured, "dev", PRICED, (), 0.9)
    assert list(shown) == ["exact", "recall@1", "recall@5", "mrr", "ndcg@10"]
    assert (shown["recall@1"].value, shown["recall@5"].value, shown["mrr"].value) == (0.5, 1.0, 0.75)
    blind = approach("plain", [found("a", (), ("d",))])
    assert list(figures(blind, "dev", PRICED, (), 0.9)) == ["exact"]
    asked = (Requirement("recall@3", "quality", at_least=0.5),)
    assert figures(blind, "dev", PRICED, asked, 0.9)["recall@3"].value == 0.0


def test_groups_and_repeats_are_one_unit() -> None:
    rows = [a_row("a", {"exact": 1.0}, group="g"), a_row("b", {"exact": 0.0}, group="g")]
    rows += [a_row("c", {"exact": 1.0}, repeat=0), a_row("c", {"exact": 1.0}, repeat=1)]
    rows += [a_row("g", {"exact": 1.0})]
    sample = evidence("exact", rows).present
    assert (sample.n, sample.clusters, sample.value) == (5, 3, 0.8)


def test_a_slice_takes_the_rows_whose_fields_match() -> None:
    rows = [a_row("a", {}, fields={"lang": "de"}), a_row("b", {}, fields={"lang": "en"}), a_row("c", {})]
    assert [r.example.id for r in in_slice(rows, {"lang": "de"})] == ["a"]
    assert [r.example.id for r in in_slice(rows, {"lang": ["de", "en"]})] == ["a", "b"]
    assert len(in_slice(rows, {})) == 3


def test_a_slice_stands_in_names() -> None:
    sliced = quality(0.8, where={"lang": "de"})
    assert label(sliced) == "exact where lang=de"
    assert sentence(sliced) == "exact ≥ 0.8 where lang=de"


def test_latency_is_read_from_single_requests_alone() -> None:
    timed = approach("a", [1.0], latency=(1.0, 2.0, 3.0))
    assert amount("p50_seconds", timed, timed.rows["dev"], PRICED, 0.9).value == 2.0
    untimed = approach("a", [1.0])
    assert amount("p95_seconds", untimed, untimed.rows["dev"], PRICED, 0.9).value is None


def test_a_hosted_call_is_priced_by_tokens_and_a_local_one_by_time() -> None:
    usage = Usage(1000, 0, 500, 1, 2.0)
    measured = approach("a", rows_of([1.0, 0.0], usage=usage))
    rows = measured.rows["dev"]
    assert amount("usd_per_1k", measured, rows, PRICED, 0.9).value == pytest.approx(2.0)
    assert amount("usd_per_1k_accepted", measured, rows, PRICED, 0.9).value == pytest.approx(4.0)
    local = Asked((), prices=PRICED.prices, model=ModelRef("m", "local"))
    assert amount("usd_per_1k", measured, rows, local, 0.9).value == pytest.approx(2.0 * 3.6 / 3600 * 1000)
    own = approach("a", rows, provider="local")
    assert amount("usd_per_1k", own, rows, PRICED, 0.9).value == pytest.approx(2.0)


def test_without_a_price_or_a_right_row_there_is_no_cost() -> None:
    measured = approach("a", rows_of([0.0, 0.0]))
    assert amount("usd_per_1k", measured, measured.rows["dev"], Asked(()), 0.9).value is None
    found = amount("usd_per_1k_accepted", measured, measured.rows["dev"], PRICED, 0.9)
    assert (found.value, found.n) == (None, 2)


def test_tokens_are_means_over_answers() -> None:
    measured = approach("a", [*rows_of([1.0], usage=Usage(10, 0, 4)), a_row("e", None, usage=Usage())])
    rows = measured.rows["dev"]
    assert amount("tokens_in", measured, rows, PRICED, 0.9).value == 10
    assert amount("tokens_out", measured, rows, PRICED, 0.9).value == 4
    assert is_amount("tokens_out")
    assert not is_amount("error_rate")


def test_figures_hold_what_graders_give_and_what_is_asked() -> None:
    asked = (
        Requirement("usd_per_1k", "cost", at_most=1.0),
        Requirement("error_rate", "quality", at_most=0.1),
        quality(0.5, where={"lang": "de"}),
    )
    measured = approach("a", [a_row("a", {"exact": 1.0}, counts={"micro": (1, 2)}, fields={"lang": "de"})])
    found = figures(measured, "dev", PRICED, asked, 0.9)
    assert list(found) == ["exact", "exact.micro", "usd_per_1k", "error_rate", "exact where lang=de"]
    assert found["exact.micro"].value == 0.5
