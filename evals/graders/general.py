"""What any grader can be asked for besides its own options: `as`, `pass_at` and `not`.

All are done here, around a finished grader, so that no grader has to know of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from evals.graders.options import flag, number
from evals.types import Example, Grader, Json, Models, Prediction, Score

GENERAL = ("as", "pass_at", "not")
"""Options of every grader."""
_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


def adjusted(grader: Grader, options: Mapping[str, Any]) -> Grader:
    """The grader with the general options given; itself where there are none.

    Raises ValueError for a wrong value.
    """
    return Adjusted(grader, options) if options else grader


def alias(value: Any) -> str:
    """A name that a grader may be given in a task. Raises ValueError."""
    if not isinstance(value, str) or not _ALIAS.fullmatch(value):
        raise ValueError(f"as is a name of letters, digits, '_' and '-', not {value!r}")
    return value


class Adjusted:
    """A grader that calls a row right from `pass_at` on, and with `not` gives one minus its value; with
    `as` its scores and metrics are filed under another name.

    What could not be read is not right by `not` either: an empty answer and a failure of format
    stay at 0. Only a grader that asks for a form (`asks_form`: a pattern, a schema) is turned
    around as a whole.
    """

    higher_is_better = True

    def __init__(self, grader: Grader, options: Mapping[str, Any]) -> None:
        self.name = alias(options.get("as", grader.name))
        parts = [metric.removeprefix(grader.name) for metric in grader.metrics]
        self.metrics: Sequence[str] = tuple(self.name + part for part in parts)
        self.gold = getattr(grader, "gold", None)
        self.ready = getattr(grader, "ready", None)
        self.runs_code = bool(getattr(grader, "runs_code", False))
        self.asks_model = bool(getattr(grader, "asks_model", False))
        self.advisory = bool(getattr(grader, "advisory", False))
        self.inner = grader
        self.pass_at = number("pass_at", options.get("pass_at", grader.pass_at), 0, 1)
        self._turned = flag("not", options.get("not", False))
        self._asks_form = bool(getattr(grader, "asks_form", False))
        general: Json = {"pass_at": self.pass_at, "not": self._turned}
        self.identity: dict[str, Json] = {**getattr(grader, "identity", {}), "general": general}

    def grade(self, rows: Sequence[tuple[Example, Prediction]], models: Models) -> Iterator[Score]:
        """One score a row, in order."""
        for (_, prediction), score in zip(rows, self.inner.grade(rows, models), strict=True):
            if not score.judged:
                yield replace(score, grader=self.name)
                continue
            found = self._turn(score, prediction.text) if self._turned else score
            passes = found.value >= self.pass_at
            yield replace(found, grader=self.name, failure=None if passes else found.failure or "wrong")

    def _turn(self, score: Score, text: str) -> Score:
        empty = not text.strip()
        if empty or (score.failure == "format" and not self._asks_form):
            return replace(
                score,
                value=0.0,
                failure="format",
                why="empty answer" if empty else score.why,
                counts={part: (0.0, size) for part, (_, size) in score.counts.items()},
            )
        return replace(
            score,
            value=1 - score.value,
            failure=None,
            why="" if score.value == 0 else f"not wanted: {self.inner.name} gives {score.value:.3g}",
            counts={part: (size - right, size) for part, (right, size) in score.counts.items()},
        )
