"""What a diagnosis may take, before anything is known of the answers."""

from __future__ import annotations

from evals.data import Data
from evals.task import Task
from workbench.diagnosis.arms import MOST_ROWS, SPREAD_ROWS
from workbench.diagnosis.grammar import answer_form
from workbench.diagnosis.wordings import MOST


def most_calls(task: Task, data: Data) -> int:
    """The calls of a diagnosis, at most: every arm that the task allows asks its rows."""
    rows, few = min(MOST_ROWS, len(data.dev)), min(SPREAD_ROWS, len(data.dev))
    gold = sum(bool(row.gold_doc_ids) for row in data.dev) if task.data.documents is not None else 0
    held = rows if answer_form(task) is not None else 0
    stronger = rows if task.stronger_model is not None else 0
    alike = MOST * few * (2 if data.train else 1)
    longer = rows
    return min(rows, gold) + longer + held + stronger + alike
