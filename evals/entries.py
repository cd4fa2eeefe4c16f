"""The approaches and requirements of decision.json, as plain values.

Figures are rounded to six digits that matter, so that another machine's last bits do not show.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from evals.differences import paired, share_contrast
from evals.failures import count_failures
from evals.looks import full_alpha, look_alpha
from evals.metrics import (
    amount,
    evidence,
    expected_rows,
    figures,
    in_slice,
    is_amount,
    label,
    sentence,
)
from evals.status import Terms
from evals.types import Interval, Json, Measured, Requirement, Split, Status, StatusName
from evals.verdict import Standing

ORDER: tuple[StatusName, ...] = ("met", "insufficient evidence", "error", "not met")
"""From best to worst: of two requirements of one metric the worse is shown."""


def rounded(value: float | None) -> float | None:
    """Six digits that matter; None for what is not a number."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.6g}")


def approach_entry(task: Terms, standing: Standing, others: Sequence[Measured]) -> dict[str, Json]:
    """One approach of decision.json. Tokens and money are means per dev call; failures are of dev
    rows where there are any, so that approaches can be compared; `decided_on` is the split of the
    statuses."""
    measured = standing.measured
    split: Split = "dev" if measured.rows.get("dev") or not measured.rows.get("test") else "test"
    rows = measured.rows.get(split, ())
    failures, correct = count_failures(rows)
    level = 1 - 2 * full_alpha(task)

    def mean(metric: str) -> float | None:
        return rounded(amount(metric, measured, rows, task, level).value)

    return {
        "name": measured.name,
        "hash": measured.hash,
        "kind": measured.kind,
        "state": measured.state,
        "why": measured.why,
        "start": measured.start,
        "chosen": measured.chosen,
        "dev": _figures(task, measured, "dev", level),
        "test": _figures(task, measured, "test", 1 - 2 * _test_alpha(task, standing)),
        "decided_on": standing.split,
        "statuses": _statuses(task, standing),
        "delta": _deltas(task, measured, others, level),
        **({"beside_sft": beside} if (beside := beside_sft(task, measured, others)) else {}),
        "failures": {name: failures[name] for name in failures},
        "correct": correct,
        "split": split if rows else None,
        "tokens_in": mean("tokens_in"),
        "tokens_out": mean("tokens_out"),
        "usd_per_1k": mean("usd_per_1k"),
        "usd_per_1k_accepted": mean("usd_per_1k_accepted"),
        "p50_seconds": mean("p50_seconds"),
        "p95_seconds": mean("p95_seconds"),
        "fit_seconds": round(measured.fit_seconds, 3),
        "training": None if measured.training is None else {**measured.training},
    }


def _test_alpha(task: Terms, standing: Standing) -> float:
    return standing.look.alpha if standing.look is not None else look_alpha(task)


def _figures(task: Terms, measured: Measured, split: Split, level: float) -> dict[str, Json] | None:
    if not measured.rows.get(split):
        return {} if split == "dev" else None
    found = figures(measured, split, task, task.requirements, level)
    return {metric: _interval(value) for metric, value in found.items()}


def _interval(found: Interval) -> Json:
    return {
        "value": rounded(found.value),
        "low": rounded(found.low),
        "high": rounded(found.high),
        "n": found.n,
        "clusters": found.clusters,
        "level": rounded(found.level),
    }


def _statuses(task: Terms, standing: Standing) -> dict[str, Json]:
    found: dict[str, StatusName] = {}
    pairs = zip(task.requirements, standing.judgements, strict=True) if standing.judgements else ()
    for requirement, judgement in pairs:
        name, status = label(requirement), judgement.status.status
        found[name] = max(found.get(name, status), status, key=ORDER.index)
    return {**found}


def _deltas(task: Terms, measured: Measured, others: Sequence[Measured], level: float) -> dict[str, Json]:
    """Paired differences to the best other baseline, per required format or quality metric: on dev, and for
    what was tuned, which dev has chosen, on the test rows that a baseline was asked too."""
    split: Split = "dev"
    tested = [other for other in others if other.rows.get("test")]
    if measured.kind == "tuned" and measured.rows.get("test") and any(o.kind == "baseline" for o in tested):
        split, others = "test", tested
    rivals = ((r, _best_other(r, measured, others)) for r in _compared(task))
    return {
        label(r): _delta(r, measured, rival, level, split)
        for r, rival in rivals
        if rival is not None and measured.rows.get(split)
    }


def _compared(task: Terms) -> list[Requirement]:
    """The format and quality requirements, by which approaches are compared row by row."""
    return [r for r in task.requirements if r.kind in ("format", "quality") and not is_amount(r.metric)]


def beside_sft(task: Terms, measured: Measured, others: Sequence[Measured]) -> dict[str, Json]:
    """Paired differences of what learned from preferences to the same method with SFT alone on the same rows,
    where that was scored too: on test where both were asked, else on dev."""
    method, objective, labelled = _trained(measured)
    if objective in ("", "sft"):
        return {}
    alone = next((o for o in others if _trained(o) == (method, "sft", labelled) and o.rows), None)
    if alone is None:
        return {}
    both = measured.rows.get("test") and alone.rows.get("test")
    split: Split = "test" if both else "dev"
    level = 1 - 2 * full_alpha(task)
    return {label(r): _delta(r, measured, alone, level, split) for r in _compared(task)}


def _trained(measured: Measured) -> tuple[str, str, str]:
    """The method and the objective of a tuned approach, and the hash of the rows that a model labelled for
    it; "" for others."""
    training: Any = measured.training or {}
    labelled = (training.get("distilled") or {}).get("hash", "")
    return str(training.get("method", "")), str(training.get("objective", "")), str(labelled)


def _best_other(requirement: Requirement, measured: Measured, others: Sequence[Measured]) -> Measured | None:
    sign = 1 if requirement.at_least is not None else -1
    scored = [
        (sign * value, other)
        for other in others
        if other is not measured and other.kind == "baseline"
        if (value := _value(requirement, other)) is not None
    ]
    return max(scored, key=lambda pair: pair[0])[1] if scored else None


def _value(requirement: Requirement, measured: Measured) -> float | None:
    rows = in_slice(expected_rows(measured, "dev", requirement.metric)[0], requirement.where)
    return evidence(requirement.metric, rows).present.value


def _delta(requirement: Requirement, measured: Measured, rival: Measured, level: float, split: Split) -> Json:
    mine, theirs = (
        in_slice(expected_rows(m, split, requirement.metric)[0], requirement.where) for m in (measured, rival)
    )
    found = share_contrast(requirement.metric, paired(mine, theirs), level).difference
    return {
        "vs": rival.name,
        "split": split,
        "value": rounded(found.value),
        "low": rounded(found.low),
        "high": rounded(found.high),
        "n": found.n,
        "level": rounded(level),
    }


def requirement_entries(task: Terms, standing: Standing | None) -> tuple[dict[str, Json], ...]:
    """The requirements of decision.json, judged for the approach shown; without one, unjudged."""
    entries: list[dict[str, Json]] = []
    for index, requirement in enumerate(task.requirements):
        if standing is None or not standing.judgements:
            status = Status(
                requirement.metric,
                "insufficient evidence",
                "dev",
                None,
                None,
                None,
                0,
                None,
                "no approach was scored",
            )
            entries.append(_requirement(requirement, status, None))
        else:
            status, name = standing.judgements[index].status, standing.measured.name
            errors = _tested_errors(task, requirement, standing)
            entries.append({**_requirement(requirement, status, name), **errors})
    return tuple(entries)


def _tested_errors(task: Terms, requirement: Requirement, standing: Standing) -> dict[str, Json]:
    """The one-sided errors of a requirement's two bounds: on test the one that *met* asks for has a
    look's, the one that *not met* asks for the whole one."""
    met = _test_alpha(task, standing) if standing.split == "test" else full_alpha(task)
    ends = (met, full_alpha(task)) if requirement.at_least is not None else (full_alpha(task), met)
    if is_amount(requirement.metric):
        ends = (full_alpha(task), full_alpha(task))
    return {"low_error": rounded(ends[0]), "high_error": rounded(ends[1])}


def _requirement(requirement: Requirement, status: Status, approach: str | None) -> dict[str, Json]:
    figures = {
        key: rounded(value) for key, value in asdict(status).items() if key in ("value", "low", "high")
    }
    return {
        "metric": requirement.metric,
        "kind": requirement.kind,
        "tier": requirement.tier,
        "direction": "at_least" if requirement.at_least is not None else "at_most",
        "bound": requirement.bound,
        "where": dict(requirement.where),
        "label": label(requirement),
        "sentence": sentence(requirement),
        "status": status.status,
        **figures,
        "low_error": None,
        "high_error": None,
        "n": status.n,
        "needed_n": status.needed_n,
        "approach": approach,
        "split": status.split if approach is not None else None,
        "why": status.why,
    }
