"""Choosing on dev: which approaches go to test, and the one figure that settings are raced by.

The test set confirms, it does not choose. To it go the cheapest approach that meets everything on
dev by point value and, if another, the one with the best worst margin: observed minus threshold, in
standard errors. When every approach is *not met* on dev for a gating requirement, none goes.
"""

from __future__ import annotations

from collections.abc import Sequence

from evals.looks import full_alpha, look_alpha
from evals.metrics import PREFERENCE, evidence, grader_metrics, in_slice, is_amount
from evals.stats.bounds import standard_error
from evals.status import Judgement, Terms, Trial, judge, reaches
from evals.types import Measured, Requirement, Row


def is_gating(requirement: Requirement) -> bool:
    """Whether a requirement decides; advisory ones are only shown."""
    return requirement.tier == "critical"


def judge_on_dev(task: Terms, measured: Measured) -> tuple[Judgement, ...]:
    """Every requirement's status on the dev rows, uncorrected, in the task's order."""
    alpha = full_alpha(task)
    trial = Trial("dev", alpha, alpha, look_alpha(task), point=task.policy == "point")
    return tuple(judge(requirement, measured, trial, task) for requirement in task.requirements)


def shortlist(task: Terms, measured: Sequence[Measured]) -> tuple[str, ...]:
    """The hashes of the approaches to judge on test, in the given order, cheapest first; empty when
    each is *not met* on dev for a gating requirement, or none was scored there."""
    standing = [(m, judge_on_dev(task, m)) for m in measured if m.state == "scored" and m.rows.get("dev")]
    open_ones = [(m, js) for m, js in standing if "not met" not in gating_statuses(task, js)]
    if not open_ones:
        return ()
    meeting = [m for m, js in open_ones if meets_by_point(task, js)]
    best = max(open_ones, key=lambda pair: worst_margin(task, pair[1]))[0]
    chosen = {m.hash for m in (*meeting[:1], best)}
    return tuple(m.hash for m, _ in open_ones if m.hash in chosen)


def gating_statuses(task: Terms, judgements: Sequence[Judgement]) -> list[str]:
    """The statuses of the requirements that gate, at best where rows are missing."""
    return [j.best for r, j in zip(task.requirements, judgements, strict=True) if is_gating(r)]


def meets_by_point(task: Terms, judgements: Sequence[Judgement]) -> bool:
    """Whether every gating requirement's value is on the right side, rows without an answer counted
    as failed; amounts that were not measured yet (latency is, after the choice) do not count."""
    for requirement, judgement in zip(task.requirements, judgements, strict=True):
        if not is_gating(requirement):
            continue
        value = judgement.sample.value if judgement.sample is not None else None
        if is_amount(requirement.metric):
            missed = judgement.status.status == "not met"
        else:
            missed = value is None or not reaches(requirement, value)
        if missed:
            return False
    return True


def worst_margin(task: Terms, judgements: Sequence[Judgement]) -> float:
    """The smallest margin over gating scores, in standard errors; minus infinity where one has no
    rows, plus infinity where nothing gates. Of equal margins the cheaper approach's wins, being first."""
    margins = [
        _margin(requirement, judgement)
        for requirement, judgement in zip(task.requirements, judgements, strict=True)
        if is_gating(requirement) and not is_amount(requirement.metric)
    ]
    return min(margins, default=float("inf"))


def _margin(requirement: Requirement, judgement: Judgement) -> float:
    sample = judgement.sample
    if sample is None or sample.value is None:
        return float("-inf")
    away = sample.value - requirement.bound
    return (away if requirement.at_least is not None else -away) / standard_error(sample)


def figure(task: Terms, rows: Sequence[Row]) -> float:
    """One number for graded dev rows, higher is better, by which settings are raced.

    The mean over gating format and quality requirements of how much of the threshold is reached
    (at most all of it), so that progress counts while everything is far from its threshold and one
    surplus pays for no shortfall. What is beyond the thresholds only breaks ties: a millionth of the
    mean score over all graders. Rows in error count as wrong here, so that a setting cannot win by
    failing. Without rows it is -1. Pairs of answers are no rows: `with_pairs` adds them.
    """
    if not rows:
        return -1.0
    graders = [metric for metric in grader_metrics(rows) if any(metric in row.scores for row in rows)]
    means = [_mean(metric, rows, missing_right=False) for metric in graders]
    surplus = sum(means) / len(means) if means else 0.0
    asked = [r for r in _asked(task) if r.metric != PREFERENCE]
    reached = [_reached(r, in_slice(rows, r.where)) for r in asked]
    known = [share for share in reached if share is not None]
    return (sum(known) / len(known) if known else surplus) + 1e-6 * surplus


def with_pairs(task: Terms, graded: float, pairs: Sequence[Row]) -> float:
    """The figure of dev rows and of what a model makes of the dev pairs: each requirement counts alike."""
    asked = _asked(task)
    reached = [_reached(r, in_slice(pairs, r.where)) for r in asked if r.metric == PREFERENCE]
    known = [share for share in reached if share is not None]
    if not known:
        return graded
    others = len(asked) - len(reached)
    if not others:
        return sum(known) / len(known) + 1e-6 * graded
    return (others * graded + sum(known)) / (others + len(known))


def _asked(task: Terms) -> list[Requirement]:
    """The gating format and quality requirements."""
    return [
        r
        for r in task.requirements
        if is_gating(r) and not is_amount(r.metric) and r.kind in ("format", "quality")
    ]


def _mean(metric: str, rows: Sequence[Row], missing_right: bool) -> float:
    found = evidence(metric, rows)
    return (found.all_right if missing_right else found.all_wrong).value or 0.0


def _reached(requirement: Requirement, rows: Sequence[Row]) -> float | None:
    """How much of the threshold the rows reach, 1 at most; None for a slice without rows."""
    if not rows:
        return None
    value, bound = _mean(requirement.metric, rows, requirement.at_least is None), requirement.bound
    if requirement.at_least is None:
        value, bound = 1 - value, 1 - bound
    return min(value / bound, 1.0) if bound > 0 else 1.0
