"""The options without which a grader cannot be built, and how a test grades one answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evals.graders import build
from evals.output import OutputSpec
from evals.task import GraderSpec
from evals.types import Example, Grader, Json, Models, Prediction, Score

NEEDED: dict[str, dict[str, Any]] = {
    "regex": {"pattern": r"\d+"},
    "not_contains": {"values": ["sorry"]},
    "length": {"max": 5},
    "readability": {"max": 8},
    "sql": {"database": "CREATE TABLE t (a);"},
    "judge": {"criteria": "It is polite.", "model": "smollm2-135m"},
    "pairwise": {"criteria": "It is polite.", "model": "smollm2-135m"},
    "style": {"others": "others.txt"},
    "weighted": {"graders": ["exact", "contains"]},
    "recorded": {"tool": "lm-eval", "metric": "acc"},
}


def grader(name: str, output: OutputSpec | None = None, folder: Path | None = None, **options: Any) -> Grader:
    """A grader as a task's would be; an option that is a word of Python is written with a `_`."""
    spec = GraderSpec(name, {key.rstrip("_"): value for key, value in options.items()})
    where = None if folder is None else folder / "task.yaml"
    (built,) = build([spec], output or OutputSpec("text"), where)
    return built


def grade(
    built: Grader,
    text: str,
    target: Json = "",
    references: Sequence[Json] = (),
    *,
    fields: Mapping[str, Json] | None = None,
    models: Models | None = None,
) -> Score:
    """The score of one answer."""
    row = (Example("r", "", target, tuple(references), fields=fields or {}), Prediction("r", text, "stop"))
    (found,) = built.grade([row], models)
    return found
