"""Numbers are found as people write them, and read exactly."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.graders.numbers import last_number, numbers_in, whole_number
from tests.clocks import computes_within


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("42", ["42"]),
        ("-42.5", ["-42.5"]),
        ("−7 and +7", ["-7", "7"]),
        ("$1,234,567.89.", ["1234567.89"]),
        ("-$5 $-5 €12 £.50", ["-5", "-5", "12", "0.5"]),
        ("1'234 and 1\u202f234", ["1234", "1234"]),
        ("1,00,000 rupees", ["100000"]),
        ("3,4 and 1,23", ["3", "4", "1", "23"]),
        ("1/2 of 1 1/2, ½ of 2½", ["1/2", "3/2", "1/2", "5/2"]),
        ("⅔", ["2/3"]),
        ("1/0 and 7/00", ["1", "0", "7", "0"]),
        ("10/12/2020 and 2020-01-05", ["10", "12", "2020", "2020", "1", "5"]),
        ("3.5e3 1e-5 2E+2", ["3500", "1/100000", "200"]),
        ("10-5", ["10", "5"]),
        ("5 -3", ["5", "-3"]),
        ("x=-5", ["-5"]),
        ("H2O GPT4 _7 v1.2", []),
        ("5km, 3rd", ["5", "3"]),
        ("1.2.3", ["1.2"]),
        ("是5个", ["5"]),
        ("٣ and ７", ["3", "7"]),
        (r"\boxed{3} **4** (5) #6", ["3", "4", "5", "6"]),
        ("", []),
        ("none", []),
        ("9" * 301, []),
    ],
)
def test_numbers_are_found(text: str, numbers: list[str]) -> None:
    assert list(numbers_in(text)) == [Fraction(number) for number in numbers]


def test_a_percent_sign_is_dropped_or_makes_a_share() -> None:
    assert list(numbers_in("50% and 7 %")) == [50, 7]
    assert list(numbers_in("50% and 7", percent="share")) == [Fraction(1, 2), 7]


def test_the_decimal_mark_may_be_a_comma() -> None:
    assert list(numbers_in("1.234,5 und 3,5", decimal=",")) == [Fraction("1234.5"), Fraction("3.5")]


def test_a_whole_number_is_all_there_is() -> None:
    assert whole_number(" 42.\n") == 42
    assert whole_number("1 1/2") == Fraction(3, 2)
    assert whole_number("42 apples") is None
    assert whole_number("") is None


def test_the_last_number_is_not_cut_where_the_search_begins() -> None:
    assert last_number("1 and 2 and none") == 2
    assert last_number("12345" + "x" * 99_998) is None
    assert last_number("7 " + "x" * 99_990) == 7


@given(st.integers(-(10**18), 10**18))
def test_any_integer_is_read_back_with_and_without_separators(number: int) -> None:
    for text in (str(number), f"{number:,}", f"about ${number:,}.", f"{number}.0"):
        assert last_number(text) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_float_is_read_back_exactly(number: float) -> None:
    assert last_number(repr(number)) == Fraction(repr(number))


@pytest.mark.parametrize("part", ["9", "1,22", "1/", "1'2,3", "1e", "½", "$", "-", "1 1/0 ", "1.1", "0/0"])
def test_long_texts_are_read_in_linear_time(part: str) -> None:
    text = part * (200_000 // len(part))
    with computes_within(2):
        last_number(text)
        next(numbers_in(text), None)
