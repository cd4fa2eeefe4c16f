"""Graders of how much is said and how plainly: length and readability. The gold answer is not read."""

from __future__ import annotations

import re

from evals.graders.folding import shown
from evals.graders.options import bounds, one_of
from evals.graders.row_by_row import Reading, RowByRow
from evals.types import Example, Prediction

_WORD = re.compile(r"[^\W_]+(?:(?:['’\-]|(?<=\d)[.,](?=\d))[^\W_]+)*")
"""Letters and digits, with apostrophes and hyphens between them, and points and commas between digits:
"don't", "well-known" and "1,000.5" are one word."""
_SENTENCE = re.compile(r"[.!?…](?=\s|$|[\"'”’)\]])|[。！？]|\n\s*\n")
_VOWELS = re.compile(r"[aeiouyàâäáæèéêëìîïíòôöóœùûüúÿý]+")
_SILENT = re.compile(r"[^aeiouyl]e$|[^aeiouytdl]ed$|[^aeiouylszxcgh]es$|[aeiouy]l(?:e|ed|es)$")
"""Endings whose e is not spoken: make, jumped, makes, whole; not table, wanted, boxes."""

LIMIT = 200_000
"""Characters of an answer whose readability is looked at."""


class Length(RowByRow):
    """1 when the answer is at least `min` and at most `max` long, else 0.

    `unit`: `words` (letters and digits, as in "well-known" and "1,000"), `tokens` (what stands
    between whitespace) or `characters` (code points, without outer whitespace).
    """

    name = "length"

    def __init__(self, *, unit: str = "words", min: float | None = None, max: float | None = None) -> None:
        """Raises ValueError for a wrong option, or without any bound."""
        self._unit = one_of("unit", unit, ("words", "tokens", "characters"))
        self._low, self._high = bounds(min, max, least=0)
        super().__init__({"unit": unit, "min": min, "max": max})

    def read(self, example: Example, prediction: Prediction) -> Reading:
        """The length of one answer."""
        text = prediction.text.strip()
        if self._unit == "characters":
            size = len(text)
        else:
            size = len(text.split()) if self._unit == "tokens" else sum(1 for _ in _WORD.finditer(text))
        why = f"{size} {self._unit}, wanted {_wanted(self._low, self._high)}"
        return Reading(float(self._low <= size <= self._high), size, why)


class Readability(RowByRow):
    """1 when the answer is as easy to read as asked, else 0. For English.

    `formula: grade` is the Flesch-Kincaid grade level, .39 W/S + 11.8 Y/W - 15.59 (Kincaid et al.
    1975), where less is easier; `ease` the Flesch reading ease, 206.835 - 1.015 W/S - 84.6 Y/W
    (Flesch 1948), where more is easier. W, S and Y are words, sentences and syllables.
    """

    name = "readability"

    def __init__(self, *, formula: str = "grade", min: float | None = None, max: float | None = None) -> None:
        """Raises ValueError for a wrong option, or without any bound."""
        self._formula = one_of("formula", formula, ("grade", "ease"))
        self._low, self._high = bounds(min, max)
        super().__init__({"formula": formula, "min": min, "max": max})

    def read(self, example: Example, prediction: Prediction) -> Reading:
        """The readability of one answer; without a word there is none."""
        found = readability(prediction.text[:LIMIT], self._formula)
        if found is None:
            return Reading(0.0, shown(prediction.text.strip()), "no words to read", unread=True)
        why = f"{self._formula} {found:.1f}, wanted {_wanted(self._low, self._high)}"
        return Reading(float(self._low <= found <= self._high), round(found, 2), why)


def readability(text: str, formula: str) -> float | None:
    """The Flesch-Kincaid `grade` or the Flesch reading `ease` of a text; None without any word.

    A sentence ends at . ! ? or a blank line, if a word stands before the mark.
    """
    words = _WORD.findall(text)
    if not words:
        return None
    sentences = sum(1 for part in _SENTENCE.split(text) if _WORD.search(part))
    per_sentence = len(words) / sentences
    per_word = sum(map(syllables, words)) / len(words)
    if formula == "ease":
        return 206.835 - 1.015 * per_sentence - 84.6 * per_word
    return 0.39 * per_sentence + 11.8 * per_word - 15.59


def syllables(word: str) -> int:
    """Runs of vowels, y among them, less a silent e, ed or es at the end; at least one."""
    plain = word.lower()
    return max(1, len(_VOWELS.findall(plain)) - bool(_SILENT.search(plain[-4:])))


def _wanted(low: float, high: float) -> str:
    sides = [f"at least {low:g}"] * (low > -1e10) + [f"at most {high:g}"] * (high < 1e10)
    return " and ".join(sides)
