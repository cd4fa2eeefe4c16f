"""One requirement, one approach, one split: met, not met, insufficient evidence, or error.

*Met*: the one-sided bound on the safe side reaches the threshold (at the look's alpha on test, at
1 - confidence on dev). *Not met*: the opposite one-sided bound, at 1 - confidence, stays on the
wrong side. With rows missing, *met* only when it would be with all of them counted wrong; else
*error*. Amounts (latency, tokens, money) are decided on the measured value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from evals.metrics import (
    FORGETTING,
    LATENCY,
    Evidence,
    Pricing,
    amount,
    evidence,
    expected_rows,
    in_slice,
    is_amount,
)
from evals.stats.bounds import FEWEST_CLUSTERS, bounds
from evals.stats.power import fewest_rows, rows_to_settle
from evals.stats.sample import Sample
from evals.types import Measured, Requirement, Row, Split, Status, StatusName


class Terms(Pricing, Protocol):
    """The part of a task that an approach is judged by."""

    @property
    def name(self) -> str: ...
    @property
    def requirements(self) -> Sequence[Requirement]: ...
    @property
    def confidence(self) -> float: ...
    @property
    def policy(self) -> Literal["confident", "point"]: ...
    @property
    def looks(self) -> int: ...


@dataclass(frozen=True)
class Trial:
    """The errors one judgement may make. `met` is one-sided for *met*, `missed` for *not met*,
    `planned` that of one look, for which rows are counted. `barred` says why nothing can become
    *met* here ("" when it can); `point` decides on values alone."""

    split: Split
    met: float
    missed: float
    planned: float
    barred: str = ""
    point: bool = False


@dataclass(frozen=True)
class Judgement:
    """A status, with what it could be in the best and the worst case of the rows that are missing,
    and the sample of that worst case (None for amounts)."""

    status: Status
    best: StatusName
    worst: StatusName
    sample: Sample | None = None


@dataclass(frozen=True)
class _Test:
    """A sample against a threshold: the bounds that were tested and what follows from them."""

    name: StatusName
    low: float
    high: float


_UNITS = {"latency": "requests", "forgetting": "passages of general text"}
"""What an amount is measured on, where it is not rows."""


def judge(requirement: Requirement, measured: Measured, trial: Trial, task: Terms) -> Judgement:
    """The requirement's status for an approach on the trial's split."""
    rows, unpredicted = expected_rows(measured, trial.split, requirement.metric)
    rows = in_slice(rows, requirement.where)
    if is_amount(requirement.metric):
        return _judge_amount(requirement, measured, rows, trial, task)
    found = evidence(requirement.metric, rows, unpredicted)
    if not found.present.n and not found.missing:
        return _unmeasured(requirement, trial, "no row" if not rows else "no row that says anything")
    return _judge_share(requirement, found, trial)


def reaches(requirement: Requirement, value: float) -> bool:
    """Whether a value is on the right side of the threshold."""
    if requirement.at_least is not None:
        return value >= requirement.at_least
    return value <= requirement.bound


def _judge_share(requirement: Requirement, found: Evidence, trial: Trial) -> Judgement:
    at_least = requirement.at_least is not None
    test = _test(found.present, requirement, trial)
    best = worst = test
    if found.missing:
        best = _test(found.all_right if at_least else found.all_wrong, requirement, trial)
        worst = _test(found.all_wrong if at_least else found.all_right, requirement, trial)
    name: StatusName = test.name
    if found.missing:
        name = "met" if worst.name == "met" else "error"
        if name == "error" and found.unjudged == found.missing:
            name = "not met" if best.name == "not met" else "insufficient evidence"
    needed = None
    if name == "insufficient evidence" and not found.missing:
        needed = _needed(found.present, requirement, trial)
    why = _why(requirement, found, test, name, needed, trial)
    sample = found.present
    low, high = (test.low, test.high) if sample.n else (None, None)
    failed = found.all_wrong if at_least else found.all_right
    status = Status(requirement.metric, name, trial.split, sample.value, low, high, sample.n, needed, why)
    return Judgement(status, best.name, worst.name, failed)


def _test(sample: Sample, requirement: Requirement, trial: Trial) -> _Test:
    """Both bounds against the threshold; what bars *met* leaves the evidence insufficient."""
    if sample.value is None:
        return _Test("insufficient evidence", 0.0, 1.0)
    safe = bounds(sample, trial.met)
    other = safe if trial.missed == trial.met else bounds(sample, trial.missed)
    if requirement.at_least is not None:
        low, high = safe[0], other[1]
        met, missed = low >= requirement.bound, high < requirement.bound
    else:
        low, high = other[0], safe[1]
        met, missed = high <= requirement.bound, low > requirement.bound
    if trial.point:
        met = reaches(requirement, sample.value)
        missed = not met
    elif trial.barred or (sample.clustered and sample.clusters < FEWEST_CLUSTERS):
        met = False
    return _Test("met" if met else "not met" if missed else "insufficient evidence", low, high)


def _needed(sample: Sample, requirement: Requirement, trial: Trial) -> int | None:
    """Rows that would settle it at the observed value: as met at alpha/looks, else as not met."""
    side: Literal["at_least", "at_most"] = "at_least" if requirement.at_least is not None else "at_most"
    if sample.value is None:
        return fewest_rows(requirement.bound, trial.planned, side)
    other: Literal["at_least", "at_most"] = "at_most" if side == "at_least" else "at_least"
    if reaches(requirement, sample.value):
        return rows_to_settle(sample, requirement.bound, trial.planned, side)
    return rows_to_settle(sample, requirement.bound, trial.missed, other)


def _why(
    requirement: Requirement,
    found: Evidence,
    test: _Test,
    name: StatusName,
    needed: int | None,
    trial: Trial,
) -> str:
    sample, bound = found.present, requirement.bound
    at_least = requirement.at_least is not None
    total = sample.n + found.missing
    if name == "error" or (name == "insufficient evidence" and found.missing):
        what = "verdict of the judge" if found.unjudged == found.missing else "answer"
        return (
            f"{found.missing} of {total} rows have no {what}; "
            f"counting them as failed, {requirement.sentence()} is not shown"
        )
    if sample.value is None:
        return f"there is no row to judge; a perfect score would take {needed} rows"
    seen = f"{figure_text(sample.value, bound)} on {_counted(sample)}"
    if trial.point:
        return f"{seen}, {'meets' if name == 'met' else 'misses'} {bound:g} (decided on the value alone)"
    low, high = figure_text(test.low, bound), figure_text(test.high, bound)
    if name == "met":
        safe = f"lower bound {low} reaches" if at_least else f"upper bound {high} stays within"
        missing = f", with {found.missing} missing rows counted as failed too" if found.missing else ""
        return f"{seen}; the {safe} {bound:g} (one-sided error {_percent(trial.met)}){missing}"
    if name == "not met":
        safe = f"upper bound {high} stays below" if at_least else f"lower bound {low} stays above"
        return f"{seen}; the {safe} {bound:g} (one-sided error {_percent(trial.missed)})"
    return f"{seen}; {_undecided(requirement, sample, (low, high), needed, trial)}"


def _undecided(
    requirement: Requirement, sample: Sample, shown: tuple[str, str], needed: int | None, trial: Trial
) -> str:
    if trial.barred:
        return trial.barred
    if sample.clustered and sample.clusters < FEWEST_CLUSTERS:
        return f"fewer than {FEWEST_CLUSTERS} groups cannot show that it is met"
    between = f"{requirement.bound:g} lies within the bounds {shown[0]} and {shown[1]}"
    if needed is None:
        return f"{between}, and at this value no number of rows would settle it"
    end = "met" if reaches(requirement, sample.value or 0.0) else "not met"
    return f"{between}; at this value about {needed} rows would settle it as {end}"


def _judge_amount(
    requirement: Requirement, measured: Measured, rows: Sequence[Row], trial: Trial, task: Terms
) -> Judgement:
    """An amount against its limit. Without any accepted output its price is beyond every limit; a
    judged approach without a latency is an error, because it ought to have been timed."""
    found = amount(requirement.metric, measured, rows, task, 1 - 2 * trial.missed)
    unit = _UNITS.get(requirement.kind, "rows")
    if found.value is None and found.n == 0:
        if requirement.metric in LATENCY and trial.split == "test":
            status = Status(
                requirement.metric, "error", trial.split, None, None, None, 0, None, "it was not timed"
            )
            return Judgement(status, "met", "not met")
        return _unmeasured(requirement, trial, "no measurement")
    met = found.value is not None and reaches(requirement, found.value)
    name: StatusName = "met" if met else "not met"
    value = "infinite: no row is right" if found.value is None else f"{found.value:.4g}"
    side = "at least" if requirement.at_least is not None else "at most"
    seen = f"{value} measured on {found.n} {unit}"
    if requirement.metric == FORGETTING:
        seen = _forgotten(value, found.n, measured)
    why = f"{seen}; wanted {side} {requirement.bound:g}"
    status = Status(
        requirement.metric, name, trial.split, found.value, found.low, found.high, found.n, None, why
    )
    return Judgement(status, name, name)


def _forgotten(value: str, n: int, measured: Measured) -> str:
    """What a training forgot: of general text, or of a task of lm-eval that was asked before and after."""
    record: Any = (measured.training or {}).get("forgetting") or {}
    if not n:
        return "nothing moved its weights"
    if record.get("task"):
        return f"{record['metric']} fell by {value} on {n} rows of {record['task']}"
    return f"{value} nats a token on {n} {_UNITS['forgetting']}"


def _unmeasured(requirement: Requirement, trial: Trial, what: str) -> Judgement:
    """Nothing to judge by: undecided, with the rows that a perfect score would take."""
    needed = None
    why = f"there is {what} to judge it by"
    if not is_amount(requirement.metric):
        side: Literal["at_least", "at_most"] = "at_least" if requirement.at_least is not None else "at_most"
        needed = fewest_rows(requirement.bound, trial.planned, side)
        if needed is not None:
            why += f"; a perfect score would take {needed} rows"
    status = Status(
        requirement.metric, "insufficient evidence", trial.split, None, None, None, 0, needed, why
    )
    return Judgement(status, status.status, status.status)


def _counted(sample: Sample) -> str:
    if sample.clustered:
        return f"{sample.n} rows in {sample.clusters} groups"
    return f"{sample.n} row{'s' if sample.n != 1 else ''}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def figure_text(value: float, bound: float) -> str:
    """A share in as few digits (two or more) as set it apart from the threshold."""
    for digits in (2, 3, 4, 5):
        text = f"{value:.{digits}f}"
        if value == bound or float(text) != round(bound, digits):
            return text
    return f"{value:.6f}"
