"""Headings, paragraphs and sentences as stretches of a text."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from baselines.rag.structure import paragraphs, sentences


def told(text: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(text[p.start : p.end], p.headings) for p in paragraphs(text)]


def test_paragraphs_know_the_headings_above_them() -> None:
    text = "Intro.\n\n# Guide\n\nOne\ntwo.\n## Install #\n\nThree.\n\n# Use\nFour.\n"
    assert told(text) == [
        ("Intro.", ()),
        ("One\ntwo.", ("Guide",)),
        ("Three.", ("Guide", "Install")),
        ("Four.", ("Use",)),
    ]


def test_underlined_headings_rank_by_which_mark_came_first() -> None:
    text = "Title\n*****\n\nOne.\n\nPart\n====\n\nTwo.\n\nOther\n*****\n\nThree."
    assert told(text) == [("One.", ("Title",)), ("Two.", ("Title", "Part")), ("Three.", ("Other",))]


def test_marks_that_underline_nothing_are_text() -> None:
    assert told("A longer line than the rule.\n***\nmore") == [
        ("A longer line than the rule.\n***\nmore", ())
    ]
    assert told("one\ntwo\n---\nthree") == [("one\ntwo\n---\nthree", ())]


def test_a_fenced_block_is_one_paragraph_whatever_stands_in_it() -> None:
    text = "Before.\n```sh\n# no heading\n\nls\n```\nAfter."
    assert told(text) == [("Before.", ()), ("```sh\n# no heading\n\nls\n```", ()), ("After.", ())]


def test_a_fence_that_is_never_closed_loses_nothing() -> None:
    assert told("~~~\na\n\nb") == [("~~~\na\n\nb", ())]


def test_a_heading_with_nothing_under_it_is_kept() -> None:
    text = "# FAQ\n## Is it free?\n## Is it fast?\nYes.\n# End"
    assert told(text) == [
        ("## Is it free?", ("FAQ",)),
        ("Yes.", ("FAQ", "Is it fast?")),
        ("# End", ()),
    ]


def test_sentences_end_at_marks_and_lines() -> None:
    text = 'He said "Go." Then he left! Was it 3.5?\nA line'
    found = [text[a:b] for a, b in sentences(text, 0, len(text))]
    assert found == ['He said "Go."', "Then he left!", "Was it 3.5?", "A line"]


LINES = st.sampled_from(["# H", "## K", "word", "a b. c!", "", "===", "```", "---", "* x", "  code"])


@given(st.lists(LINES, max_size=30))
def test_no_word_is_lost_and_none_stands_twice(lines: list[str]) -> None:
    text = "\n".join(lines)
    found = paragraphs(text)
    assert all(a.end <= b.start for a, b in pairwise(found))
    covered = "".join(text[p.start : p.end] + "".join(p.headings) for p in found)
    assert all(word in covered for word in text.split() if word.isalpha())
    for p in found:
        inner = [text[a:b] for a, b in sentences(text, p.start, p.end)]
        assert "".join("".join(inner).split()) == "".join(text[p.start : p.end].split())
