"""A task's budget: what it does not pay for, said before a call is made, and the purse it is kept in."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from evals.spending import FILE, Purse, read_spent
from evals.store import plain
from evals.task import Task
from reports import figures
from workbench.checks.estimate import Estimate, Step
from workbench.checks.findings import Finding
from workbench.runs import Run

log = logging.getLogger(__name__)

STOPS = "The run stops there with exit code 5; the same command continues once the budget is raised."


def check_prices(task: Task) -> None:
    """Raise TaskError where dollars are to be counted and the task names no price."""
    prices, local = task.prices, task.model.provider == "local"
    named = prices.gpu_hour if local else prices.input_per_million
    if "usd" in task.budget and (named is None or not (local or prices.output_per_million is not None)):
        wanted = "gpu_hour" if local else "input_per_million and output_per_million"
        raise task.error("a budget in USD needs prices", "budget.usd", f"Give prices.{wanted}.")


def open_purse(run: Run, task: Task) -> Purse:
    """The purse of a run: what was spent in its folder, and what the task allows."""
    return Purse(run.folder / FILE, task.budget, task.prices)


def told(run: Run, task: Task) -> dict[str, Any]:
    """What decision.json says of a run's spending: the sums, and the budget they count against."""
    spent: dict[str, Any] = plain(read_spent(run.folder / FILE, task.prices))
    usd = None if spent["usd"] is None else float(f"{spent['usd']:.6g}")
    return {**spent, "usd": usd, "minutes": round(spent["minutes"], 2), "budget": dict(task.budget)}


def say_too_small(task: Task, cost: Estimate) -> None:
    """Before the first call: warn of a budget that does not pay for one rung. Raises TaskError where it
    does not pay for one call."""
    for finding in findings(task, cost):
        if finding.level == "error":
            raise task.error(finding.message, finding.where, finding.todo)
        if "first rung" in finding.message:
            log.warning("%s: %s. %s", finding.where, finding.message, finding.todo)


def of_training(task: Task, minutes: float) -> Iterator[str]:
    """What a training of so many minutes costs on this machine, where its hour has a price, and which parts
    of the budget do not pay for it."""
    hour = task.prices.gpu_hour
    cost = None if hour is None else minutes / 60 * hour
    if hour is not None and cost is not None:
        yield f"that is about {figures.usd(cost)} at {figures.usd(hour)} an hour of this machine"
    for key, takes in (("minutes", minutes), ("usd", cost)):
        allowed = task.budget.get(key)
        if allowed is not None and takes is not None and takes > allowed:
            yield f"budget.{key} allows {allowed:g}. {STOPS.rstrip('.')}"


def findings(task: Task, cost: Estimate) -> Iterator[Finding]:
    """For each part of the budget the smallest thing it does not pay for by the estimate: a call (of an
    endpoint, whose price is known), the ladder's first rung, the whole run."""
    first = cost.steps[0] if cost.steps else None
    for key, whole in (("calls", cost.calls), ("minutes", cost.minutes), ("usd", cost.usd)):
        allowed, where = task.budget.get(key), f"budget.{key}"
        if allowed is None or whole is None or first is None:
            continue
        call, rung = _call(first, key, task), getattr(first, key)
        if allowed < call:
            message = f"a call may cost {call:.2g} USD, the budget {allowed:g} pays for none"
            yield Finding("error", where, message, "Raise it, or ask for shorter answers.")
        elif rung is not None and allowed < rung:
            message = f"the first rung, {first.name}, takes about {rung:.3g}, the budget {allowed:g}"
            yield Finding("warning", where, message, STOPS)
        elif allowed < whole:
            yield Finding("warning", where, f"the estimate is {whole:g}, the budget {allowed:g}", STOPS)


def _call(step: Step, key: str, task: Task) -> float:
    """What one call of an endpoint takes of the budget in USD, by the estimate; else 0."""
    if key != "usd" or task.model.provider == "local" or not step.calls:
        return 0.0
    return (step.usd or 0.0) / step.calls
