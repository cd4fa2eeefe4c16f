"""The ladder of a task: which rungs are tried, in which order, and what comes after the last.

Only this module knows both ladders, the baselines and the training methods.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from baselines import COMPOSED, ON_DEMAND, RUNGS
from evals.errors import TaskError
from evals.task import RungSpec, Task
from evals.types import Rung
from tuning import recommend

NEED_TRAIN = ("few_shot", "knn_few_shot", "prompt_search")
"""Rungs that do not apply to a task without training rows."""


def rungs(task: Task, only: tuple[str, ...] = ()) -> list[Rung]:
    """The task's rungs in ladder order, or those of them named in `only`.

    Raises TaskError for a name that is no rung of this ladder and for a wrong option.
    """
    specs = task.ladder if task.ladder is not None else tuple(RungSpec(name) for name in _default())
    names = [spec.name for spec in specs]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise TaskError(
                f"the rung {name!r} stands twice", where=task.path, key="ladder", hint="Name each rung once."
            )
    for name in only:
        if name not in names:
            RUNGS.load(name, key="--only")
            raise TaskError(
                f"the task's ladder has no rung {name!r}", key="--only", hint=f"It has: {', '.join(names)}."
            )
    built = [RUNGS.build(s.name, s.options, where=task.path, key="ladder") for s in specs]
    order = list(RUNGS)
    built.sort(key=lambda rung: order.index(rung.name))
    return [rung for rung in built if not only or rung.name in only]


def left_out(task: Task, has_train: bool) -> list[str]:
    """Default baselines that apply to the task and that its own ladder does not have."""
    mine = {rung.name for rung in rungs(task)}
    return [name for name in _default() if name not in mine and (has_train or name not in NEED_TRAIN)]


def _default() -> list[str]:
    """The rungs of a task that names none, in order of cost."""
    return [name for name in RUNGS if name not in (*COMPOSED, *ON_DEMAND)]


def next_step(task: Task, train_rows: int, task_path: Path) -> Mapping[str, Any]:
    """What to do when no baseline will: a recommendation of decision.json, to train something or,
    with the reasons, to collect training rows or nothing."""
    hosted = task.model.provider != "local" and task.tune_model is None
    found = recommend(train_rows, hosted=hosted)
    if found.method is None:
        return {"action": "none" if hosted else "collect_train", "why": list(found.why)}
    return {
        "action": "tune",
        "method": found.method.name,
        "why": list(found.why),
        "command": f"wb escalate {task_path}",
    }
