"""A row has one failure at most, the first that applies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.failures import count_failures, failure_of, grader_of, primary_grader
from evals.types import Failure, Finish, Prediction, Requirement, Score
from tests.evals.measurements import a_row, rows_of

finishes: st.SearchStrategy[Finish] = st.sampled_from(["stop", "length", "refused", "too_long", "error"])


def _score(value: float, failure: str | None = None, grader: str = "exact") -> Score:
    return Score("1", grader, value, failure=failure)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("finish", "score", "failure"),
    [
        ("error", _score(0, "format"), "error"),
        ("length", _score(0, "format"), "truncated"),
        ("refused", _score(0, "format"), "refused"),
        ("too_long", _score(0, "wrong"), "too_long"),
        ("stop", _score(0, "format"), "format"),
        ("stop", _score(0.99, "wrong"), "wrong"),
        ("stop", _score(1.0), None),
    ],
)
def test_the_first_failure_that_applies_is_the_rows(
    finish: Finish, score: Score, failure: Failure | None
) -> None:
    assert failure_of(Prediction("1", "", finish), {"exact": score}, "exact", 1.0) == failure


def test_a_row_passes_at_the_graders_mark() -> None:
    scores = {"exact": _score(0.8, "wrong")}
    assert failure_of(Prediction("1", "", "stop"), scores, "exact", 0.8) is None
    assert failure_of(Prediction("1", "", "stop"), scores, "exact", 0.81) == "wrong"


def test_any_graders_format_failure_counts_and_only_the_primarys_value() -> None:
    scores = {"exact": _score(1.0), "valid": _score(0.0, "format", "valid")}
    assert failure_of(Prediction("1", "", "stop"), scores, "exact", 1.0) == "format"
    scores = {"exact": _score(1.0), "other": _score(0.0, "wrong", "other")}
    assert failure_of(Prediction("1", "", "stop"), scores, "exact", 1.0) is None


@given(st.lists(st.tuples(finishes, st.floats(0, 1) | st.none(), st.sampled_from([None, "format", "wrong"]))))
def test_failures_and_correct_rows_are_all_rows(drawn: list[tuple[Finish, float | None, str | None]]) -> None:
    rows = [
        a_row(f"{place}", None if value is None else {"exact": value}, finish=finish, failure=failure)
        for place, (finish, value, failure) in enumerate(drawn)
    ]
    counts, correct = count_failures(rows)
    assert sum(counts.values()) + correct == len(rows)
    assert correct == sum(row.failure is None for row in rows)


def test_a_metric_belongs_to_the_grader_with_the_longest_name() -> None:
    assert grader_of("json_fields.micro", ["json_fields", "exact"]) == "json_fields"
    assert grader_of("a.b.c", ["a", "a.b"]) == "a.b"
    assert grader_of("p95_seconds", ["p"]) is None


def test_the_primary_grader_is_that_of_the_first_quality_requirement() -> None:
    valid = Requirement("valid_json", "format", at_least=0.9)
    fields = Requirement("json_fields.micro", "quality", at_least=0.8)
    assert primary_grader([valid, fields], ["valid_json", "json_fields"]) == "json_fields"
    assert primary_grader([valid], ["exact", "valid_json"]) == "exact"
    with pytest.raises(ValueError, match="grader"):
        primary_grader([valid], [])


def test_a_grader_of_which_less_is_asked_does_not_say_that_a_row_is_right() -> None:
    rude = Requirement("rude", "quality", at_most=0.1)
    assert primary_grader([rude], ["rude", "exact"]) == "exact"
    polite = Requirement("polite", "quality", at_least=0.9)
    assert primary_grader([rude, polite], ["rude", "exact", "polite"]) == "polite"


def test_counting_needs_no_row() -> None:
    assert count_failures([]) == ({"error": 0, "truncated": 0, "refused": 0, "format": 0, "wrong": 0}, 0)
    assert count_failures(rows_of([1.0, 0.0, None]))[1] == 1
