"""The plain values of decision.json."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from evals.entries import approach_entry, requirement_entries, rounded
from evals.types import Measured, Requirement
from evals.verdict import stand
from tests.evals.measurements import Asked, approach, hashes, looks_at, quality, rows_of, share

ROWS = hashes(100)


def _entry(task: Asked, measured: Measured, *looks: str) -> dict[str, Any]:
    return approach_entry(task, stand(task, measured, looks_at(task, ROWS, *looks), ROWS), [measured])


def test_numbers_keep_six_digits_and_what_is_no_number_is_null() -> None:
    assert rounded(0.123456789) == 0.123457
    assert rounded(1234567.0) == 1234570.0
    assert rounded(math.inf) is rounded(math.nan) is rounded(None) is None


def test_intervals_are_drawn_at_the_error_that_is_tested() -> None:
    entry = _entry(Asked((quality(),)), approach("a", share(50, 60), share(90, 100)), "a")
    assert entry["dev"]["exact"]["level"] == pytest.approx(0.9)
    assert entry["test"]["exact"]["level"] == pytest.approx(0.975)
    assert (entry["dev"]["exact"]["n"], entry["test"]["exact"]["clusters"]) == (60, 100)


def test_the_worse_of_two_requirements_of_one_metric_is_shown() -> None:
    task = Asked((quality(0.5), Requirement("exact", "quality", at_most=0.6)))
    assert _entry(task, approach("a", [1.0] * 60))["statuses"] == {"exact": "not met"}


def test_what_was_not_run_is_empty() -> None:
    entry = _entry(Asked((quality(),)), approach("rag", [], state="not applicable", why="no documents"))
    assert (entry["dev"], entry["test"], entry["statuses"], entry["split"]) == ({}, None, {}, None)
    assert entry["tokens_in"] is None


def test_an_approach_alone_is_compared_with_nothing() -> None:
    assert _entry(Asked((quality(),)), approach("a", share(50, 60)))["delta"] == {}


def test_requirements_without_an_approach_are_unjudged() -> None:
    (entry,) = requirement_entries(Asked((quality(),)), None)
    assert (entry["status"], entry["approach"], entry["split"], entry["n"]) == (
        "insufficient evidence", None, None, 0,
    )  # fmt: skip


def test_what_approaches_retrieve_is_compared_pair_by_pair() -> None:
    def found(name: str, hits: int) -> Measured:
        rows = [
            replace(
                row,
                example=replace(row.example, gold_doc_ids=("d",)),
                prediction=replace(row.prediction, sources=("d#1" if n < hits else "e#1",)),
            )
            for n, row in enumerate(rows_of([1.0] * 60))
        ]
        return approach(name, rows)

    task = Asked((quality(0.5, "recall@1"),))
    better, worse = found("hybrid", 50), found("bm25", 30)
    delta = approach_entry(task, stand(task, better, [], ROWS), [better, worse])["delta"]["recall@1"]  # type: ignore[index,call-overload]
    assert (delta["vs"], delta["value"], delta["n"]) == ("bm25", pytest.approx(0.333333), 60)  # type: ignore[index,call-overload]
    assert 0 < delta["low"] < delta["high"]  # type: ignore[index,call-overload,operator]
