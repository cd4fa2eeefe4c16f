"""The rows that a training learns from where a file of labelled inputs is given (`wb distill` writes it), and
how far its student comes to who labelled them.

The decision is of the task's own rows and stays so: labelled rows join those of train for the training alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evals.data import Data
from evals.differences import paired, share_contrast
from evals.entries import rounded
from evals.errors import TaskError
from evals.looks import full_alpha
from evals.run import grade_rows, measured_rows, read_predictions
from evals.store import read_json
from evals.task import Task
from evals.types import Models, Row
from tuning.recipe import Recipe
from workbench.distillation.lines import PART, Distilled, read_distilled
from workbench.escalation.order import Order
from workbench.evidence import Entry, Evidence
from workbench.runs import run_folders


@dataclass(frozen=True)
class Lessons:
    """What is trained on: the task's own data, the same with all rows to learn from, and what a run says of
    those that were labelled; nothing without a file."""

    own: Data
    data: Data
    told: Mapping[str, Any] | None = None

    @property
    def taught(self) -> str:
        """Names the labelled rows; "" without them."""
        return "" if self.told is None else f"{self.told['hash']}{' alone' * self.told['alone']}"

    def named(self, recipe: Recipe) -> Recipe:
        """The recipe as it is known when it learns from these rows."""
        return replace(recipe, taught=self.taught)

    def note(self) -> Iterator[str]:
        """What a report says of rows that nobody labelled by hand."""
        if self.told is not None:
            by = ", ".join(f"{count} by {who}" for who, count in self.told["labelled_by"].items())
            beside = "alone" if self.told["alone"] else f"beside {len(self.own.train)} training rows"
            yield f"trained on rows that were labelled by a model ({by}) {beside}"
            for why, count in self.told["left_out"].items():
                yield f"{count} labelled rows were left out of training: they {why}"


def lessons(order: Order, task: Task, data: Data) -> Lessons:
    """What the order has to train on. Raises DataError for a file that cannot be used, TaskError where the
    labelled rows are to stand alone and there is no file."""
    if order.distilled is None:
        if order.distilled_only:
            raise TaskError(
                "--distilled-only needs a file of labelled rows", hint="Name it: --distilled FILE."
            )
        return Lessons(data, data)
    found: Distilled = read_distilled(order.distilled, task, data)
    own = () if order.distilled_only else data.train
    told = found.told(alone=order.distilled_only)
    return Lessons(data, replace(data, train=(*own, *found.rows)), told)


def beside_labeller(
    evidence: Evidence, student: Entry, told: Mapping[str, Any], models: Models
) -> dict[str, Any] | None:
    """The primary metric of the student less that of who labelled most of its rows, on the same dev rows;
    None where that one's dev answers are not to be found."""
    who = max(told["labelled_by"], key=lambda name: told["labelled_by"][name])
    rows = _dev_rows(evidence, who.rpartition(" ")[2], models)
    if not rows:
        return None
    metric, level = evidence.primary.name, 1 - 2 * full_alpha(evidence.task)
    both = paired(evidence.rows(student, "dev", models), rows)
    found = share_contrast(metric, both, level).difference
    return {
        "vs": who.rpartition(" ")[0],
        "metric": metric,
        "split": "dev",
        "value": rounded(found.value),
        "low": rounded(found.low),
        "high": rounded(found.high),
        "n": found.n,
        "level": rounded(level),
    }


def _dev_rows(evidence: Evidence, hash: str, models: Models) -> Sequence[Row]:
    """The labeller's graded dev rows: those of this run, or those that were answered before it labelled."""
    for entry in evidence.ladder.entries:
        if entry.hash == hash and "dev" in entry.splits:
            return evidence.rows(entry, "dev", models)
    for run in run_folders(evidence.run.folder.parent):
        for account in sorted((run / PART).glob("*/account.json")):
            if read_json(account)["labelled_by"]["hash"] == hash:
                return _graded(evidence, account.with_name("predictions.jsonl"), models)
    return ()


def _graded(evidence: Evidence, path: Path, models: Models) -> Sequence[Row]:
    dev, found = evidence.examples["dev"], read_predictions(path, "dev")
    pairs = [(row, found[row.id]) for row in dev if row.id in found]
    primary = evidence.primary
    scores = grade_rows([primary], pairs, models)
    return measured_rows(dev, found, scores, primary.name, primary.pass_at)
