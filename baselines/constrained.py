"""The rung that holds the model to the format: what it cannot write it cannot get wrong.

The grammar is the task's schema, its labels or the pattern of a required `regex`. What a grammar does not
hold of a schema (docs/grammar.md) is validated afterwards, like any other answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from baselines.approach import Prompted
from baselines.decoding.form import form_of
from baselines.start import begin, need_faults
from evals.errors import ModelError, NotApplicable, OutageError
from evals.types import Example, Message, Work


@dataclass(frozen=True)
class Constrained:
    """The best approach so far, its answers held to the task's format while they are written."""

    name: str = "constrained"

    def fit(self, train: Sequence[Example], dev: Sequence[Example], work: Work) -> Prompted:
        form = form_of(work.task)
        if form.grammar is None:
            raise NotApplicable(
                f"{self.name} needs labels, JSON or a required regex: the answers are free text"
            )
        start = begin(self.name, train, dev, work)
        if work.start is not None:
            need_faults(self.name, form, start, dev, work)
        approach = replace(start, name=self.name, decoder=replace(start.decoder, form=form, held=True))
        _try(approach, work)
        return approach


def _try(approach: Prompted, work: Work) -> None:
    """Ask for one token. Raises NotApplicable, with the model's reason, when it cannot be held."""
    request = replace(approach.decoder.request("0", (Message("user", "?"),)), max_tokens=1)
    model = work.models.open(approach.model)
    try:
        list(model.generate([request]))
    except OutageError:
        raise
    except ModelError as error:
        if isinstance(error.__cause__, ImportError):
            raise
        raise NotApplicable(f"{approach.name} is out of reach: {error.message}") from error
