"""`length` and `readability`: what is counted, and by which formula."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import TaskError
from evals.graders.prose import readability, syllables
from tests.evals.graders.needed import grade, grader


@pytest.mark.parametrize(
    ("unit", "text", "size"),
    [
        ("words", "Don't say well-known, say known!", 5),
        ("words", "  3 + 4 = 7 ", 3),
        ("words", "1,000.5 of 2,", 3),
        ("words", "¿Dónde está? – Aquí.", 3),
        ("tokens", "3 + 4 = 7", 5),
        ("tokens", "a\n\tb  c", 3),
        ("characters", "  déjà vu \n", 7),
        ("characters", "", 0),
    ],
)
def test_an_answer_is_measured_in_its_unit(unit: str, text: str, size: int) -> None:
    assert grade(grader("length", unit=unit, min=size, max=size), text).value == 1
    assert grade(grader("length", unit=unit, max=size), text).answer == size
    assert grade(grader("length", unit=unit, min=size + 1), text).value == 0


def test_a_length_outside_its_bounds_is_wrong_and_told() -> None:
    found = grade(grader("length", min=2, max=3), "one")
    assert (found.failure, found.why) == ("wrong", "1 words, wanted at least 2 and at most 3")
    found = grade(grader("length", min=1), " ")
    assert (found.failure, found.why) == ("format", "empty answer")
    assert grade(grader("length", max=3), "").failure is None


PLAIN = "The cat sat on the mat. It was a good cat."
HARD = "Notwithstanding considerable administrative complications, organisational reconfiguration proceeded."


def test_readability_follows_the_published_formulas() -> None:
    # 11 words, 2 sentences, 11 syllables
    assert readability(PLAIN, "grade") == pytest.approx(0.39 * 11 / 2 + 11.8 * 11 / 11 - 15.59)
    assert readability(PLAIN, "ease") == pytest.approx(206.835 - 1.015 * 11 / 2 - 84.6)
    assert readability("?!", "grade") is None
    assert readability("One. Two! Three? 4… Five", "grade") == readability(
        "One. Two. Three. 4. Five.", "grade"
    )
    assert readability("It costs 3.50 today.", "grade") == readability("It costs 350 today.", "grade")


@pytest.mark.parametrize(
    ("word", "count"),
    [
        *[(word, 1) for word in "the cat make makes jumped played see whole rhythm 2024 worlds".split()],
        *[(word, 2) for word in "table tables wanted boxes reading handled happy".split()],
        ("banana", 3),
        ("readability", 5),
        ("CAFÉ", 2),
    ],
)
def test_syllables_are_runs_of_vowels_without_a_silent_e(word: str, count: int) -> None:
    assert syllables(word) == count


def test_an_answer_is_held_to_its_bounds() -> None:
    assert grade(grader("readability", max=6), PLAIN).value == 1
    found = grade(grader("readability", max=6), HARD)
    assert found.failure == "wrong" and found.why.startswith("grade ") and found.why.endswith("at most 6")
    assert grade(grader("readability", formula="ease", min=80), PLAIN).value == 1
    assert grade(grader("readability", formula="ease", min=80), HARD).value == 0


def test_an_answer_without_words_is_of_format() -> None:
    found = grade(grader("readability", max=6), "?!")
    assert (found.failure, found.why) == ("format", "no words to read")


@given(st.text(max_size=200))
def test_any_text_has_a_readability_or_no_word(text: str) -> None:
    found = readability(text, "grade")
    assert found is None or -16 < found < 3000


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("length", {}, "needs min, max or both"),
        ("length", {"min": 3, "max": 2}, r"min \(3\) is above max \(2\)"),
        ("length", {"min": -1}, "min is a number of at least 0, not -1"),
        ("length", {"max": "5"}, "max is a number of at least 0, not '5'"),
        ("length", {"max": 5, "unit": "word"}, "unit is words or tokens or characters.*mean 'words'"),
        ("readability", {}, "needs min, max or both"),
        ("readability", {"max": True}, "max is a number, not True"),
        ("readability", {"max": 8, "formula": "fog"}, "formula is grade or ease"),
    ],
)
def test_a_wrong_option_is_named(name: str, options: dict, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        grader(name, **options)
