"""Documents in pieces: none too long, nothing lost, the same ids each time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.rag.chunks import Chunking, cut
from baselines.rag.counting import WORD, WordCounter
from evals.types import Document


def words(texts: list[str]) -> list[int]:
    """Every word is one token."""
    return [1] * len(texts)


def pieces(text: str, tokens: int | None, overlap: int = 0) -> list[Document]:
    return list(cut(Document("d", text), Chunking(tokens, overlap), WordCounter(words)))


def test_chunks_are_numbered_from_one_and_carry_their_headings() -> None:
    text = "# Guide\n\n" + "a " * 6 + "\n\n## Install\n\n" + "b " * 6
    assert pieces(text, 12) == [
        Document("d#1", "Guide\n\na a a a a a"),
        Document("d#2", "Guide > Install\n\nb b b b b b"),
    ]


def test_a_paragraph_that_fits_is_kept_whole() -> None:
    text = "a a a a a a.\n\nb b b. b b b.\n\nc c c."
    assert [c.text for c in pieces(text, 10)] == ["a a a a a a.", "b b b. b b b.\n\nc c c."]


def test_small_sections_share_a_chunk() -> None:
    text = "# A\na a a\n# B\nb b b\n# C\nc c c c c c"
    assert [c.text for c in pieces(text, 20)] == ["A\n\na a a\n# B\nb b b\n# C\nc c c c c c"]


def test_a_chunk_begins_with_the_last_sentences_of_the_one_before() -> None:
    text = "One one one. Two two two. Three three three. Four four four."
    assert [c.text for c in pieces(text, 6, 3)] == [
        "One one one. Two two two.",
        "Two two two. Three three three.",
        "Three three three. Four four four.",
    ]


def test_another_section_does_not_begin_with_the_end_of_the_last() -> None:
    text = "# A\none one. two two.\n# B\nthree three. four four."
    assert [c.text for c in pieces(text, 8, 2)] == ["A\n\none one. two two.", "B\n\nthree three. four four."]


def test_a_long_sentence_is_cut_between_words() -> None:
    found = pieces(" ".join(f"w{n}" for n in range(25)), 10, 2)
    assert [c.text.split()[0] for c in found] == ["w0", "w8", "w16"]
    assert found[-1].text.split()[-1] == "w24"


def test_a_word_without_end_is_cut_too() -> None:
    found = pieces("x" * 1000, 4)
    assert "".join(c.text for c in found) == "x" * 1000
    assert max(len(c.text) for c in found) <= 4 * 64


def test_a_document_may_be_one_chunk() -> None:
    assert pieces(" # A\n\nall of it \n", None) == [Document("d#1", "# A\n\nall of it")]


def test_a_document_of_headings_alone_is_not_lost() -> None:
    assert "Only a title" in pieces("# Only a title", 10)[0].text
    assert pieces("  \n", 10) == pieces("\n", None) == []


def test_an_overlap_of_more_than_half_is_refused() -> None:
    with pytest.raises(ValueError, match="an overlap of 6 tokens is not within half of 10"):
        Chunking(10, 6)


BITS = st.sampled_from(["# H\n", "## K\n", "aa ", "bb. ", "cc\n", "\n\n", "dd! ", "```\n", "e" * 90 + " "])


@given(st.lists(BITS, max_size=60), st.integers(16, 40), st.integers(0, 8))
def test_no_chunk_is_too_long_and_no_word_is_lost(bits: list[str], tokens: int, overlap: int) -> None:
    text = "".join(bits)
    found = pieces(text, tokens, overlap)
    assert [c.id for c in found] == [f"d#{n}" for n in range(1, len(found) + 1)]
    assert all(len(WORD.findall(c.text)) <= tokens for c in found)
    joined = "".join("".join(c.text for c in found).split())
    assert all(word in joined for bit in bits if (word := bit.strip("# \n")).isalpha())
    assert found == pieces(text, tokens, overlap)
