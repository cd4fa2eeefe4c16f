"""`wb escalate`: act on the verdict of the newest binding run of a task, if it still holds.

A decision holds while task, data and graders hash to what was judged. What it says is then done:
nothing where an approach ships, where rows are missing or where training is not the cure.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evals.data import load_data
from evals.errors import RunError
from evals.store import digest, read_json
from evals.task import Task, load_task
from workbench.leakage import refuse_leakage
from workbench.runs import Run, find_run, run_folders


def binding_decision(task_path: Path, out: Path, folder: Path | None = None) -> tuple[Run, dict[str, Any]]:
    """The newest binding decision on this task as it is now, or that of `folder`.

    Raises RunError when there is none, or when task or data have changed since.
    """
    task = load_task(task_path)
    assess = f"Run `wb assess {task_path}` first."
    run = find_run(folder) if folder is not None else _newest_binding(task, out, assess)
    path = run.folder / "decision.json"
    if not path.is_file():
        raise RunError("has no decision yet", where=run.folder, hint=assess)
    decision = read_json(path)
    if not decision["binding"]:
        raise RunError("is not binding: part of the work was left out", where=run.folder, hint=assess)
    refuse_leakage(decision, run.folder, assess)
    if decision["task"]["hash"] != digest([task.identity(), load_data(task).hash], 12):
        raise RunError("was decided for another task, data or grader", where=run.folder, hint=assess)
    if (run.folder / "task.yaml").read_text(encoding="utf-8") != task.as_used():
        raise RunError(
            "the task file has changed since this was decided", where=run.folder, hint=again(assess)
        )
    return run, decision


def again(assess: str) -> str:
    """What to do when only thresholds, prices or words have changed."""
    return f"{assess} It decides again from disk where only thresholds, prices or descriptions changed."


def _newest_binding(task: Task, out: Path, assess: str) -> Run:
    for folder in run_folders(out / task.name):
        path = folder / "decision.json"
        if path.is_file() and read_json(path).get("binding"):
            return find_run(folder)
    raise RunError(f"there is no binding decision on {task.name!r} under {out}", hint=assess)
