"""Tokens of words."""

from __future__ import annotations

from collections.abc import Sequence

from baselines.rag import counting
from baselines.rag.counting import WORD, WordCounter, cheap_lengths
from evals.models import Loader


def test_the_cheap_count_takes_marks_and_every_six_characters() -> None:
    assert cheap_lengths(["tea", "a-b", "internationalisation", ""]) == [1, 3, 4, 0]


def test_each_word_is_counted_once() -> None:
    asked: list[str] = []

    def lengths(texts: Sequence[str]) -> list[int]:
        asked.extend(texts)
        return [len(text) for text in texts]

    count = WordCounter(lengths)
    assert count(["one", "three", "one", ""]) == [3, 5, 3, 1]
    assert count(["three", "four"]) == [5, 4]
    assert asked == ["one", "three", "", "four"]


def test_what_is_remembered_is_bounded() -> None:
    count = WordCounter()
    count._known.update((str(n), 1) for n in range(counting.MOST_WORDS + 1))
    assert count(["0", "new"]) == [1, 1]
    assert len(count._known) == 2


def test_the_sum_over_words_is_what_the_embedder_counts(models: Loader) -> None:
    text = "Mitochondrial dynamics (PCD), re-examined: see www.example.org/a?b=c or 3.14159!"
    embedder = models.embedder("minilm")
    assert sum(WordCounter(embedder.lengths)(WORD.findall(text))) == embedder.lengths([text])[0]
