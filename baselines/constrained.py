"""The rung that holds the model to the format: what it cannot write it cannot get wrong.

The grammar is the task's schema, its labels or the pattern of a required `regex`. What a grammar does not
hold of a schema (docs/grammar.md) is validated afterwards, like any other answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from baselines.approach import Prompted
from baselines.decoding.form import form_of
from baselines.start import begin, need_faults
from evals.errors import ModelError, NotApplicable, OutageError
from evals.task import Task
from evals.types import Example, Work


@dataclass(frozen=True)
class Constrained:
    """The best approach so far, its answers held to the task's format while they are written."""

    name: str = "constrained"

    condition: ClassVar[str] = "where an answer of the best approach so far fails the format on dev"

    def excluded(self, task: Task) -> str:
        """Why this task has nothing for it; "" when it has."""
        if form_of(task).grammar is None:
            return "needs labels, JSON or a required regex: the answers are free text"
        return ""

    def fit(self, train: Sequence[Example], dev: Sequence[Example], work: Work) -> Prompted:
        start = begin(self, train, dev, work)
        form = form_of(work.task)
        if work.start is not None:
            need_faults(form, start, dev, work)
        approach = replace(start, name=self.name, decoder=replace(start.decoder, form=form, held=True))
        _try(approach, dev, work)
        return approach


def _try(approach: Prompted, dev: Sequence[Example], work: Work) -> None:
    """Ask for one token. Raises NotApplicable, with the model's reason, when it cannot be held."""
    model = work.models.open(approach.model)
    asked = approach.prompts([row.query() for row in dev[:1]], work.models)
    requests = [replace(approach.decoder.request(id, prompt), max_tokens=1) for id, prompt in asked.items()]
    try:
        list(model.generate(requests))
    except OutageError:
        raise
    except ModelError as error:
        if isinstance(error.__cause__, ImportError):
            raise
        raise NotApplicable(f"is out of reach: {error.message}") from error
