"""Free text up to a mark, against what Python finds in the same text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.models.schemas.automata import Automaton
from evals.models.schemas.marks import until

MARKS = ("Final answer:", "aab", "aa", "é:", "x")


def accepts(found: Automaton, text: str) -> bool:
    state = 0
    for char in text:
        goals = [goal for low, high, goal in found.arrows[state] if low <= ord(char) <= high]
        if not goals:
            return False
        (state,) = goals
    return state in found.ends


@given(st.sampled_from(MARKS), st.data())
def test_it_ends_with_the_first_mark_and_one_space(mark: str, data: st.DataObject) -> None:
    parts = st.one_of(
        st.sampled_from([mark, *mark, "** ", "**", "*", " ", "\n", "b"]), st.characters(codec="utf-8")
    )
    text = "".join(data.draw(st.lists(parts, max_size=12)))
    _, found, tail = text.partition(mark)
    expected = bool(found) and re.fullmatch(r"(\*\*)?[ \n]", tail) is not None
    assert accepts(until(mark), text) == expected


def test_an_empty_mark_is_refused() -> None:
    with pytest.raises(ValueError, match="not empty"):
        until("")
