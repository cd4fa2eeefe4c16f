"""Whether a training pays: what it cost once, what each call costs with it and without, and after how many
calls the one makes up for the other.

Without is the baseline that it was trained from, the best of all on dev. Both are compared on the rows that
both answered: those of test where the two were asked there, since dev chose the checkpoint. Where no price is
named and both models run here, costs are seconds of this machine: the break-even is the same at any price.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.entries import rounded
from evals.looks import full_alpha
from evals.metrics import row_amount, unit_of
from evals.stats.payback import Answers, Payback, payback, saved_a_call, saved_an_accepted
from evals.task import Task
from evals.types import Interval, Measured, Row, Split
from reports import figures

Pair = tuple[Row, Row]
"""The same row answered without the training and with it."""
YEAR = 12.0


@dataclass(frozen=True)
class Case:
    """A tuned approach beside the baseline it was trained from, on the rows of `split` that both answered."""

    baseline: Measured
    tuned: Measured
    split: Split
    pairs: Sequence[Pair]


def economics(task: Task, measured: Sequence[Measured]) -> list[dict[str, Any]]:
    """What decision.json says under `economics.tuned`: an entry for each tuned approach that was scored."""
    return [_told(task, case) for one in measured if (case := _case(one, measured)) is not None]


def _case(tuned: Measured, measured: Sequence[Measured]) -> Case | None:
    name = (tuned.training or {}).get("begun_from")
    baseline = next((m for m in measured if m.kind == "baseline" and m.name == name), None)
    if baseline is None or tuned.state != "scored":
        return None
    split: Split = "test" if baseline.rows.get("test") and tuned.rows.get("test") else "dev"
    before, after = (
        {(r.example.id, r.prediction.repeat): r for r in m.rows.get(split, ()) if r.failure != "error"}
        for m in (baseline, tuned)
    )
    pairs = [(row, after[key]) for key, row in before.items() if key in after]
    return Case(baseline, tuned, split, pairs) if pairs else None


def _told(task: Task, case: Case) -> dict[str, Any]:
    level = 1 - 2 * full_alpha(task)
    groups = [unit_of(row) for row, _ in case.pairs]
    before, after = ([float(row.prediction.usage.tokens_in) for row in side] for side in _sides(case))
    found: dict[str, Any] = {
        "approach": case.tuned.name,
        "against": case.baseline.name,
        "split": case.split,
        "n": len(case.pairs),
        "level": rounded(level),
        "unit": None,
        "minutes": round(case.tuned.fit_seconds / 60, 2),
        "prompt_tokens": _compared(_mean(before), _mean(after), saved_a_call(before, after, level, groups)),
        "calls_per_month": task.calls_per_month,
    }
    unit, costs = _costs(task, case)
    if unit:
        found |= _paid(task, case, unit, costs, level)
    return {**found, "sentences": _sentences(found)}


def _sides(case: Case) -> tuple[list[Row], list[Row]]:
    return [row for row, _ in case.pairs], [row for _, row in case.pairs]


def _costs(task: Task, case: Case) -> tuple[str, list[list[float]]]:
    """The unit and what each row cost without and with: dollars where all are known, else seconds where
    both models run here; "" where neither is known."""
    named = []
    for rows, measured in zip(_sides(case), (case.baseline, case.tuned), strict=True):
        named.append([row_amount("usd_per_1k", row, measured, task) for row in rows])
    usd = [[cost / 1000 for cost in side if cost is not None] for side in named]
    if all(len(side) == len(case.pairs) for side in usd) and task.prices.gpu_hour is not None:
        return "usd", usd
    if all((m.provider or task.model.provider) == "local" for m in (case.baseline, case.tuned)):
        return "seconds", [[row.prediction.usage.seconds for row in side] for side in _sides(case)]
    return "", []


def _paid(task: Task, case: Case, unit: str, costs: list[list[float]], level: float) -> dict[str, Any]:
    """The cost of the training in `unit`, of a call and of an accepted answer, and both break-evens."""
    groups = [unit_of(row) for row, _ in case.pairs]
    hour = task.prices.gpu_hour if unit == "usd" else 3600.0
    once = case.tuned.fit_seconds * (hour or 0.0) / 3600
    sides = [
        Answers(cost, [row.failure is None for row in rows])
        for cost, rows in zip(costs, _sides(case), strict=True)
    ]
    call = saved_a_call(costs[0], costs[1], level, groups)
    each = saved_an_accepted(sides[0], sides[1], level, groups)
    even = payback(once, call)
    found = {
        "unit": unit,
        "training": rounded(once),
        "a_call": _compared(_mean(costs[0]), _mean(costs[1]), call),
        "an_accepted": _compared(sides[0].each, sides[1].each, each),
        "break_even": _break_even(even),
        "break_even_accepted": _break_even(payback(once, each)),
    }
    if task.calls_per_month is not None:
        ends = {"value": even.calls, "low": even.low, "high": even.high}
        found["months"] = {
            k: None if v is None else rounded(v / task.calls_per_month) for k, v in ends.items()
        }
    return found


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _compared(before: float | None, after: float | None, saved: Interval) -> dict[str, Any]:
    ends = {"saved": saved.value, "low": saved.low, "high": saved.high}
    return {
        "before": rounded(before),
        "after": rounded(after),
        **{key: rounded(value) for key, value in ends.items()},
    }


def _break_even(found: Payback) -> dict[str, Any]:
    """Calls as decision.json has them: `never` where even the best end of the interval pays nothing back."""
    never = found.calls is None and found.low is None and found.known
    return {
        "calls": rounded(found.calls),
        "low": rounded(found.low),
        "high": rounded(found.high),
        "never": never,
    }


def _sentences(found: Mapping[str, Any]) -> list[str]:
    name, against = found["approach"], found["against"]
    if found["unit"] is None:
        return [
            f"training {name} took {figures.seconds(60 * found['minutes'])}; what a call saves is known once "
            "prices are given (prices.gpu_hour, and those of tokens for a hosted model)"
        ]
    money = figures.usd if found["unit"] == "usd" else figures.seconds
    took = figures.seconds(60 * found["minutes"])
    cost = took if found["unit"] == "seconds" else f"{took} and {money(found['training'])}"
    call, each = found["a_call"], found["an_accepted"]
    prices = [f"a call takes {money(call['after'])} against {money(call['before'])} of {against}"]
    if each["after"] is not None:
        other = "none was accepted" if each["before"] is None else money(each["before"])
        prices.append(f"an accepted answer {money(each['after'])} against {other}")
    told = [f"training {name} took {cost}; {', '.join(prices)} ({found['n']} {found['split']} rows)"]
    told.append(_when(found["break_even"], "calls") + _months(found))
    if found["break_even_accepted"] != found["break_even"]:
        told.append(f"counted by accepted answers, {_when(found['break_even_accepted'], 'of them')}")
    return told


def _when(even: Mapping[str, Any], of: str) -> str:
    """When the training has paid for itself, or never."""
    calls, low, high = (None if even[k] is None else _count(even[k]) for k in ("calls", "low", "high"))
    if even["never"]:
        return "the training is never paid back: it saves nothing"
    if calls is None and low is None:
        return "when the training is paid back cannot be told"
    if calls is None:
        return f"by the value measured the training is never paid back; at best after {low} {of}"
    if low is None:
        return f"the training is paid back after {calls} {of}"
    if high is None:
        return (
            f"the training is paid back after {calls} {of}, at best after {low}, and perhaps never: the "
            "saving is not shown to be above 0"
        )
    return f"the training is paid back after {calls} {of} [{low}, {high}]"


def _months(found: Mapping[str, Any]) -> str:
    """The same by the calendar, for a task that says how often it is asked."""
    months, monthly = found.get("months"), found["calls_per_month"]
    if not months or months["value"] is None:
        return ""
    told = f"; at {_count(monthly)} calls a month that is {_duration(months['value'])}"
    if months["low"] is not None and months["high"] is not None:
        ends = _duration(months["low"]), _duration(months["high"])
        told += "" if ends[0] == ends[1] else f" [{ends[0]}, {ends[1]}]"
    return told + (", more than a year" if months["value"] > YEAR else "")


def _duration(months: float) -> str:
    if months < 1 / 30:
        return "less than a day"
    if months < 1:
        days = round(30 * months)
        return f"{days} day{'s' if days != 1 else ''}"
    return f"{months:.1f} months" if months < 2 * YEAR else f"{figures.count(months / YEAR)} years"


def _count(value: float) -> str:
    """A count in as many digits as matter."""
    return figures.count(float(f"{value:.3g}")) if value >= 1 else "less than 1"
