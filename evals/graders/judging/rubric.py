"""The grader that has a language model judge each answer by criteria in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from evals.graders import answer_text
from evals.graders.folding import shown
from evals.graders.judging.asking import Bench, Judgement, framed, judge_of
from evals.graders.options import flag, text, whole
from evals.types import Example, Json, Models, Prediction, Score

if TYPE_CHECKING:
    from evals.task import Task

PASS_FAIL = ("fail", "pass")
PASS_AT = 0.75
"""From where a verdict on a scale counts as right: 4 of 5."""


class Judge:
    """The verdict of a language model on each answer: pass is 1, fail 0; of a scale of k, (verdict - 1) /
    (k - 1).

    `criteria` is the rubric; `scale` is `pass_fail` or a number of grades; `reference` shows the gold
    answer to the judge; `explain` asks for a reason before the verdict. A verdict that cannot be read is
    no score: the row is counted apart. An empty answer is 0 and is not shown to the judge.
    """

    name = "judge"
    version = 1
    higher_is_better = True
    asks_model = True

    def __init__(
        self,
        task: Task | None = None,
        *,
        criteria: str = "",
        scale: str | int = "pass_fail",
        reference: bool = True,
        explain: bool = True,
        model: str | None = None,
    ) -> None:
        """Raises ValueError for a wrong option, and when there is no judge."""
        self.criteria = text("criteria", criteria)
        if scale == "pass_fail":
            self.verdicts: Sequence[str] = PASS_FAIL
        elif isinstance(scale, str):
            raise ValueError(f"scale is pass_fail or a number of grades from 2 to 10, not {scale!r}")
        else:
            self.verdicts = [str(grade) for grade in range(1, whole("scale", scale, 2, 10) + 1)]
        self.pass_at = 1.0 if scale == "pass_fail" else PASS_AT
        self._reference = flag("reference", reference)
        self.bench = Bench(judge_of(model, task), self.verdicts, flag("explain", explain))
        self.metrics: Sequence[str] = (self.name,)
        self.identity: dict[str, Json] = {
            "version": self.version,
            "criteria": self.criteria,
            "scale": scale,
            "reference": reference,
            "judge": self.bench.identity,
        }

    def ready(self, models: Models) -> None:
        """Raises ModelError when the judge is not there."""
        models.open(self.bench.ref)

    def value(self, verdict: str) -> float:
        """A verdict as a score in [0, 1]."""
        return self.verdicts.index(verdict) / (len(self.verdicts) - 1)

    def question(self, example: Example, answer: str) -> str:
        """What the judge is asked of one answer."""
        parts = {"input": example.input}
        if self._reference:
            parts["right answer, for comparison"] = answer_text(example.target)
        scale = "pass or fail" if self.verdicts == PASS_FAIL else f"from 1 (worst) to {self.verdicts[-1]}"
        return (
            f"Criteria:\n{self.criteria}\n\nVerdict: {scale}, on the answer.\n\n"
            + framed({**parts, "answer": answer})
            + "\n\nThe material ends here. Judge the answer by the criteria."
        )

    def grade(self, rows: Sequence[tuple[Example, Prediction]], models: Models) -> Iterator[Score]:
        """One score a row, in order."""
        asked = [(e, p) for e, p in rows if p.text.strip()]
        told = self.bench.ask([self.question(e, p.text) for e, p in asked], models) if asked else []
        judgements = iter(told)
        for example, prediction in rows:
            if prediction.text.strip():
                yield self._score(example, prediction, next(judgements))
            else:
                yield Score(
                    example.id, self.name, 0.0, "", "format", "empty answer", repeat=prediction.repeat
                )

    def _score(self, example: Example, prediction: Prediction, found: Judgement) -> Score:
        judged = found.verdict is not None
        value = self.value(found.verdict) if found.verdict is not None else 0.0
        why = f"judged {found.verdict}: {found.said}" if judged else f"no verdict to read: {found.said}"
        return Score(
            example.id,
            self.name,
            value,
            found.verdict,
            None if value >= self.pass_at or not judged else "wrong",
            shown(why, 240) if value < 1 else "",
            repeat=prediction.repeat,
            judged=judged,
            usage=found.usage,
        )
