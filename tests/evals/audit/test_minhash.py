"""Candidates hold the pairs that a comparison of all with all finds."""

from __future__ import annotations

import random

import numpy as np

from evals.audit.minhash import candidates, signatures
from evals.audit.shingles import shared, shingles

WORDS = (
    "the a card my lost payment transfer not has been why when can where still pending account top up".split()
)


def texts(n: int, seed: int = 0) -> list[str]:
    """Sentences of which every third is an earlier one with a word changed."""
    draw = random.Random(seed)
    made: list[list[str]] = []
    for number in range(n):
        if number % 3 == 2:
            words = list(draw.choice(made))
            words[draw.randrange(len(words))] = draw.choice(WORDS)
        else:
            words = [f"{draw.choice(WORDS)}{draw.randrange(30)}" for _ in range(draw.randrange(6, 14))]
        made.append(words)
    return [" ".join(words) for words in made]


def test_nearly_all_pairs_above_the_limit_are_found_and_estimated_well() -> None:
    sets = shingles(texts(400), 5)
    every = np.array([(i, j) for i in range(400) for j in range(i + 1, 400)])
    both = shared(sets, every)
    jaccard = both / (sets.sizes[every].sum(axis=1) - both)
    found, estimate = candidates(signatures(sets))
    there = {tuple(pair): e for pair, e in zip(found.tolist(), estimate, strict=True)}
    high = [(tuple(pair), j) for pair, j in zip(every.tolist(), jaccard, strict=True) if j >= 0.6]
    assert len(high) > 60
    assert sum(pair in there for pair, _ in high) >= 0.99 * len(high)
    off = [abs(there[pair] - j) for pair, j in high if pair in there]
    assert np.mean(off) < 0.06


def test_rows_made_from_a_template_cost_no_square_of_their_number() -> None:
    sets = shingles([f"please play the song number {i} for me now" for i in range(3000)], 5)
    found, _ = candidates(signatures(sets))
    assert len(found) < 3000 * 8 * 32


def test_empty_texts_meet_nobody() -> None:
    found, _ = candidates(signatures(shingles(["", "", "some words that stand here", ""], 5)))
    assert len(found) == 0


def test_nothing_to_compare_gives_no_pairs() -> None:
    assert candidates(signatures(shingles(["one text alone"], 5)))[0].shape == (0, 2)
