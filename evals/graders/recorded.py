"""The grader of scores that another tool gave: they are on disk with the answers, and are not made again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evals.errors import RunError
from evals.types import Example, Json, Models, Prediction, Score


class Recorded:
    """Stands for a metric of another tool in a run that was imported.

    `tool` gave the scores by `metric`; `rules` is a hash of how, so that scores made by other rules are not
    compared. What is not on disk cannot be had.
    """

    name = "recorded"
    version = 1
    higher_is_better = True
    pass_at = 1.0

    def __init__(self, *, tool: str = "", metric: str = "", rules: str = "") -> None:
        """Raises ValueError without a tool or a metric."""
        if not tool or not metric:
            raise ValueError("needs the tool and the metric that its scores are of")
        self.metrics: Sequence[str] = (self.name,)
        self.tool = tool
        options: Json = {"tool": tool, "metric": metric, "rules": rules}
        self.identity: dict[str, Json] = {"version": self.version, "options": options}

    def grade(self, rows: Sequence[tuple[Example, Prediction]], models: Models) -> Iterator[Score]:
        """Raises RunError for the first row: what is asked for here was not recorded."""
        for example, _ in rows:
            raise RunError(
                f"row {example.id!r} has no score that {self.tool} recorded",
                hint="Import the results again: recorded scores cannot be made here.",
            )
        yield from ()
