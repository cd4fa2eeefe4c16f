"""The rung that asks several times and takes the commonest answer (Wang et al. 2022, arXiv 2203.11171).

A majority says something only where answers repeat. A few dev rows tell whether they do, before all rows
are asked k times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import ClassVar

from baselines.approach import Prompted
from baselines.decoding.form import Form, form_of
from baselines.start import begin
from evals.errors import NotApplicable
from evals.failures import primary_grader
from evals.run import predict
from evals.task import Task
from evals.types import Example, Work

TRIED = 12
"""Dev rows that are asked first."""
WHOLE = ("exact", "squad_exact", "equals", "regex")
"""Graders under which a free text is right or wrong as a whole, so that texts can agree."""


@dataclass(frozen=True)
class SelfConsistency:
    """The best approach so far, asked `k` times at `temperature`, and the answer that most samples give.

    0.7 is the temperature of the paper; most of what its 40 samples gain, the first 5 do.
    """

    k: int = 5
    temperature: float = 0.7
    name: str = "self_consistency"

    def __post_init__(self) -> None:
        if self.k < 3:
            raise ValueError("k is at least 3: of two samples neither is a majority")
        if self.temperature <= 0:
            raise ValueError("temperature is above 0: samples would all be the same")

    @property
    def calls(self) -> tuple[int, int]:
        """Fewest and most calls of a row."""
        return self.k, self.k

    condition: ClassVar[str] = f"where samples agree on half of {TRIED} dev rows that are asked first"

    def excluded(self, task: Task) -> str:
        """Why this task has nothing for it; "" when it has."""
        grader = primary_grader(task.requirements, [spec.name for spec in task.graders])
        if form_of(task).kind == "text" and grader not in WHOLE:
            return "needs answers that repeat: these are free text"
        return ""

    def fit(self, train: Sequence[Example], dev: Sequence[Example], work: Work) -> Prompted:
        approach = self.on(begin(self, train, dev, work), form_of(work.task))
        rows = sorted(dev, key=lambda e: sha256(e.id.encode()).digest())[:TRIED]
        tried = predict(approach, rows, work.models, work.dir / f"{approach.hash}.jsonl", "dev")
        agreeing = sum(prediction.votes > 1 for prediction in tried.values())
        if 2 * agreeing < len(tried):
            raise NotApplicable(
                f"would say little: in {len(tried) - agreeing} of {len(tried)} dev rows "
                f"no two of {self.k} samples agree"
            )
        return approach

    def on(self, start: Prompted, form: Form) -> Prompted:
        """The approach that this makes of another."""
        drawn = replace(start.decoder, form=form, samples=self.k, temperature=self.temperature)
        return replace(start, name=self.name, decoder=drawn)
