"""How alike an answer and a gold answer are as texts: by words, by characters, by edits.

ROUGE is that of rouge-score, BLEU and chrF those of sacrebleu, the edit distance that of rapidfuzz.
Two rules stand before all of them: an answer with the gold answer's own words is 1 (the libraries give
0 or 1.0000000000000004 for some), and only the first characters of very long texts are read.

No answer of a person would be like the gold answer to the letter, so a row is right from a likeness
below 1 on (`pass_at`): a half by words or runs of characters, 0.3 by BLEU, 0.8 by edits. These are
conventions; no likeness means the same in two tasks.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import regex

from evals.errors import DataError
from evals.graders.folding import shown
from evals.graders.options import flag, one_of, whole
from evals.graders.row_by_row import Reading, RowByRow, gold_texts
from evals.types import Example, Json, Prediction

LIMIT = 20_000
"""Characters of either text that are compared, unless a grader says otherwise."""


class TextSimilarity(RowByRow):
    """The likeness of an answer to the gold answer or, if greater, to a reference, in [0, 1]."""

    limit = LIMIT
    pass_at = 0.5

    def likeness(self, golds: Sequence[str], said: str) -> float:
        """How like one of the right answers the answer is; all without outer whitespace."""
        raise NotImplementedError

    def words(self, text: str) -> Sequence[str]:
        """What two texts must share to be the same."""
        return text.split()

    def check(self, example: Example, golds: Sequence[str]) -> None:
        """Raise DataError where these right answers cannot be compared with anything."""

    def _same_words(self, golds: Sequence[str], said: str) -> bool:
        words = self.words(said)
        return bool(words) and any(words == self.words(gold) for gold in golds)

    def read(self, example: Example, prediction: Prediction) -> Reading:
        """The likeness of one answer."""
        golds = [gold.strip()[: self.limit] for gold in gold_texts(example)]
        self.check(example, golds)
        said = prediction.text.strip()[: self.limit]
        if said in golds or (said and self._same_words(golds, said)):
            value = 1.0
        else:
            value = min(1.0, max(0.0, self.likeness(golds, said))) if said else 0.0
        return Reading(value, shown(said), f"{value:.2f} to {shown(repr(golds[0]), 120)}")


ROUGES = ("rouge1", "rouge2", "rouge3", "rouge4", "rougeL", "rougeLsum")


class Rouge(TextSimilarity):
    """ROUGE (Lin 2004): words shared (`rouge1`), runs of words shared (`rouge2` to `rouge4`), the longest
    common subsequence of words (`rougeL`), or that line by line (`rougeLsum`).

    `measure` is `f1`, `precision` or `recall`; `stem` takes off English endings; `words` is what a
    word is made of: `latin` (rouge-score's own: a-z and 0-9) or `unicode` (letters of any script).
    """

    name = "rouge"

    def __init__(
        self, *, kind: str = "rougeL", measure: str = "f1", stem: bool = False, words: str = "latin"
    ) -> None:
        """Raises ValueError for a wrong option."""
        self._kind = one_of("kind", kind, ROUGES)
        self._measure = one_of("measure", measure, ("f1", "precision", "recall"))
        self._stem = flag("stem", stem)
        self._latin = one_of("words", words, ("latin", "unicode")) == "latin"
        if self._stem and not self._latin:
            raise ValueError("stem knows English words only: leave out words: unicode")
        if kind == "rougeLsum":
            self.limit = LIMIT // 2
        super().__init__({"kind": kind, "measure": measure, "stem": stem, "words": words})

    @cached_property
    def _tokenizer(self) -> Any:
        from rouge_score.tokenizers import DefaultTokenizer

        return DefaultTokenizer(self._stem) if self._latin else UnicodeWords()

    @cached_property
    def _scorer(self) -> Any:
        from rouge_score.rouge_scorer import RougeScorer

        return RougeScorer([self._kind], tokenizer=self._tokenizer)

    def words(self, text: str) -> Sequence[str]:
        """The tokens that are compared."""
        tokens: Sequence[str] = self._tokenizer.tokenize(text)
        return tokens

    def check(self, example: Example, golds: Sequence[str]) -> None:
        """A right answer in a script that `words: latin` does not see would make every answer wrong."""
        for gold in golds:
            if self._latin and any(map(str.isalpha, gold)) and not self.words(gold):
                raise DataError(
                    f"row {example.id!r}: {shown(repr(gold), 80)} has no word of a-z or 0-9",
                    hint="Give the grader rouge the option words: unicode.",
                )

    def likeness(self, golds: Sequence[str], said: str) -> float:
        """The best measure over the right answers."""
        return max(self._one(gold, said) for gold in golds)

    def _one(self, gold: str, said: str) -> float:
        if self._kind != "rougeL":
            found = self._scorer.score(gold, said)[self._kind]
            return float(getattr(found, {"f1": "fmeasure"}.get(self._measure, self._measure)))
        from rapidfuzz.distance import LCSseq

        wanted, got = self.words(gold), self.words(said)
        shared = LCSseq.similarity(wanted, got)
        size = {"f1": (len(wanted) + len(got)) / 2, "precision": len(got), "recall": len(wanted)}
        return shared / size[self._measure] if shared else 0.0


class UnicodeWords:
    """Words of letters, marks and digits of any script, without case; a sign of a script that sets no
    spaces (Chinese, Japanese, Thai) is a word of its own. A tokenizer for rouge-score."""

    _alone = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}]"
    _word = regex.compile(rf"(?V1){_alone}|[[\p{{L}}\p{{M}}\p{{N}}]--{_alone}]+")

    def tokenize(self, text: str) -> list[str]:
        """The words of a text, in order."""
        return list(self._word.findall(text.casefold()))


class Bleu(TextSimilarity):
    """Sentence BLEU against the gold answer and the references together (Papineni et al. 2002), as
    sacrebleu computes it with effective order and exponential smoothing, over 100."""

    name = "bleu"
    pass_at = 0.3

    def __init__(self, *, tokenize: str = "13a", ignore_case: bool = False) -> None:
        """Raises ValueError for a wrong option."""
        self._tokenize = one_of("tokenize", tokenize, ("13a", "intl", "char", "zh", "none"))
        self._ignore_case = flag("ignore_case", ignore_case)
        super().__init__({"tokenize": tokenize, "ignore_case": ignore_case})

    @cached_property
    def _metric(self) -> Any:
        from sacrebleu.metrics.bleu import BLEU

        return BLEU(tokenize=self._tokenize, lowercase=self._ignore_case, effective_order=True)

    def likeness(self, golds: Sequence[str], said: str) -> float:
        """sacrebleu's sentence score, over 100."""
        return float(self._metric.sentence_score(said, list(golds)).score) / 100


class Chrf(TextSimilarity):
    """chrF, the F2 of runs of characters (Popović 2015), as sacrebleu computes it, over 100; with
    `word_order: 2` it is chrF++ (Popović 2017)."""

    name = "chrf"

    def __init__(self, *, char_order: int = 6, word_order: int = 0, ignore_case: bool = False) -> None:
        """Raises ValueError for a wrong option."""
        self._orders = (whole("char_order", char_order, 1, 10), whole("word_order", word_order, 0, 4))
        self._ignore_case = flag("ignore_case", ignore_case)
        options: dict[str, Json] = {
            "char_order": char_order,
            "word_order": word_order,
            "ignore_case": ignore_case,
        }
        super().__init__(options)

    @cached_property
    def _metric(self) -> Any:
        from sacrebleu.metrics.chrf import CHRF

        return CHRF(*self._orders, lowercase=self._ignore_case)

    def likeness(self, golds: Sequence[str], said: str) -> float:
        """sacrebleu's sentence score, over 100: the best of the references counts."""
        return float(self._metric.sentence_score(said, list(golds)).score) / 100


class EditSimilarity(TextSimilarity):
    """One minus the edit distance (Levenshtein 1966) over the length of the longer text, counted in
    `characters` or `words`."""

    name = "edit_similarity"
    limit = 100_000
    pass_at = 0.8

    def __init__(self, *, unit: str = "characters", ignore_case: bool = False) -> None:
        """Raises ValueError for a wrong option."""
        self._by_words = one_of("unit", unit, ("characters", "words")) == "words"
        self._ignore_case = flag("ignore_case", ignore_case)
        super().__init__({"unit": unit, "ignore_case": ignore_case})

    def words(self, text: str) -> Sequence[str]:
        """The units that are compared."""
        form = text.casefold() if self._ignore_case else text
        return form.split() if self._by_words else form

    def likeness(self, golds: Sequence[str], said: str) -> float:
        """The best over the right answers."""
        from rapidfuzz.distance import Levenshtein

        got = self.words(said)
        return max(float(Levenshtein.normalized_similarity(self.words(gold), got)) for gold in golds)
