"""The ledger of looks on disk: beside the task, one writer at a time, written before anything is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evals.looks import plan_look
from evals.store import Appender, lock, write_lines
from evals.task import Task
from evals.types import Look, Models
from workbench.evidence import Evidence, read_looks

LEDGER_WAIT = 10.0
"""Seconds to wait while another run of the task writes its looks."""


def ledger_path(task_path: Path) -> Path:
    """The ledger of looks of a task: beside its file, meant to be committed with it."""
    return task_path.parent / "looks.jsonl"


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
