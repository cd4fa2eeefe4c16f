"""Why a row is not right: one reason each, the first that applies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evals.types import FAILURES, Failure, Prediction, Requirement, Row, Score

RARE: tuple[Failure, ...] = ("too_long", "unjudged")
"""Failures that most tasks cannot have."""


def primary_grader(requirements: Sequence[Requirement], graders: Sequence[str]) -> str:
    """The grader that says whether a row is right: that of the first quality requirement for which more is
    better and which a grader gives, else the first grader of which less was not asked, else the first. Raises
    ValueError without graders."""
    if not graders:
        raise ValueError("a task has at least one grader")
    asked = [(r, grader) for r in requirements if (grader := grader_of(r.metric, graders)) is not None]
    for requirement, grader in asked:
        if requirement.kind == "quality" and requirement.at_least is not None:
            return grader
    less = {grader for requirement, grader in asked if requirement.at_most is not None}
    return next((grader for grader in graders if grader not in less), graders[0])


def grader_of(metric: str, graders: Sequence[str]) -> str | None:
    """The grader that gives a metric, "json_fields" for "json_fields.micro"; None when none does.

    The longest name wins, so that a grader may have a dot in its own name.
    """
    matches = [name for name in graders if metric == name or metric.startswith(name + ".")]
    return max(matches, key=len, default=None)


def failure_of(
    prediction: Prediction, scores: Mapping[str, Score], primary: str, pass_at: float
) -> Failure | None:
    """The row's failure, None when it is right.

    In this order: error (no answer after retries), too_long (the prompt did not fit the context),
    truncated (cut at max_tokens), refused, format (some grader could not read the answer), unjudged (the
    primary grader is a judge whose verdict could not be read), wrong (the primary grader's value is below
    `pass_at`, or it gave none).
    """
    if prediction.finish == "error" or prediction.error is not None:
        return "error"
    if prediction.finish == "too_long":
        return "too_long"
    if prediction.finish == "length":
        return "truncated"
    if prediction.finish == "refused":
        return "refused"
    if any(s.failure == "format" for s in scores.values()):
        return "format"
    score = scores.get(primary)
    if score is not None and not score.judged:
        return "unjudged"
    return None if score is not None and score.value >= pass_at else "wrong"


def count_failures(rows: Sequence[Row]) -> tuple[dict[Failure, int], int]:
    """How many rows have each failure, and how many are correct: together all rows. Those of RARE are
    named only where they occur."""
    counts = {name: sum(row.failure == name for row in rows) for name in FAILURES}
    named = {name: count for name, count in counts.items() if count or name not in RARE}
    return named, len(rows) - sum(named.values())
