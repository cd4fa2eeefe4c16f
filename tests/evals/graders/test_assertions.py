"""Assertions on an answer's text: what is asked for, where it stands, what is said when it fails."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import DataError, TaskError
from evals.types import Json
from tests.evals.graders.needed import grade, grader


@pytest.mark.parametrize(
    ("name", "options", "text", "why"),
    [
        ("contains", {"value": "refund"}, "Your refund is due.", ""),
        ("contains", {"value": "refund"}, "Your Refund is due.", "'refund' is missing"),
        ("contains", {"value": "REFUND", "ignore_case": True}, "Your Refund is due.", ""),
        ("contains", {"value": "straße", "ignore_case": True}, "STRASSE 5", ""),
        ("contains", {"value": 42}, "It is 42.", ""),
        ("contains_any", {"values": ["sorry", "apolog"]}, "We apologise", ""),
        ("contains_any", {"values": ["sorry", "apolog"]}, "No", "none of 'sorry', 'apolog'"),
        ("contains_all", {"values": ["a", "b"]}, "ab", ""),
        ("contains_all", {"values": ["a", "b", "c"]}, "b", "missing: 'a', 'c'"),
        ("not_contains", {"values": ["as an AI", "sorry"]}, "Of course", ""),
        ("not_contains", {"values": ["as an AI", "sorry"]}, "I am sorry", "contains 'sorry'"),
        ("not_contains", {"values": ["SORRY"], "ignore_case": True}, "sorry", "contains 'SORRY'"),
        ("starts_with", {"value": "Dear"}, "  Dear Ann,", ""),
        ("starts_with", {"value": "Dear"}, "Hi, Dear Ann", "does not start with 'Dear'"),
        ("ends_with", {"value": "regards "}, "Kind regards\n", ""),
        ("ends_with", {"value": "regards"}, "Kind regards.", "does not end with 'regards'"),
        ("equals", {"value": "yes"}, " yes\n", ""),
        ("equals", {"value": "yes", "ignore_case": True}, "YES", ""),
        ("equals", {"value": "yes"}, "yes!", "not 'yes'"),
    ],
)
def test_an_assertion_holds_or_says_what_is_wrong(name: str, options: dict, text: str, why: str) -> None:
    found = grade(grader(name, **options), text, "unread")
    assert (found.value, found.failure, found.why) == (float(not why), "wrong" if why else None, why)


@pytest.mark.parametrize(
    ("name", "column", "text", "value"),
    [
        ("contains", "Rome", "in Rome", 1),
        ("contains", 7, "7 days", 1),
        ("contains_all", ["Rome", "Paris"], "Rome and Paris", 1),
        ("contains_all", '["Rome", "Paris"]', "Rome", 0),
        ("contains_all", "[Rome]", "at [Rome]", 1),
        ("contains_any", "Rome", "Rome", 1),
        ("not_contains", ["Rome"], "Rome", 0),
        ("not_contains", [], "Rome", 1),
        ("starts_with", "Rome", "Rome is", 1),
        ("equals", "Rome", "Rome", 1),
    ],
)
def test_what_is_asked_for_may_stand_in_a_column(name: str, column: Json, text: str, value: float) -> None:
    built = grader(name, from_="city")
    assert grade(built, text, "unread", fields={"city": column}).value == value


@pytest.mark.parametrize(
    ("name", "text", "target", "references", "value"),
    [
        ("contains", "It is Paris, France", "Paris", [], 1),
        ("contains", "It is NYC", "New York", ["NYC"], 1),
        ("contains_any", "b", ["a", "b"], [], 1),
        ("contains_all", "b", ["a", "b"], [], 0),
        ("contains_all", "b and a", ["a", "b"], [], 1),
        ("contains_all", "c", ["a", "b"], [["c"]], 1),
        ("starts_with", "Yes, as", "Yes", [], 1),
        ("ends_with", "so 42", 42, [], 1),
        ("equals", '{"a": 1}', {"a": 1}, [], 1),
        ("contains", "anything", "", [], 0),
        ("contains", "", "", [], 1),
    ],
)
def test_without_either_the_gold_answer_or_a_reference_is_asked_for(
    name: str, text: str, target: Json, references: list[Json], value: float
) -> None:
    assert grade(grader(name), text, target, references).value == value


@pytest.mark.parametrize(
    "name", ["contains", "contains_any", "contains_all", "not_contains", "starts_with", "equals"]
)
def test_an_empty_answer_is_of_format(name: str) -> None:
    found = grade(grader(name, from_="c"), " \n", fields={"c": "x"})
    assert (found.value, found.failure, found.why) == (0, "format", "empty answer")


def test_a_long_list_is_named_in_part() -> None:
    found = grade(grader("contains_any", values=[c * 100 for c in "abcde"]), "x")
    assert found.why.endswith("… and 2 more") or " and 2 more" in found.why
    assert len(found.why) <= 240


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("contains", {"town": "Rome"}, "row 'r' has no column 'city'.*\nIts other columns: town"),
        ("contains", {"cities": "Rome"}, "Did you mean 'cities'"),
        ("contains", {}, "Its other columns: none"),
        ("contains", {"city": ""}, "the column 'city' holds \nA grader reads it: write a text\\."),
        ("contains", {"city": ["Rome"]}, "the column 'city' holds \\[\"Rome\"\\]"),
        ("contains_all", {"city": None}, "holds null\n.* a text or a list of texts"),
        ("contains_all", {"city": [{"a": 1}]}, "the column 'city' holds"),
    ],
)
def test_a_row_without_such_a_text_is_an_error_of_the_data(
    name: str, fields: dict[str, Json], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        grade(grader(name, from_="city"), "Rome", fields=fields)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("contains", {"value": ""}, "value is a text that is not empty, not ''"),
        ("contains", {"value": ["a"]}, "value is a text that is not empty"),
        ("contains", {"value": "a", "from": "b"}, "takes value or from, not both"),
        ("contains", {"values": ["a"]}, "no option 'values'. Did you mean 'value'"),
        ("contains_any", {"values": "a"}, "values is a list of texts, not 'a'"),
        ("contains_any", {"values": ["a", ""]}, r"values\[1\] is a text that is not empty"),
        ("contains_all", {"values": []}, "values is a list of texts"),
        ("not_contains", {}, r"needs values \(a list of texts\) or from"),
        ("equals", {"from": 3.5, "ignore_case": 1}, "ignore_case is true or false"),
    ],
)
def test_a_wrong_option_is_named(name: str, options: dict, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        grader(name, **options)


GRADERS = [
    grader(name)
    for name in ("contains", "contains_any", "contains_all", "starts_with", "ends_with", "equals")
]
FOLDING = grader("contains", ignore_case=True)


@given(st.text(max_size=30))
def test_the_gold_answer_is_always_right(text: str) -> None:
    assert all(grade(built, text, text).failure is None for built in GRADERS)
    assert grade(FOLDING, text.upper(), text.upper().casefold()).failure is None


@given(st.text("abc ", max_size=8), st.text("abc", min_size=1, max_size=3))
def test_equal_is_stronger_than_the_ends_and_those_than_containing(text: str, wanted: str) -> None:
    contains, _, _, starts, ends, equals = (grade(built, text, wanted).value for built in GRADERS)
    assert equals <= min(starts, ends) <= max(starts, ends) <= contains
    assert contains == float(wanted in text)
