"""What an arm changes on the same rows: the paired difference, with its interval, of every required score.

An interval above 0 makes the change a cause; one that ends below what is missing rules it out as the
cure; any other cannot tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from evals.entries import rounded
from evals.failures import grader_of
from evals.metrics import in_slice, is_amount, label, unit_of
from evals.ranking import ranking
from evals.selection import is_gating
from evals.stats.paired import difference, pooled_difference
from evals.status import Terms
from evals.types import Interval, Json, Requirement, Row

Found = Literal["helps", "hurts", "not the cause", "cannot tell"]


@dataclass(frozen=True)
class Effect:
    """A required score without the change and with it, on the same `difference.n` rows."""

    requirement: Requirement
    before: float
    after: float
    difference: Interval

    @property
    def lacking(self) -> float:
        """What is missing of the threshold without the change, 0 where it is reached."""
        return max(0.0, self.requirement.bound - self.before)

    @property
    def reaches(self) -> bool:
        """Whether the threshold is reached with the change, by what was observed."""
        return self.after >= self.requirement.bound

    @property
    def found(self) -> Found:
        """What the interval shows."""
        low, high = self.difference.low, self.difference.high
        if low is None or high is None:
            return "cannot tell"
        if low > 0:
            return "helps"
        if high < 0:
            return "hurts"
        return "not the cause" if high < self.lacking else "cannot tell"

    def entry(self) -> dict[str, Json]:
        """The effect as decision.json has it."""
        found = self.difference
        return {
            "metric": label(self.requirement),
            "bound": self.requirement.bound,
            "before": rounded(self.before),
            "after": rounded(self.after),
            "difference": rounded(found.value),
            "low": rounded(found.low),
            "high": rounded(found.high),
            "n": found.n,
            "level": rounded(found.level),
            "found": self.found,
        }


def asked(task: Terms) -> list[Requirement]:
    """The gating requirements that an answer's text decides, quality first: what a change may cure."""
    mine = [
        r
        for r in task.requirements
        if is_gating(r) and r.kind in ("format", "quality") and r.at_least is not None
        if not is_amount(r.metric) and not ranking(r.metric)
    ]
    return sorted(mine, key=lambda r: r.kind != "quality")


def effect(
    requirement: Requirement, before: Sequence[Row], after: Sequence[Row], level: float
) -> Effect | None:
    """The effect on one requirement over the rows that both have an answer to; None without any."""
    mine = {row.example.id: row for row in in_slice(after, requirement.where) if row.failure != "error"}
    pairs = [
        (mine[row.example.id], row)
        for row in in_slice(before, requirement.where)
        if row.failure != "error" and row.example.id in mine
    ]
    if not pairs:
        return None
    groups = [unit_of(row) for row, _ in pairs]
    parts = [(_part(requirement.metric, a), _part(requirement.metric, b)) for a, b in pairs]
    first, second = [a for a, _ in parts], [b for _, b in parts]
    if all(den == 1 for _, den in (*first, *second)):
        found = difference([num for num, _ in first], [num for num, _ in second], level, groups)
    else:
        found = pooled_difference(first, second, level, groups)
    if found.value is None:
        return None
    base = sum(num for num, _ in second) / sum(den for _, den in second)
    return Effect(requirement, base, base + found.value, found)


def _part(metric: str, row: Row) -> tuple[float, float]:
    """A row's numerator and denominator of a metric; a grader's own score has the denominator 1."""
    grader = grader_of(metric, list(row.scores))
    if grader is None:
        return 0.0, 0.0
    if metric == grader:
        return row.scores[grader].value, 1.0
    return row.scores[grader].counts.get(metric[len(grader) + 1 :], (0.0, 0.0))


def effects(task: Terms, before: Sequence[Row], after: Sequence[Row]) -> list[Effect]:
    """The effects on all that is asked, at the task's confidence, two-sided."""
    found = (effect(requirement, before, after, task.confidence) for requirement in asked(task))
    return [one for one in found if one is not None]


def signed(found: Interval) -> str:
    """The interval of a difference: "[+0.21, +0.36]"."""
    if found.low is None or found.high is None:
        return ""
    return f"[{_signed(found.low)}, {_signed(found.high)}]"


def _signed(value: float) -> str:
    text = f"{abs(value):.2f}"
    return text if float(text) == 0 else f"{'+' if value > 0 else '−'}{text}"


def told(found: Effect) -> str:
    """The effect in words: "token_f1 rises from 0.42 to 0.71 [+0.21, +0.36]"."""
    verb = {"helps": "rises", "hurts": "falls"}.get(found.found, "goes")
    span = f"from {found.before:.2f} to {found.after:.2f} {signed(found.difference)}"
    return f"{label(found.requirement)} {verb} {span}"
