"""What two texts may differ in, and the token F1 of SQuAD."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.graders.folding import fold, shown, squad_tokens, token_f1, writable


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Billing", " billing. "),
        ('"late parcel"', "late  parcel"),
        ("(refund)", "Refund"),
        ("¿Dónde?", "dónde"),
        ("cafe\u0301", "CAFÉ"),
        ("ﬁne", "fine"),
    ],
)
def test_texts_that_differ_in_form_only_fold_to_the_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"), [("C#", "C"), (".5", "5"), ("-5", "5"), ("50%", "50"), ("?", "!"), ("<5", "5")]
)
def test_signs_that_carry_meaning_stay(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(st.text(max_size=60))
def test_folding_a_folded_ascii_or_other_text_finds_nothing_more_in_case_and_spaces(text: str) -> None:
    folded = fold(text)
    assert folded == " ".join(folded.split())
    assert fold(f"  {text.upper()} \n") == fold(text.upper())


def test_token_f1_follows_the_squad_evaluation() -> None:
    assert squad_tokens("The Cat's a-hat!") == ["cats", "ahat"]
    assert token_f1("the cat sat", "a cat sat") == 1
    assert token_f1("cat sat down", "cat") == pytest.approx(2 * 1 * (1 / 3) / (1 + 1 / 3))
    assert token_f1("cat cat", "cat") == pytest.approx(2 / 3)
    assert (token_f1("the", ""), token_f1("the", "cat")) == (1, 0)


@given(st.text(max_size=30), st.text(max_size=30))
def test_token_f1_is_symmetric_and_a_share(one: str, other: str) -> None:
    assert 0 <= token_f1(one, other) == token_f1(other, one) <= 1
    assert token_f1(one, one) == 1


def test_what_is_shown_is_cut_and_can_be_written() -> None:
    assert shown("abcdef", 4) == "abc…"
    assert shown("a\ud800") == "a?"
    assert writable({"\ud800": ["\udfff", 1, None]}) == {"?": ["?", 1, None]}
