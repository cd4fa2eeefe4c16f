"""Rows of one split that are the same."""

from __future__ import annotations

from evals.audit import Repeat, repeats
from evals.types import Example


def test_copies_are_found_exactly_and_but_for_case_and_space() -> None:
    rows = [
        Example("a", "Hello", "x"),
        Example("b", "other", "x"),
        Example("c", "Hello", "x"),
        Example("d", "hi  THERE", "x"),
        Example("e", "Hi there", "x"),
    ]
    assert repeats(rows) == [Repeat(("a", "c"), True, False), Repeat(("d", "e"), False, False)]


def test_copies_with_different_targets_contradict_each_other() -> None:
    rows = [
        Example("a", "x", {"k": 1, "l": 2}),
        Example("b", "x", {"l": 2, "k": 1}),
        Example("c", "x", {"k": 2}),
    ]
    assert repeats(rows[:2]) == [Repeat(("a", "b"), True, False)]
    assert repeats(rows) == [Repeat(("a", "b", "c"), True, True)]


def test_rows_are_compared_by_the_columns_that_are_shown() -> None:
    rows = [Example("a", "x", "1", fields={"t": "one"}), Example("b", "x", "1", fields={"t": "two"})]
    assert repeats(rows, ("input", "t")) == []
    assert len(repeats(rows, ("input",))) == 1
