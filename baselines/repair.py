"""The rung that sends an answer of the wrong form back, with what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from baselines.approach import Prompted
from baselines.decoding.form import form_of
from baselines.start import begin, need_faults
from evals.errors import NotApplicable
from evals.types import Example, Work


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

    def fit(self, train: Sequence[Example], dev: Sequence[Example], work: Work) -> Prompted:
        form = form_of(work.task)
        if not form.checks:
            raise NotApplicable(f"{self.name} needs a format to check: the answers are free text")
        start = begin(self.name, train, dev, work)
        if work.start is not None:
            need_faults(self.name, form, start, dev, work)
        return replace(start, name=self.name, decoder=replace(start.decoder, form=form, repairs=self.times))
