"""`wb escalate`: act on the verdict of the newest binding run of a task, if it still holds.

A decision holds while task, data and graders hash to what was judged. What it says is then done:
nothing where an approach ships, where rows are missing or where training is not the cure; else the
recommended method is trained in a new run, beside the baselines that run carries (`training.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evals.data import Data, load_data
from evals.errors import RunError
from evals.preferences import learnable
from evals.store import digest, plain, read_json
from evals.task import Task, load_task
from evals.types import Decision, Models
from tuning.matrix import check_pair, check_shared
from tuning.preflight import Preflight
from tuning.tables import OBJECTIVES
from workbench.escalation.lessons import lessons
from workbench.escalation.order import Order
from workbench.escalation.training import look_ahead, train
from workbench.ladder import training_for
from workbench.leakage import refuse_leakage
from workbench.runs import Run, find_run, run_folders
from workbench.session import Plan


@dataclass(frozen=True)
class Acted:
    """What came of it: the run and its decision, made now when something was trained (`trained`), and
    what a training would take where only that was asked."""

    run: Run
    decision: Mapping[str, Any]
    trained: tuple[str, ...] = ()
    preflight: Preflight | None = None
    whole: Decision | None = field(default=None, repr=False)


def escalate(order: Order, models: Models) -> Acted:
    """Act on the verdict. Raises RunError for a decision that does not hold, and WorkbenchError where
    training fails; the same command then continues."""
    task, data, parent, decision = standing(order)
    after = next_method(decision) if order.climb else None
    advised = decision["recommendation"]
    lacked_rows = order.distilled is not None and advised["action"] == "collect_train"
    if not order.force and decision["verdict"] != "escalate" and after is None and not lacked_rows:
        return Acted(parent, decision)
    refuse_hosted(task)
    taught = lessons(order, task, data)
    # what was advised was advised for the training rows alone
    method = order.method or (None if taught.told else advised.get("method")) or after
    objective = order.objective or advised.get("objective")
    if method is None:
        method, towards = recommended(task, taught.data)
        objective = objective or towards
    objective = objective or "sft"
    trained: list[str] = []
    while True:
        check_pair(method, objective)
        check_pairs(objective, task)
        if order.launch is not None:
            check_shared(objective)
            order.launch.settings()
        chosen = replace(order, method=method, objective=objective)
        if order.dry_run:
            return Acted(parent, decision, preflight=look_ahead(chosen, parent, task, taught, models))
        run, whole = train(chosen, parent, task, taught, models)
        trained.append(method)
        acted = Acted(run, plain(whole), tuple(trained), whole=whole)
        above = next_method(acted.decision) if order.climb else None
        if above is None:
            return acted
        parent, decision, method = run, dict(acted.decision), above
        objective = str(decision["recommendation"].get("objective") or order.objective or "sft")


def next_method(decision: Mapping[str, Any]) -> str | None:
    """The method that a climb goes on with: the one to which a decision escalates, or the one above a
    training that brought nothing; None where it ends: something ships, rows are missing, or this was the
    top."""
    step = decision["recommendation"]
    found = {"escalate": step.get("method"), "stop": step.get("above")}.get(decision["verdict"])
    return None if found is None else str(found)


def standing(order: Order) -> tuple[Task, Data, Run, dict[str, Any]]:
    """The task, its rows, and the decision on them that stands. Raises RunError when there is none."""
    task = load_task(order.task_path)
    data = load_data(task)
    parent, decision = binding_decision(order.task_path, order.out, order.run, forced=order.force)
    return task, data, parent, decision


def check_pairs(objective: str, task: Task) -> None:
    """Raises TaskError when the objective learns from pairs of answers and the task names none, RunError
    when none of those is there to train on."""
    if not OBJECTIVES.load(objective).preferences:
        return
    if task.data.preferences is None:
        raise task.error(
            f"{objective} learns from pairs of answers, and the task names none",
            "data",
            "Give data.preferences: rows of input, chosen, rejected.",
        )
    if not learnable(task)[0].train:
        raise RunError(
            f"no pair of answers is left to train on by {objective}",
            where=task.data.preferences,
            hint="Add pairs of inputs that no dev or test row has: half of them are to train on.",
        )


def refuse_hosted(task: Task) -> None:
    """Raises RunError where the model to train is not on this machine."""
    trained = task.tune_model or task.model
    if trained.provider != "local":
        raise RunError(
            f"{trained.name} is hosted and cannot be trained here",
            where=task.path,
            hint="Name a tune_model that runs on this machine, or let its provider train it on what "
            f"`wb export fine-tuning {task.path} -o train.jsonl` writes.",
        )


def recommended(task: Task, data: Data) -> tuple[str, str]:
    """Method and objective of a training that the verdict did not ask for. Raises RunError when there is
    none."""
    found = training_for(task, len(data.train))
    if found.method is None:
        raise RunError(f"nothing can be trained: {found.why[0]}", where=task.path)
    return found.method.name, found.objective


def binding_decision(
    task_path: Path, out: Path, folder: Path | None = None, *, forced: bool = False
) -> tuple[Run, dict[str, Any]]:
    """The newest binding decision on this task as it is now, or that of `folder`; one that is not binding
    too when it is `forced`.

    Raises RunError when there is none, or when task or data have changed since.
    """
    task = load_task(task_path)
    assess = f"Run `{Plan(task_path, out).commands()['collect']}` first."
    run = find_run(folder) if folder is not None else _newest_binding(task, out, assess, forced)
    path = run.folder / "decision.json"
    if not path.is_file():
        raise RunError("has no decision yet", where=run.folder, hint=assess)
    decision = read_json(path)
    if not (decision["binding"] or forced):
        raise RunError("is not binding: part of the work was left out", where=run.folder, hint=assess)
    refuse_leakage(decision, run.folder, assess)
    if decision["task"]["hash"] != digest([task.identity(), load_data(task).hash], 12):
        raise RunError("was decided for another task, data or grader", where=run.folder, hint=assess)
    if _decided_by(load_task(run.folder / "task.yaml")) != _decided_by(task):
        raise RunError(
            "the task file has changed since this was decided", where=run.folder, hint=again(assess)
        )
    return run, decision


def _broken_off(folder: Path, decision: Mapping[str, Any]) -> bool:
    """Whether this is a training without an end: the decision that it acted on is what goes on."""
    return decision.get("verdict") == "incomplete" and "parent" in read_json(folder / "provenance.json")


def _decided_by(task: Task) -> dict[str, Any]:
    """What a decision follows from: the task file, but for the budget, which may be raised to go on."""
    return {key: value for key, value in task.file.value.items() if key != "budget"} | {
        "output": plain(task.output)
    }


def again(assess: str) -> str:
    """What to do when only thresholds, prices or words have changed."""
    return f"{assess} It decides again from disk where only thresholds, prices or descriptions changed."


def _newest_binding(task: Task, out: Path, assess: str, forced: bool) -> Run:
    for folder in run_folders(out / task.name):
        path = folder / "decision.json"
        found = read_json(path) if path.is_file() else {}
        if found and (forced or found.get("binding")) and not _broken_off(folder, found):
            return find_run(folder)
    raise RunError(f"there is no binding decision on {task.name!r} under {out}", hint=assess)
