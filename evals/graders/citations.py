"""The grader of citations: does the answer cite the passages that hold the answer, and only those?

A citation is a number in brackets, [1], [2, 3] or [1-3]: the place, from 1, of a passage among the
prediction's `sources`. The id of a source may stand in the brackets instead. A number beyond the
sources cites nothing that was shown, which is a wrong citation; [0] is none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from evals.graders import answer_text
from evals.graders.folding import fold, shown
from evals.graders.options import text
from evals.graders.row_by_row import Reading, RowByRow
from evals.types import Example, Prediction

PHRASE = "not in the documents"
_BRACKETS = re.compile(r"\[\^?([^\[\]\n]{1,200})\]")
_PLACES = re.compile(r"(\d{1,4})(?:\s*[-–]\s*(\d{1,4}))?")
_BRACKETS_READ = 1000
_RANGE = 50
"""How many brackets of an answer, and how many passages of [1-999], are looked at."""


class Citations(RowByRow):
    """The F1 of the cited passages and the gold ones (`gold_doc_ids`).

    A row without gold passages cannot be answered from the documents: there the answer is right
    when it says so, in the words of `phrase` (case and spaces ignored). Parts: `precision`, the gold
    passages among those cited; `recall`, the cited ones among the gold; both pooled over rows.
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
        return Prediction(example.id, target, "stop", sources=sources)

    def read(self, example: Example, prediction: Prediction) -> Reading:
        """The citations of one answer, by id."""
        found = cited(prediction.text, prediction.sources)
        gold = set(example.gold_doc_ids)
        hits = len(gold.intersection(found))
        counts: dict[str, tuple[float, float]] = {}
        if found:
            counts["precision"] = (float(hits), float(len(found)))
        if gold:
            counts["recall"] = (float(hits), float(len(gold)))
        abstains = self._phrase in fold(prediction.text)
        if not gold:
            why = f"does not say {self._phrase!r}"
            return Reading(float(abstains), shown(", ".join(found)), why, counts=counts)
        if not found:
            why = f"says {self._phrase!r}" if abstains else "no citation"
            return Reading(0.0, None, why, unread=not abstains, counts=counts)
        value = 2 * hits / (len(found) + len(gold))
        return Reading(value, shown(", ".join(found)), self._why(found, gold), counts=counts)

    def _why(self, found: Sequence[str], gold: set[str]) -> str:
        wrong, missed = [one for one in found if one not in gold], sorted(gold.difference(found))
        faults = [f"cites {', '.join(wrong[:3])}"] if wrong else []
        return ", ".join([*faults, f"not {', '.join(missed[:3])}"] if missed else faults)


def cited(given: str, sources: Sequence[str]) -> list[str]:
    """The ids of the passages that a text cites, each once, in order; a number beyond the sources
    stands as [9]."""
    place = {str(n): source for n, source in enumerate(sources, 1)}
    found: dict[str, None] = {}
    for brackets in islice(_BRACKETS.finditer(given), _BRACKETS_READ):
        for part in re.split(r"[,;]", brackets[1]):
            named = [part.strip()] if part.strip() in sources and part.strip() not in place else None
            found.update(dict.fromkeys(named or (place.get(n, f"[{n}]") for n in _numbers(part))))
    return list(found)


def _numbers(part: str) -> list[str]:
    """The numbers that "3" or "1-3" stands for, without 0; none for any other text."""
    ends = _PLACES.fullmatch(part.strip())
    if ends is None:
        return []
    first = int(ends[1])
    last = min(int(ends[2] or first), first + _RANGE)
    return [str(n) for n in range(max(1, first), last + 1)]
