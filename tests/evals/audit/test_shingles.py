"""Sets of hashed character runs agree with Python's own sets."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evals.audit.shingles import shared, shingles


def runs(text: str, length: int) -> set[str]:
    padded = text.ljust(length) if text else ""
    return {padded[i : i + length] for i in range(max(0, len(padded) - length + 1))}


@given(st.lists(st.text("ab cß🙂", max_size=30), max_size=12), st.integers(1, 6))
def test_sizes_and_what_two_texts_share_are_those_of_sets(texts: list[str], length: int) -> None:
    found = shingles(texts, length)
    sets = [runs(text, length) for text in texts]
    assert found.sizes.tolist() == [len(s) for s in sets]
    pairs = np.array([(i, j) for i in range(len(texts)) for j in range(len(texts)) if i != j], np.int64)
    if len(pairs):
        assert shared(found, pairs).tolist() == [len(sets[i] & sets[j]) for i, j in pairs]


def test_a_text_longer_than_a_block_is_hashed_whole() -> None:
    long = "".join(chr(97 + i * i % 23) + str(i) for i in range(60_000))
    found = shingles([long, "short", long], 5)
    assert found.sizes[0] == found.sizes[2] == shared(found, np.array([[0, 2]]))[0]
    assert abs(found.sizes[0] - len(runs(long, 5))) < 50, "two of 300,000 runs rarely have one hash"


def test_lone_surrogates_are_characters_like_others() -> None:
    assert shingles(["a\ud800b"], 2).sizes.tolist() == [2]
