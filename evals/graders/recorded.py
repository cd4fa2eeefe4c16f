"""The grader that grades nothing: its scores were given by another tool, and stand in a run folder.

Where one is missing the row is missing from the metric, as where a judge said nothing that can be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from evals.graders.options import text
from evals.types import Example, Json, Models, Prediction, Score


class Recorded:
    """Scores that `by` gave with these `options`. Two runs share them where both are the same."""

    name = "recorded"
    version = 1
    higher_is_better = True
    pass_at = 1.0

    def __init__(self, *, by: str = "", options: Mapping[str, Json] | None = None) -> None:
        """Raises ValueError when nothing says who gave the scores."""
        self.metrics: Sequence[str] = (self.name,)
        self._by = text("by", by)
        given: Json = dict(options or {})
        self.identity: dict[str, Json] = {"version": self.version, "options": {"by": by, "options": given}}

    def gold(self, example: Example) -> None:
        """No answer is known to be right for who graded elsewhere."""

    def grade(self, rows: Sequence[tuple[Example, Prediction]], models: Models) -> Iterator[Score]:
        """Nothing is known of these rows."""
        for example, prediction in rows:
            why = f"{self._by} gave no score"
            yield Score(example.id, self.name, 0.0, why=why, repeat=prediction.repeat, judged=False)
