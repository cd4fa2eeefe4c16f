"""`exact` and `regex`: what counts as the same text, what counts as the form."""

import pytest

from evals.graders.text import Exact, Regex
from evals.types import Example, Json, Prediction, Score


def score(grader: Exact | Regex, text: str, target: Json = "", references: tuple[Json, ...] = ()) -> Score:
    (found,) = grader.grade([(Example("r", "", target, references), Prediction("r", text, "stop"))], None)
    return found


@pytest.mark.parametrize(
    ("options", "text", "target", "value"),
    [
        ({}, " Paris\n", "Paris", 1),
        ({}, "paris", "Paris", 0),
        ({}, "Paris.", "Paris", 0),
        ({}, '{"a": 1}', {"a": 1}, 1),
        ({}, "3", 3, 1),
        ({"ignore_case": True}, "STRASSE", "straße", 1),
        ({"ignore_case": True}, "Paris.", "paris", 0),
        ({"normalise": True}, "  “Los   Angeles”.", "los angeles", 1),
        ({"normalise": True}, "ｆｕｌｌ", "full", 1),
        ({"normalise": True}, "C#", "C", 0),
    ],
)
def test_exact_compares_by_its_options(options: dict, text: str, target: Json, value: float) -> None:
    assert score(Exact(**options), text, target).value == value


def test_exact_takes_a_reference_for_the_answer() -> None:
    assert score(Exact(), "NYC", "New York", ("NYC", "New York City")).failure is None


def test_exact_says_what_was_wanted_and_keeps_an_empty_answer_apart() -> None:
    wrong = score(Exact(), "Rome", "Paris")
    assert (wrong.failure, wrong.why, wrong.answer) == ("wrong", "not 'Paris'", "Rome")
    empty = score(Exact(), "  ", "Paris")
    assert (empty.failure, empty.why) == ("format", "empty answer")


def test_an_option_that_is_no_flag_is_refused() -> None:
    with pytest.raises(ValueError, match="normalise is true or false, not 'yes'"):
        Exact(normalise="yes")


@pytest.mark.parametrize(
    ("options", "text", "value"),
    [
        ({"pattern": r"\d{4}"}, " 2024\n", 1),
        ({"pattern": r"\d{4}"}, "in 2024", 0),
        ({"pattern": r"\d{4}", "match": "search"}, "in 2024", 1),
        ({"pattern": "yes|no"}, "YES", 0),
        ({"pattern": "yes|no", "ignore_case": True}, "YES", 1),
        ({"pattern": r"\p{Lu}\p{Ll}+"}, "Élan", 1),
    ],
)
def test_regex_asks_for_the_form(options: dict, text: str, value: float) -> None:
    found = score(Regex(**options), text)
    assert (found.value, found.failure) == (value, None if value else "format")


def test_regex_shows_what_a_search_found_and_why_nothing_was() -> None:
    grader = Regex(pattern=r"\d+", match="search")
    assert score(grader, "room 12").answer == "12"
    assert score(grader, "none").why == r"does not match \d+"


def test_regex_gives_up_on_an_answer_that_takes_too_long() -> None:
    found = score(Regex(pattern="(a|aa)+", timeout=0.05), "a" * 60 + "!")
    assert (found.value, found.failure) == (0, "format")
    assert "timed out" in found.why


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "pattern is a regular expression, not ''"),
        ({"pattern": 3}, "pattern is a regular expression, not 3"),
        ({"pattern": "(a"}, "'\\(a' is not a regular expression: missing \\)"),
        (
            {"pattern": "a", "match": "full"},
            "match is fullmatch or search, not 'full'. Did you mean 'fullmatch'",
        ),
        ({"pattern": "a", "timeout": 0}, "timeout is a number above 0"),
    ],
)
def test_a_wrong_option_is_named_when_the_grader_is_built(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Regex(**options)
