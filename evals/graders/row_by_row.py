"""What graders that read every answer by itself have in common: a `Reading` becomes a `Score`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from evals.graders import answer_text
from evals.graders.folding import shown
from evals.types import Example, Json, Models, Prediction, Score


@dataclass(frozen=True, slots=True)
class Reading:
    """What a grader makes of one answer: a value in [0, 1], what it read, why the value is not 1.

    `unread` is set when the text could not be read as an answer at all; the value is then 0.
    """

    value: float
    answer: Json = None
    why: str = ""
    unread: bool = False
    counts: Mapping[str, tuple[float, float]] = field(default_factory=dict)


class RowByRow:
    """A grader whose scores of different rows have nothing to do with each other: `read` is its own.

    `options` are what its scores depend on; `parts` its pooled metrics. An empty answer that is not
    right is a failure of format.
    """

    name: str
    version = 1
    higher_is_better = True
    pass_at = 1.0

    def __init__(self, options: Mapping[str, Json], parts: Sequence[str] = ()) -> None:
        self.metrics: Sequence[str] = (self.name, *(f"{self.name}.{part}" for part in parts))
        self.identity: dict[str, Json] = {"version": self.version, "options": dict(options)}

    def read(self, example: Example, prediction: Prediction) -> Reading:
        """What is to be said of one answer. Raises DataError when the row itself is at fault."""
        raise NotImplementedError

    def grade(self, rows: Sequence[tuple[Example, Prediction]], models: Models) -> Iterator[Score]:
        """One score a row, in order."""
        for example, prediction in rows:
            yield self.score(example, prediction, self.read(example, prediction))

    def score(self, example: Example, prediction: Prediction, found: Reading) -> Score:
        """The reading as a score."""
        right = found.value >= self.pass_at
        empty = not right and not prediction.text.strip()
        return Score(
            example.id,
            self.name,
            found.value,
            found.answer,
            None if right else "format" if found.unread or empty else "wrong",
            "empty answer" if empty else "" if found.value >= 1 else shown(found.why, 240),
            found.counts,
            prediction.repeat,
        )


def gold_texts(example: Example) -> list[str]:
    """The gold answer and the references, each as an answer would be written."""
    return [answer_text(target) for target in (example.target, *example.references)]
