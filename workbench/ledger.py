"""The ledger of looks on disk: beside the task, one writer at a time, written before anything is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evals.errors import RunError
from evals.looks import REVEALED, plan_look
from evals.store import Appender, lock, write_lines
from evals.task import Task
from evals.types import Look, Models
from workbench.evidence import Evidence, read_evidence, read_looks
from workbench.runs import find_run

LEDGER_WAIT = 10.0
"""Seconds to wait while another run of the task writes its looks."""


def ledger_path(task_path: Path) -> Path:
    """The ledger of looks of a task: beside its file, meant to be committed with it."""
    return task_path.parent / "looks.jsonl"


def reveal(run: Path, form: str) -> None:
    """Note in the task's ledger that test rows of a run leave it as text, in this form; once is enough.

    Raises RunError when the task file, beside which the ledger lies, is not where it was.
    """
    evidence = read_evidence(find_run(run))
    task_file = Path(str(evidence.provenance.get("task_file", "")))
    if not task_file.is_file():
        raise RunError(
            f"the task file {str(task_file)!r} of this run is not here, and the ledger lies beside it",
            where=evidence.run.folder,
            hint="Run this where the task lies, or export dev rows.",
        )
    path, rows = ledger_path(task_file), evidence.ladder.test_rows
    with lock(path.with_name(".looks.lock"), wait=LEDGER_WAIT):
        line = Look(REVEALED, form, tuple(rows), 0.0, {})
        if line not in read_looks(path):
            with Appender(path) as file:
                file.write(line)


def spend_looks(path: Path, task: Task, evidence: Evidence, chosen: Sequence[str], models: Models) -> None:
    """Write the looks of the chosen approaches that were judged on test and have none yet."""
    with lock(path.with_name(".looks.lock"), wait=LEDGER_WAIT):
        ledger = read_looks(path)
        rows = evidence.ladder.test_rows
        new: list[Look] = []
        for entry in evidence.ladder.entries:
            if entry.hash in chosen and "test" in entry.splits:
                look = plan_look(task, (*ledger, *new), entry.hash, entry.name, rows)
                new += [look] if look is not None else []
        decision = evidence.decide(evidence.measured(models), (*ledger, *new))
        statuses: dict[Any, Any] = {a["hash"]: a["statuses"] for a in decision.approaches}
        new = [replace(look, statuses=statuses[look.approach]) for look in new]
        judged = {e.hash for e in evidence.ladder.entries if e.state == "scored"}
        if spent := [look for look in new if look.approach in judged]:
            with Appender(path) as file:
                for look in spent:
                    file.write(look)
        write_lines(evidence.run.folder / "looks.jsonl", (*ledger, *new))
