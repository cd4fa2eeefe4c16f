"""The rung that searches: from the described prompt, by edits made where training rows fail, chosen on dev.

A model proposes instructions where the task names `stronger_model` and `gepa` is installed; else typed
edits do. Which it was stands in `search.json` and among the run's notes. Not in the default ladder: on most
tasks its calls buy less than those of the other rungs.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from baselines.approach import Prompted
from baselines.notes import keep_chosen, keep_note
from baselines.recipe import Recipe, form_of
from baselines.search.climb import climb
from baselines.search.reflect import Reflection, reflect
from baselines.search.trials import Trials, chosen_rows
from evals.errors import NotApplicable
from evals.store import write_json
from evals.task import Task
from evals.types import Example, Work

Proposer = Literal["auto", "model", "edits"]
INSTALL = "pip install 'tuning-workbench[search]'"


@dataclass(frozen=True)
class PromptSearch:
    """A prompt found by search. `budget` is the most calls of the task's model while searching,
    `rows` the dev rows it chooses by, `batch` the training rows a proposal is made from and tried on.
    `proposer`: model (the task's `stronger_model`, through gepa), edits, or auto: model where there is one.

    Calls: at most `budget`, 400 by default; a stronger model is asked about once in 30 of them.
    """

    budget: int = 400
    rows: int = 40
    batch: int = 8
    proposer: Proposer = "auto"
    name: str = "prompt_search"

    def __post_init__(self) -> None:
        if min(self.budget, self.rows, self.batch) < 1:
            raise ValueError("budget, rows and batch are 1 or more")
        if self.proposer not in ("auto", "model", "edits"):
            raise ValueError(f"proposer is auto, model or edits, not {self.proposer!r}")

    def fit(self, train: Sequence[Example], dev: Sequence[Example], work: Work) -> Prompted:
        task: Task = work.task
        if not train:
            raise NotApplicable("needs training rows and the task has none")
        rows = chosen_rows(dev, self.rows)
        trials = Trials(self.name, rows, work, self._limit(len(rows), len(train), work))
        start = Recipe(task.prompt.instruction, "system", form_of(task.output, train))
        if self._writes(task, work):
            assert task.stronger_model is not None
            adapter = Reflection(trials, start, task.stronger_model, train, dev)
            reflect(adapter, self.batch)
            by, more = task.stronger_model.name, f" ({adapter.proposals} calls of it, through gepa)"
        else:
            trials.join(start, "the start", -1)
            climb(trials, train, self.batch)
            by, more = "typed edits", ""
        told = trials.told()
        write_json(work.dir / "search.json", {"version": 1, "proposer": by, **told})
        keep_note(
            work,
            f"{self.name}: proposed by {by}{more}; {len(trials.pool)} prompts on {len(rows)} dev rows, "
            f"{len(trials.rejected)} rejected, {told['calls']} calls",
            logging.INFO,
        )
        keep_chosen(work, *(trials.edits() or ["no edit: the start"]))
        return trials.best().approach

    def asks(self, task: Task, train: int, dev: int) -> int:
        """The calls that fitting makes, at most."""
        return self.budget if train else 0

    def _limit(self, rows: int, train: int, work: Work) -> int:
        """The calls it may make. Raises NotApplicable where they do not pay for one proposal."""
        limit = int(min(self.budget, work.budget.get("calls", self.budget)))
        needed = 2 * (rows + min(self.batch, train))
        if limit < needed:
            raise NotApplicable(
                f"a budget of {limit} calls is too small for one proposal, which takes {needed}"
            )
        return limit

    def _writes(self, task: Task, work: Work) -> bool:
        """Whether a model proposes. Raises NotApplicable where it must and cannot."""
        if self.proposer == "edits":
            return False
        named, installed = task.stronger_model is not None, find_spec("gepa") is not None
        if self.proposer == "model" and not (named and installed):
            lacks = f"gepa, which is not installed ({INSTALL})" if named else "stronger_model in the task"
            raise NotApplicable(f"a model as the proposer needs {lacks}")
        if named and not installed:
            keep_note(work, f"{self.name}: typed edits propose, as gepa is not installed ({INSTALL})")
        return named and installed
