"""Rows that everything fails: named, and told apart by whether the wrong answers agree."""

from __future__ import annotations

from evals.types import Example, Failure, Json, Prediction, Row, Score
from workbench.diagnosis.failing import failing, told


def row(id: str, gold: Json, said: Json, failure: Failure | None = "wrong") -> Row:
    score = Score(id, "g", float(failure is None), said)
    return Row(Example(id, "?", gold), Prediction(id, str(said), "stop"), {"g": score}, failure)


def test_only_rows_that_all_of_those_asked_fail_are_named() -> None:
    rows = {
        "a": [row("1", "x", "y"), row("2", "x", "x", None), row("3", "x", "y")],
        "b": [row("1", "x", "z"), row("2", "x", "y")],
    }
    found = failing(rows, "g")
    assert (found.n, found.asked, found.all_fail, found.agreed) == (3, 2, ("1", "3"), ())


def test_rows_in_error_say_nothing() -> None:
    rows = {
        "a": [row("1", "x", "x", None)],
        "b": [row("1", "x", None, "error"), row("2", "x", None, "error")],
    }
    found = failing(rows, "g")
    assert (found.n, found.all_fail) == (1, ())


def test_the_same_wrong_answer_from_most_is_told_from_different_ones() -> None:
    same = {name: [row("1", "x", said)] for name, said in zip("abc", ("Y", "y", "z"), strict=True)}
    assert failing(same, "g").agreed == ("1",)
    other = {name: [row("1", "x", said)] for name, said in zip("abc", "uvw", strict=True)}
    assert failing(other, "g").agreed == ()


def test_two_answers_or_unreadable_ones_are_too_few_to_agree() -> None:
    two = {name: [row("1", "x", "y")] for name in "ab"}
    assert failing(two, "g").agreed == ()
    unread = two | {"c": [row("1", "x", None, "format")]}
    assert failing(unread, "g").agreed == ()


def test_records_agree_where_one_field_is_wrong_in_the_same_way() -> None:
    gold = {"queue": "a", "tag": "b"}
    answers: list[Json] = [{"queue": "c", "tag": "b"}, {"queue": "c", "tag": "d"}, {"queue": "C"}]
    rows = {str(n): [row("1", gold, said)] for n, said in enumerate(answers)}
    assert failing(rows, "g").agreed == ("1",)


def test_the_sentence_names_a_few_ids_and_counts_the_rest() -> None:
    rows = {name: [row(f"r{n:02}", "x", "y" if n < 11 else name) for n in range(14)] for name in "abc"}
    said = told(failing(rows, "g"))
    assert said.startswith("14 of 14 dev rows are failed by all 3 approaches and arms: 11 get the same wrong")
    assert "r07 and 3 more" in said and "3 get different ones (r11, r12, r13)" in said
    assert told(failing({"a": [row("1", "x", "x", None)]}, "g")) == ""


def test_many_rows_beyond_the_model_are_counted_and_not_named() -> None:
    rows = {name: [row(f"r{n:02}", "x", "y" if n < 1 else name) for n in range(14)] for name in "abc"}
    said = told(failing(rows, "g"))
    assert "1 gets the same wrong answer" in said and "13 get different ones: beyond" in said
