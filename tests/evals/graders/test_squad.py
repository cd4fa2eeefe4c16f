"""`squad_exact` and `token_f1` against the rules of the SQuAD evaluation."""

import re
import string
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.graders.folding import squad_tokens
from evals.types import Json
from tests.evals.graders.needed import grade, grader

EXACT, F1 = grader("squad_exact"), grader("token_f1")
TABLE: list[tuple[str, Json, float, float]] = [
    # answer, gold, exact match, F1
    ("Paris", "Paris", 1, 1),
    ("paris.", "Paris", 1, 1),
    ("The Eiffel Tower", "Eiffel tower", 1, 1),
    ("the the Eiffel", "an Eiffel", 1, 1),
    ("in Paris", "Paris", 0, 2 / 3),
    ("Paris, France", "Paris", 0, 2 / 3),
    ("in the city of Paris", "Paris", 0, 2 / 5),
    ("cat cat", "cat", 0, 2 / 3),
    ("sat cat the", "the cat sat", 0, 1),
    ("London", "Paris", 0, 0),
    ("", "Paris", 0, 0),
    ("the", "Paris", 0, 0),
    ("", "", 1, 1),
    ("the", "", 1, 1),
    ("Paris", "", 0, 0),
    ("well-known", "well known", 0, 0),
    ("don't", "dont", 1, 1),
    ("$50", "50", 1, 1),
    ("É", "é", 1, 1),
    ("a–an", "–", 1, 1),
    ("42", 42, 1, 1),
    ('{"a": 1}', {"a": 1}, 1, 1),
]


@pytest.mark.parametrize(("text", "target", "exact", "f1"), TABLE)
def test_answers_score_as_the_squad_evaluation_scores_them(
    text: str, target: Json, exact: float, f1: float
) -> None:
    assert grade(EXACT, text, target).value == exact
    assert grade(F1, text, target).value == pytest.approx(f1)


def test_the_best_of_the_references_counts() -> None:
    assert grade(EXACT, "NYC", "New York", ["New York City", "nyc"]).failure is None
    found = grade(F1, "York City", "Big Apple", ["New York", "New York City"])
    assert (found.value, found.why) == (pytest.approx(0.8), "0.80 of 'New York City'")


def test_an_empty_answer_is_of_format_and_another_is_wrong() -> None:
    for built in (EXACT, F1):
        assert grade(built, " ", "Paris").failure == "format"
        assert grade(built, "Rome", "Paris").failure == "wrong"
        assert grade(built, "", "").failure is None


def official(text: str) -> list[str]:
    """The steps as the evaluation's authors describe them, one after the other."""
    lower = text.lower()
    plain = "".join(sign for sign in lower if sign not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", plain).split()).split()


@given(st.text("aAnthe .,'’–-x\nÉ1", max_size=30), st.text("an the cat.", max_size=20))
def test_normalising_agrees_with_its_description_on_any_text(text: str, other: str) -> None:
    assert squad_tokens(text) == official(text)
    shared = (Counter(official(text)) & Counter(official(other))).total()
    one, two = len(official(text)), len(official(other))
    f1 = float(one == two) if not one or not two else 2 * shared / (one + two)
    assert grade(F1, text, other).value == pytest.approx(f1)


@given(st.text(max_size=30), st.text(max_size=30))
def test_token_f1_is_symmetric_bounded_and_1_for_the_gold_answer(one: str, other: str) -> None:
    assert 0 <= grade(F1, one, other).value == grade(F1, other, one).value <= 1
    assert grade(F1, one, one).failure is None
    assert grade(EXACT, one, other).value <= grade(F1, one, other).value
