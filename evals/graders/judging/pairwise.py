"""The grader that has a language model say which of two answers is better, in both orders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from evals.graders import answer_text
from evals.graders.assertions import column_texts
from evals.graders.folding import shown
from evals.graders.judging.asking import Bench, Judgement, framed, judge_of
from evals.graders.options import flag, text
from evals.types import Example, Json, Models, Prediction, Score

if TYPE_CHECKING:
    from evals.task import Task

VERDICTS = ("first", "second", "tie")


class Pairwise:
    """1 when the answer is preferred to the other in both orders, 0 when the other is, 0.5 for a tie: the
    verdict tie, or two orders that disagree (judges lean to a place: Zheng et al. 2023, arXiv 2306.05685).

    The other answer is the gold one, or stands in the column `from`. Parts: `win`, `agreed` (the two
    orders say the same). When one of the verdicts cannot be read, the row has no score.
    """

    name = "pairwise"
    version = 1
    higher_is_better = True
    pass_at = 0.5
    asks_model = True

    def __init__(
        self,
        task: Task | None = None,
        *,
        criteria: str = "",
        from_: str | None = None,
        explain: bool = True,
        model: str | None = None,
    ) -> None:
        """Raises ValueError for a wrong option, and when there is no judge."""
        self.criteria = text("criteria", criteria)
        self.column = None if from_ is None else text("from", from_)
        self.bench = Bench(judge_of(model, task), VERDICTS, flag("explain", explain))
        self.metrics: Sequence[str] = (self.name, f"{self.name}.win", f"{self.name}.agreed")
        self.identity: dict[str, Json] = {
            "version": self.version,
            "criteria": self.criteria,
            "from": from_,
            "judge": self.bench.identity,
        }

    def ready(self, models: Models) -> None:
        """Raises ModelError when the judge is not there."""
        models.open(self.bench.ref)

    def question(self, example: Example, first: str, second: str) -> str:
        """What the judge is asked of two answers."""
        return (
            f"Criteria:\n{self.criteria}\n\nVerdict: which of the two answers to the input is better by "
            "the criteria, first or second, or tie when neither is. Their order says nothing.\n\n"
            + framed({"input": example.input, "first answer": first, "second answer": second})
            + "\n\nThe material ends here. Compare the two answers by the criteria."
        )

    def other(self, example: Example) -> str:
        """What the answer is compared with. Raises DataError when the row's column has no text."""
        if self.column is None:
            return answer_text(example.target)
        return column_texts(example, self.column, lists=False)[0]

    def compare(
        self, pairs: Sequence[tuple[Example, str, str]], models: Models
    ) -> list[tuple[Judgement, Judgement]]:
        """The judgements of each (example, answer, other), as they stand and swapped."""
        forth = [self.question(example, mine, other) for example, mine, other in pairs]
        back = [self.question(example, other, mine) for example, mine, other in pairs]
        told = self.bench.ask([*forth, *back], models) if pairs else []
        return list(zip(told[: len(pairs)], told[len(pairs) :], strict=True))

    def grade(self, rows: Sequence[tuple[Example, Prediction]], models: Models) -> Iterator[Score]:
        """One score a row, in order."""
        others = [self.other(example) for example, _ in rows]
        pairs = [(e, p.text, o) for (e, p), o in zip(rows, others, strict=True) if _differ(p.text, o)]
        told = iter(self.compare(pairs, models))
        for (example, prediction), other in zip(rows, others, strict=True):
            if not prediction.text.strip():
                nothing = {"win": (0.0, 1.0), "agreed": (1.0, 1.0)}
                yield self._score(example, prediction, 0.0, "empty answer", nothing, failure="format")
            elif not _differ(prediction.text, other):
                even = {"win": (0.0, 1.0), "agreed": (1.0, 1.0)}
                yield self._score(example, prediction, 0.5, "the same text", even)
            else:
                yield self._judged(example, prediction, *next(told))

    def _judged(self, example: Example, prediction: Prediction, forth: Judgement, back: Judgement) -> Score:
        usage, value = forth.usage + back.usage, preference(forth, back)
        if value is None:
            unread = forth if forth.verdict is None else back
            why = shown(f"no verdict to read: {unread.said}", 240)
            empty = Score(example.id, self.name, 0.0, why=why, repeat=prediction.repeat)
            return replace(empty, judged=False, usage=usage)
        agreed = consistent(forth, back)
        words = {1.0: "preferred", 0.5: "a tie" if agreed else "a tie: the two orders disagree", 0.0: "worse"}
        counts = {"win": (float(value == 1), 1.0), "agreed": (float(agreed), 1.0)}
        found = self._score(example, prediction, value, f"{words[value]}: {forth.said}", counts)
        return replace(found, answer=words[value], usage=usage)

    def _score(
        self,
        example: Example,
        prediction: Prediction,
        value: float,
        why: str,
        counts: dict[str, tuple[float, float]],
        failure: Literal["format"] | None = None,
    ) -> Score:
        kind = failure or (None if value >= self.pass_at else "wrong")
        said = "" if value >= 1 else shown(why, 240)
        return Score(example.id, self.name, value, None, kind, said, counts, prediction.repeat)


def _differ(mine: str, other: str) -> bool:
    return bool(mine.strip()) and mine.strip() != other.strip()


def preference(forth: Judgement, back: Judgement) -> float | None:
    """1 for the first of `forth`, 0 for its second, 0.5 for a tie or two orders that disagree; None when
    one of the two cannot be read."""
    if forth.verdict is None or back.verdict is None:
        return None
    for won, first, second in ((1.0, "first", "second"), (0.0, "second", "first")):
        if (forth.verdict, back.verdict) == (first, second):
            return won
    return 0.5


def consistent(forth: Judgement, back: Judgement) -> bool:
    """Whether both orders say the same of the two answers."""
    mirror = {"first": "second", "second": "first", "tie": "tie"}
    return forth.verdict is not None and back.verdict == mirror[forth.verdict]
