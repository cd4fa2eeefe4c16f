"""The grader of citations: does the answer cite the passages that hold the answer, and only those?

A citation is a number in brackets, [1], [2, 3] or [1-3]: the place, from 1, of a passage among those
of the prediction's `sources` that stood in the prompt, its first `shown`. The id of such a source, or
of the document that a chunk "guide.md#3" is of, may stand in the brackets instead. A number beyond them
cites nothing that was shown, which is a wrong citation; [0] is none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from evals.graders import answer_text
from evals.graders.folding import fold, shown
from evals.graders.options import text
from evals.graders.row_by_row import Reading, RowByRow
from evals.ranking import document_of
from evals.types import Example, Prediction

PHRASE = "not in the documents"
_BRACKETS = re.compile(r"\[\^?([^\[\]\n]{1,200})\]")
_PLACES = re.compile(r"(\d{1,4})(?:\s*[-–]\s*(\d{1,4}))?")
_BRACKETS_READ = 1000
_RANGE = 50
"""How many brackets of an answer, and how many passages of [1-999], are looked at."""


class Citations(RowByRow):
    """The F1 of precision and recall of the cited passages. The gold ones (`gold_doc_ids`) are named
    by their own ids or, if sources are chunks, by their document's.

    A row without gold passages cannot be answered from the documents: there the answer is right
    when it says so, in the words of `phrase` (case and spaces ignored). Parts: `precision`, the share
    of the cited passages that are gold; `recall`, the share of the gold ids that are cited; both
    pooled over rows.
    """

    name = "citations"

    def __init__(self, *, phrase: str = PHRASE) -> None:
        """Raises ValueError for an empty phrase."""
        self._phrase = fold(text("phrase", phrase))
        super().__init__({"phrase": phrase}, ("precision", "recall"))

    def gold(self, example: Example) -> Prediction:
        """The gold answer, given the gold passages; where it cites none, it is made to cite all."""
        target, sources = answer_text(example.target), example.gold_doc_ids
        if sources and not cited(target, sources):
            target += " " + "".join(f"[{place}]" for place, _ in enumerate(sources, 1))
        return Prediction(example.id, target, "stop", sources=sources, shown=len(sources))

    def read(self, example: Example, prediction: Prediction) -> Reading:
        """The citations of one answer, by id."""
        shown_ids = prediction.sources[: prediction.shown]
        found, gold = cited(prediction.text, shown_ids), set(example.gold_doc_ids)
        wrong = [one for one in found if gold.isdisjoint(_names(one))]
        missed = gold.difference(*map(_names, found))
        right, reached = float(len(found) - len(wrong)), float(len(gold) - len(missed))
        counts = {"precision": (right, float(len(found)))} if found else {}
        if gold:
            counts["recall"] = (reached, float(len(gold)))
        abstains = self._phrase in fold(prediction.text)
        if not gold:
            why = f"does not say {self._phrase!r}"
            return Reading(float(abstains), shown(", ".join(found)), why, counts=counts)
        if not found:
            why = f"says {self._phrase!r}" if abstains else "no citation"
            return Reading(0.0, None, why, unread=not abstains, counts=counts)
        precision, recall = right / len(found), reached / len(gold)
        value = 2 * precision * recall / (precision + recall) if right else 0.0
        return Reading(value, shown(", ".join(found)), _why(wrong, sorted(missed)), counts=counts)


def _why(wrong: Sequence[str], missed: Sequence[str]) -> str:
    faults = [f"cites {', '.join(wrong[:3])}"] if wrong else []
    return ", ".join([*faults, f"not {', '.join(missed[:3])}"] if missed else faults)


def _names(source: str) -> tuple[str, str]:
    """The ids that a source goes by: its own and, of a chunk "guide.md#3", its document's."""
    return source, document_of(source)


def cited(given: str, sources: Sequence[str]) -> list[str]:
    """The ids of the passages that a text cites, each once, in order; a number beyond the sources
    stands as [9]."""
    place = {str(n): source for n, source in enumerate(sources, 1)}
    known = {name for source in sources for name in _names(source)}
    found: dict[str, None] = {}
    for brackets in islice(_BRACKETS.finditer(given), _BRACKETS_READ):
        for part in map(str.strip, re.split(r"[,;]", brackets[1])):
            numbers = [] if part in known and part not in place else _numbers(part)
            named = [place.get(n, f"[{n}]") for n in numbers] or [part] * (part in known)
            found.update(dict.fromkeys(named))
    return list(found)


def _numbers(part: str) -> list[str]:
    """The numbers that "3" or "1-3" stands for, without 0; none for any other text."""
    ends = _PLACES.fullmatch(part)
    if ends is None:
        return []
    first = int(ends[1])
    last = min(int(ends[2] or first), first + _RANGE)
    return [str(n) for n in range(max(1, first), last + 1)]
