"""Text of others, made harmless and visible."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.plaintext import as_sentence, clip, code, markdown, one_line, visible

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=200)


@given(ANY_TEXT)
def test_visible_text_can_stand_in_any_file(text: str) -> None:
    shown = visible(text)
    assert shown.encode("utf-8").decode("utf-8") == shown
    element = ElementTree.Element("t")
    element.text = shown
    assert (ElementTree.fromstring(ElementTree.tostring(element)).text or "") == shown


@given(ANY_TEXT)
def test_visible_is_done_once(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x00b\x1b[1m", "a␀b␛[1m"),
        ("\u202eexe", "⟨U+202E⟩exe"),
        ("a\r\nb\tc\rd", "a\nb\tc␍d"),
        ("\ud800", "⟨U+D800⟩"),
        ("zero\u200bwidth", "zero⟨U+200B⟩width"),
        ("नमस्ते 👩\u200d💻 שלום", "नमस्ते 👩\u200d💻 שלום"),
    ],
)
def test_what_cannot_be_seen_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_clipping_says_how_much_is_left_out() -> None:
    assert clip("abcdef", 6) == "abcdef"
    assert clip("abcdef", 4) == "abcd … (2 more characters)"


def test_one_line_folds_white_space_and_ends_in_an_ellipsis() -> None:
    assert one_line(" a\n b\t c ", 10) == "a b c"
    assert one_line("abc def ghi", 8) == "abc def…"
    assert one_line(" " * 100 + "x", 10).endswith("…")


def test_markdown_keeps_names_and_defuses_markup() -> None:
    assert markdown("json_fields ≥ 0.80") == "json_fields ≥ 0.80"
    assert markdown("a|b *c* _d_ [e](f)") == r"a\|b \*c\* \_d\_ \[e\](f)"
    assert markdown("@team") == "@\u200bteam"
    assert markdown("https://x.example") == "https\u200b://x.example"


def test_a_code_span_is_longer_than_any_run_of_backticks_in_it() -> None:
    assert code("plain") == "`plain`"
    assert code("a``b") == "``` a``b ```"
    assert code("a|b") == "`a∣b`"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("the lower bound holds", "The lower bound holds."),
        ("json_fields is low.", "json_fields is low."),
        ("0.8 lies inside", "0.8 lies inside."),
        ("", ""),
    ],
)
def test_an_explanation_becomes_a_sentence(text: str, sentence: str) -> None:
    assert as_sentence(text) == sentence
