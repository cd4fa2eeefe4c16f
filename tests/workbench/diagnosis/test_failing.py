"""Rows that everything fails: named, and told apart by whether the wrong answers agree."""

from __future__ import annotations

from evals.types import Example, Failure, Json, Prediction, Row, Score
from workbench.diagnosis.failing import Failing, failing, told


def row(id: str, gold: Json, said: Json, failure: Failure | None = "wrong") -> Row:
    score = Score(id, "g", float(failure is None), said)
    return Row(Example(id, "?", gold), Prediction(id, str(said), "stop"), {"g": score}, failure)


def common(rows: dict[str, list[Row]], *composed: str) -> Failing:
    """Among other rows, which everybody gets right."""
    others = {name: [row(f"o{n}", str(n), str(n), None) for n in range(40)] for name in rows}
    found = failing(
        {name: [*mine, *others[name]] for name, mine in rows.items()}, "g", rows.keys() - {*composed}
    )
    return Failing(found.n - 40, found.asked, found.all_fail, found.agreed)


def test_only_rows_that_all_of_those_asked_fail_are_named() -> None:
    rows = {
        "a": [row("1", "x", "y"), row("2", "x", "x", None), row("3", "x", "y")],
        "b": [row("1", "x", "z"), row("2", "x", "y")],
    }
    found = common(rows)
    assert (found.n, found.asked, found.all_fail, found.agreed) == (3, 2, ("1", "3"), ())


def test_rows_in_error_say_nothing() -> None:
    rows = {
        "a": [row("1", "x", "x", None)],
        "b": [row("1", "x", None, "error"), row("2", "x", None, "error")],
    }
    found = common(rows)
    assert (found.n, found.all_fail) == (1, ())


def test_the_same_wrong_answer_from_most_is_told_from_different_ones() -> None:
    same = {name: [row("1", "x", said)] for name, said in zip("abc", ("Y", "y", "z"), strict=True)}
    assert common(same).agreed == ("1",)
    other = {name: [row("1", "x", said)] for name, said in zip("abc", "uvw", strict=True)}
    assert common(other).agreed == ()


def test_an_approach_that_adds_to_another_has_no_say_of_its_own() -> None:
    same = {name: [row("1", "x", "y")] for name in "abc"}
    assert common(same).agreed == ("1",)
    assert common(same, "c").agreed == ()


def test_what_is_said_of_most_rows_is_a_habit_and_no_sign_of_a_wrong_label() -> None:
    rows = {name: [row(str(n), "x", "y") for n in range(50)] for name in "abc"}
    found = common(rows)
    assert len(found.all_fail) == 50 and found.agreed == ()


def test_two_answers_or_unreadable_ones_are_too_few_to_agree() -> None:
    two = {name: [row("1", "x", "y")] for name in "ab"}
    assert common(two).agreed == ()
    unread = two | {"c": [row("1", "x", None, "format")]}
    assert common(unread).agreed == ()


def test_records_agree_where_one_field_is_wrong_in_the_same_way() -> None:
    gold = {"queue": "a", "tag": "b"}
    answers: list[Json] = [{"queue": "c", "tag": "b"}, {"queue": "c", "tag": "d"}, {"queue": "C"}]
    rows = {str(n): [row("1", gold, said)] for n, said in enumerate(answers)}
    assert common(rows).agreed == ("1",)


def test_the_sentence_names_a_few_ids_and_counts_the_rest() -> None:
    rows = {name: [row(f"r{n:02}", "x", "y" if n < 11 else name) for n in range(14)] for name in "abc"}
    said = told(common(rows))
    assert said.startswith("14 of 14 dev rows are failed by all 3 approaches and arms: 11 get the same wrong")
    assert "r07 and 3 more" in said and "3 get different ones (r11, r12, r13)" in said
    assert told(common({"a": [row("1", "x", "x", None)]})) == ""


def test_many_rows_beyond_the_model_are_counted_and_not_named() -> None:
    rows = {name: [row(f"r{n:02}", "x", "y" if n < 1 else name) for n in range(14)] for name in "abc"}
    said = told(common(rows))
    assert "1 gets the same wrong answer" in said and "13 get different ones: beyond" in said
