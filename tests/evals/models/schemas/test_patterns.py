from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.models.grammar import Grammars
from evals.models.schemas.automata import STATES, Automaton
from evals.models.schemas.patterns import NotHeld, automaton, length
from tests import tiny
from tests.evals.models.walks import admits

TEXTS = ["".join(letters) for n in range(5) for letters in itertools.product("abc", repeat=n)]
GRAMMARS = Grammars(tiny.byte_tokenizer(), tiny.WORDS, {1})


def accepts(found: Automaton | None, text: str) -> bool:
    state = 0
    for char in text:
        goals = [goal for low, high, goal in found.arrows[state] if low <= ord(char) <= high] if found else []
        if not goals:
            return False
        (state,) = goals
    return found is not None and state in found.ends


def patterns() -> st.SearchStrategy[str]:
    """Alternatives, sequences and repetitions of a few letters, nested as they come."""
    letters = st.sampled_from(["a", "b", "c", "[ab]", "[^a]", ".", ""])
    counts = st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "{1,2}", "{2,}", "*?"])
    return st.recursive(
        letters,
        lambda inner: st.one_of(
            st.builds("({}|{})".format, inner, inner),
            st.builds("{}{}".format, inner, inner),
            st.builds("(?:{}){}".format, inner, counts),
        ),
        max_leaves=8,
    )


@settings(max_examples=150)
@given(patterns(), st.sampled_from(["{}", "^{}", "{}$", "^{}$", "^{}|b$"]))
def test_an_automaton_accepts_what_re_matches(pattern: str, anchored: str) -> None:
    pattern = anchored.format(pattern)
    whole, part = automaton(pattern, whole=True), automaton(pattern, whole=False)
    for text in TEXTS:
        assert accepts(whole, text) == (re.fullmatch(pattern, text) is not None), text
        assert accepts(part, text) == (re.search(pattern, text) is not None), text


@settings(max_examples=60)
@given(patterns())
def test_a_grammar_follows_the_automaton(pattern: str) -> None:
    matcher = GRAMMARS.matcher({"regex": pattern})
    for text in TEXTS[:50]:
        assert admits(matcher, tiny.byte_tokenizer(), text) == (re.fullmatch(pattern, text) is not None), text


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        (r"\d\D", ["1a", "٣é", "a1", "12"]),
        (r"\w+\W", ["aé_ ", "日本。", "a", "--"]),
        (r"\s\S", [" a", "\u00a0é", "\na", "aa", "  "]),
        (r"a.c", ["abc", "a\nc", "a😀c", "a\u2028c"]),
        (r"(?s)a.c", ["a\nc"]),
        (r"(?x) a  b # both", ["ab", "a b"]),
        (r"[\^a]", ["^", "a", "b"]),
        (r"[]a]", ["]", "a"]),
        (r"[^]a]", ["]", "b"]),
        (r"\x41\u0042\103\\", ["ABC\\", "ABC"]),
        (r"\A(?P<x>a|b)\Z", ["a", "b", "ab"]),
        (r"[^\W\d]", ["a", "1", "é", "-"]),
        (r"a{x}", ["a{x}", "a"]),
        (r"[\ud7ff-\ue000]", ["\ud7ff", "\ue000", "a"]),
        (r"[\x00-\x1f\"\\]", ["\x00", "\x1f", '"', "\\", " "]),
        (r"😀+|[é-ü]", ["😀😀", "é", "ý"]),
    ],
)
def test_escapes_classes_and_flags_mean_what_they_mean_to_python(pattern: str, texts: list[str]) -> None:
    matcher = GRAMMARS.matcher({"regex": pattern})
    for text in texts:
        want = re.fullmatch(pattern, text) is not None
        assert accepts(automaton(pattern, whole=True), text) == want, text
        assert admits(matcher, tiny.byte_tokenizer(), text) == want, text


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(?=a)", "a lookahead or lookbehind"),
        ("(?<!a)b", "a lookahead or lookbehind"),
        (r"(a)\1", "a reference to a group"),
        (r"\ba", "the edge of a word"),
        ("a^b", "an anchor in its middle"),
        ("(?:a$)+", "an anchor in its middle"),
        ("(?i)a", "the flag IGNORECASE"),
        ("(?i:a)", "a flag for a part of it"),
        ("a++", "a possessive repetition"),
        ("(?>a)", "an atomic group"),
        ("(", "what Python cannot read"),
        ("a{99999999999}", "what Python cannot read"),
        ("(a{100}){100}", f"more than {STATES} states"),
        ("(a|b)*a(a|b){20}", f"more than {STATES} states"),
        ("(" * 5000 + ")" * 5000, "too deep a nesting"),
    ],
)
def test_what_no_automaton_holds_is_said(pattern: str, why: str) -> None:
    with pytest.raises(NotHeld) as caught:
        automaton(pattern, whole=True)
    assert why in str(caught.value)


def test_a_pattern_that_nothing_matches_has_no_automaton() -> None:
    assert automaton(r"[^\s\S]", whole=True) is None
    assert automaton("a", whole=True).both(automaton("b", whole=True)) is None  # type: ignore[union-attr, arg-type]


@given(st.integers(0, 4), st.integers(0, 4), st.text(max_size=6).filter(str.isascii))
def test_lengths_are_counted_in_characters_and_join_with_patterns(low: int, more: int, text: str) -> None:
    assert accepts(length(low, low + more), text) == (low <= len(text) <= low + more)
    pattern = automaton("^a", whole=False)
    assert pattern is not None
    wanted = text.startswith("a") and low <= len(text) <= low + more
    assert accepts(pattern.both(length(low, low + more)), text) == wanted
