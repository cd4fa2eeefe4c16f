"""`numeric`: which number of an answer counts, and how near is right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import DataError, TaskError
from evals.types import Json
from tests.evals.graders.needed import grade, grader

GSM8K = "She sold 48/2 = <<48/2=24>>24 clips in May.\nAltogether 48+24 = <<48+24=72>>72 clips.\n#### 72"


@pytest.mark.parametrize(
    ("options", "text", "target", "value"),
    [
        ({}, "72", GSM8K, 1),
        ({}, GSM8K, "72", 1),
        ({}, "So 48 + 24 = 72 clips.", GSM8K, 1),
        ({}, "#### 72\nThat took 3 steps.", 72, 1),
        ({}, "Answer: 72, as 48 and 24 make 72 in 2 months", 72, 1),
        ({}, "The answer is $1,072.00.", 1072, 1),
        ({}, "72 or so. answer: unknown", 72, 0),
        ({}, "71", 72, 0),
        ({}, "72.0", "72", 1),
        ({}, "1/3", "2/6", 1),
        ({}, "0.3333", "1/3", 0),
        ({}, "-72", 72, 0),
        ({}, "50%", "50", 1),
        ({}, "50%", "0.5", 0),
        ({"percent": "share"}, "50%", "0.5", 1),
        ({"absolute": 0.5}, "71.5", 72, 1),
        ({"absolute": 0.5}, "71.4", 72, 0),
        ({"absolute": 0.1}, "0.3", "0.2", 1),
        ({"relative": 0.01}, "0.3333", "1/3", 1),
        ({"relative": 0.01}, "-99", "-100", 1),
        ({"relative": 0.01}, "98.9", "100", 0),
        ({"read": "last"}, "#### 72\nin 3 steps", 72, 0),
        ({"read": "last"}, "3 steps: 72", 72, 1),
        ({"read": "first"}, "72 in 3 steps", 72, 1),
        ({"read": "marked"}, "It is 72", 72, 0),
        ({"read": "marked"}, "It is 71. #### 72", 72, 1),
        ({"read": "marked"}, " 72. ", 72, 1),
        ({"read": "marked", "markers": ["total ="]}, "TOTAL = 72", 72, 1),
        ({"read": "whole"}, "72", 72, 1),
        ({"read": "whole"}, "72 clips", 72, 0),
        ({"decimal": ","}, "1.234,5", 1234.5, 1),
        ({}, "1e400", "1e400", 1),
    ],
)
def test_the_number_meant_is_read_and_compared(options: dict, text: str, target: Json, value: float) -> None:
    assert grade(grader("numeric", **options), text, target).value == value


def test_a_reference_counts() -> None:
    assert grade(grader("numeric"), "7", 6, ["seven is 7"]).failure is None


@pytest.mark.parametrize(
    ("options", "text", "why"),
    [
        ({}, "no idea", "no number"),
        ({"read": "marked"}, "It is 72", "no number after a marker"),
        ({"read": "whole"}, "72 clips", "not a number"),
        ({}, " ", "empty answer"),
    ],
)
def test_an_answer_without_a_number_is_of_format(options: dict, text: str, why: str) -> None:
    found = grade(grader("numeric", **options), text, 72)
    assert (found.value, found.failure, found.why) == (0, "format", why)


def test_what_was_read_is_shown_as_a_number() -> None:
    found = grade(grader("numeric"), "about 1,000.50", "2")
    assert (found.failure, found.answer, found.why) == ("wrong", 1000.5, "1000.5, not 2")
    assert grade(grader("numeric"), "42.0", 42).answer == 42
    assert isinstance(grade(grader("numeric"), "1e400", 42).answer, str)


@pytest.mark.parametrize("target", ["seventy", True, None, [72], {"a": 72}])
def test_a_gold_answer_without_a_number_is_an_error_of_the_data(target: Json) -> None:
    with pytest.raises(DataError, match="row 'r': the gold answer .* has no number"):
        grade(grader("numeric"), "72", target)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"read": "lst"}, "read is auto or marked or first or last or whole, not 'lst'. Did you mean 'last'"),
        ({"absolute": -1}, "absolute is a number of at least 0, not -1"),
        ({"relative": True}, "relative is a number of at least 0"),
        ({"relative": None}, "relative is a number of at least 0, not left empty"),
        ({"markers": []}, "markers is a list of texts"),
        ({"markers": [""]}, r"markers\[0\] is a text that is not empty"),
        ({"percent": "drop"}, "percent is number or share"),
        ({"decimal": ";"}, "decimal is . or ,"),
    ],
)
def test_a_wrong_option_is_named(options: dict, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        grader("numeric", **options)


READERS = [grader("numeric", read=read) for read in ("auto", "marked", "first", "last", "whole")]


@given(st.one_of(st.integers(-(10**20), 10**20), st.floats(allow_nan=False, allow_infinity=False)))
def test_a_number_is_its_own_gold_answer(number: float) -> None:
    for built in READERS:
        assert grade(built, str(number), number).value == 1
