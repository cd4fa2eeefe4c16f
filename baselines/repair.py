"""The rung that sends an answer of the wrong form back, with what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from baselines.approach import Prompted
from baselines.constrained import Constrained
from baselines.decoding.form import form_of
from baselines.decoding.repair import fault
from baselines.start import begin, need_faults
from evals.task import Task
from evals.types import Example, Prediction, Work


@dataclass(frozen=True)
class Repair:
    """The best approach so far; an answer that fails the format is sent back at most `times` times."""

    times: int = 2
    name: str = "repair"

    def __post_init__(self) -> None:
        if self.times < 1:
            raise ValueError("times is at least 1")

    @property
    def calls(self) -> tuple[int, int]:
        """Fewest and most calls of a row."""
        return 1, 1 + self.times

    condition: ClassVar[str] = Constrained.condition

    def excluded(self, task: Task) -> str:
        """Why this task has nothing for it; "" when it has."""
        return "" if form_of(task).checks else "needs a format to check: the answers are free text"

    def fit(self, train: Sequence[Example], dev: Sequence[Example], work: Work) -> Prompted:
        start = begin(self, train, dev, work)
        form = form_of(work.task)
        if work.start is not None:
            need_faults(form, start, dev, work)
        return replace(start, name=self.name, decoder=replace(start.decoder, form=form, repairs=self.times))


def kept(approach: Prompted, start: Prompted, answers: Sequence[Prediction]) -> list[Prediction]:
    """Those answers of `start` that `approach` would give as they are: all that fit the format, where
    nothing but sending back tells the two apart."""
    form, repairs = approach.decoder.form, approach.decoder.repairs
    same = replace(start, name=approach.name, decoder=replace(start.decoder, form=form, repairs=repairs))
    if form is None or not repairs or start.decoder.repairs or same != approach:
        return []
    return [answer for answer in answers if answer.error is None and not fault(form, answer)]
