"""`pass_at` and `not` work alike around every grader."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import TaskError
from evals.output import OutputSpec
from tests.evals.graders.needed import grade, grader

JSON = OutputSpec("json")


def test_a_row_is_right_from_pass_at_on_and_keeps_its_value_and_reason() -> None:
    gold, said = {"a": 1, "b": 2}, '{"a": 1, "b": 1}'
    found = grade(grader("json_fields", JSON, pass_at=0.5), said, gold)
    assert (found.value, found.failure, found.counts["all"]) == (0.5, None, (0, 1))
    assert found.why.startswith("b: ")
    assert grade(grader("json_fields", JSON, pass_at=0.51), said, gold).failure == "wrong"


def test_a_failure_of_format_stays_one_below_pass_at() -> None:
    assert grade(grader("json_fields", JSON, pass_at=0.5), "no", {"a": 1}).failure == "format"


def test_not_gives_one_minus_the_value_and_says_what_was_not_wanted() -> None:
    apology = grader("contains", value="sorry", not_=True)
    found = grade(apology, "I am sorry")
    assert (found.value, found.failure, found.why) == (0, "wrong", "not wanted: contains gives 1")
    found = grade(apology, "Of course")
    assert (found.value, found.failure, found.why) == (1, None, "")


def test_not_turns_the_pooled_parts_too() -> None:
    found = grade(grader("json_fields", JSON, not_=True), '{"a": 1, "b": 1}', {"a": 1, "b": 2})
    assert (found.value, found.counts["micro"]) == (0.5, (1, 2))


def test_not_and_pass_at_go_together() -> None:
    built = grader("edit_similarity", not_=True, pass_at=0.7)
    assert grade(built, "aaab", "aaaa").failure == "wrong"
    assert grade(built, "abbb", "aaaa").failure is None


@pytest.mark.parametrize(
    ("name", "text", "value"), [("regex", "no digits", 1), ("valid_json", "{", 1), ("valid_json", "{}", 0)]
)
def test_a_grader_that_asks_for_a_form_is_turned_around_as_a_whole(
    name: str, text: str, value: float
) -> None:
    options = {"pattern": r"\d+"} if name == "regex" else {}
    assert grade(grader(name, JSON, **options, not_=True), text).value == value


@pytest.mark.parametrize("name", ["numeric", "sql", "json_fields", "readability"])
def test_what_could_not_be_read_is_not_right_by_not(name: str) -> None:
    options = {"sql": {"database": "CREATE TABLE t (a);"}, "readability": {"max": 3}}.get(name, {})
    target = {"sql": "SELECT 1", "numeric": 3}.get(name, {"a": 1})
    found = grade(grader(name, JSON, **options, not_=True), "???", target)
    assert (found.value, found.failure) == (0, "format")
    assert found.why


@pytest.mark.parametrize("name", ["contains", "regex", "exact", "edit_similarity", "length"])
@pytest.mark.parametrize("text", ["", " \n\t"])
def test_an_empty_answer_is_not_right_by_not(name: str, text: str) -> None:
    options = {"regex": {"pattern": "x"}, "length": {"min": 3}}.get(name, {})
    found = grade(grader(name, **options, not_=True), text, "Paris")
    assert (found.value, found.failure, found.why) == (0, "format", "empty answer")


PLAIN, TURNED = grader("edit_similarity"), grader("edit_similarity", not_=True)


@given(st.text(max_size=20), st.text(min_size=1, max_size=20))
def test_a_value_and_its_opposite_add_up_to_one(text: str, target: str) -> None:
    plain, turned = grade(PLAIN, text, target).value, grade(TURNED, text, target).value
    assert plain + turned == pytest.approx(1) or not text.strip()


def test_a_wrong_not_is_named() -> None:
    with pytest.raises(TaskError, match="the grader 'exact': not is true or false, not 'yes'"):
        grader("exact", not_="yes")
    with pytest.raises(
        TaskError, match=r"no option 'nott'\. Did you mean 'not'\?\nIts options: .*as, pass_at, not"
    ):
        grader("exact", nott=True)
