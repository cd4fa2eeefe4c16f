"""The grader of classification: the whole answer is one label of the task's list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from evals.errors import DataError
from evals.graders import answer_text
from evals.graders.folding import fold, shown
from evals.types import Example, Json, Models, Prediction, Score

if TYPE_CHECKING:
    from evals.output import OutputSpec


class Label:
    """1 when the answer is the gold label or one of the references, else 0.

    Case, outer punctuation, quotes and whitespace are ignored; a sentence that contains the label
    is not the label.
    """

    name = "label"
    version = 1
    higher_is_better = True
    pass_at = 1.0

    def __init__(self, output: OutputSpec) -> None:
        """Raises ValueError without a label list, or with two labels that read the same."""
        if not output.labels:
            raise ValueError("needs a list of labels: write output: {labels: [...]}")
        self.metrics: Sequence[str] = (self.name,)
        self._labels: dict[str, str] = {}
        for label in output.labels:
            other = self._labels.setdefault(fold(label), label)
            if other != label:
                raise ValueError(
                    f"the labels {other!r} and {label!r} read the same once case and punctuation are ignored"
                )
        self.identity: dict[str, Json] = {
            "version": self.version,
            "options": {},
            "output": {"labels": list(output.labels)},
        }

    def wanted(self, example: Example) -> list[str]:
        """The right labels of a row as the task spells them. Raises DataError for one outside the list."""
        wanted = []
        for target in (example.target, *example.references):
            label = self._labels.get(fold(answer_text(target)))
            if label is None:
                raise DataError(
                    f"row {example.id!r}: {shown(answer_text(target), 80)!r} is not in the list of labels",
                    hint=f"The labels are {shown(', '.join(self._labels.values()), 300)}.",
                )
            wanted.append(label)
        return wanted

    def grade(self, rows: Sequence[tuple[Example, Prediction]], models: Models) -> Iterator[Score]:
        """One score a row, in order; the answer is the label as the task spells it. An answer
        outside the list is a failure of format. Raises DataError for a gold label outside it."""
        for example, prediction in rows:
            wanted = self.wanted(example)
            text = prediction.text.strip()
            said = self._labels.get(fold(text))
            if said is None:
                why = f"not in the list of labels: {shown(repr(text), 120)}" if text else "empty answer"
                yield Score(example.id, self.name, 0.0, shown(text), "format", why, repeat=prediction.repeat)
                continue
            right = said in wanted
            yield Score(
                example.id,
                self.name,
                float(right),
                said,
                None if right else "wrong",
                "" if right else f"{said}, not {wanted[0]}",
                repeat=prediction.repeat,
            )
