"""Where a composed rung begins: the approach it adds to, and what that answered on dev."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from baselines.approach import Prompted
from baselines.decoding.form import Form
from baselines.decoding.repair import fault
from baselines.prompts import ZeroShot
from evals.errors import NotApplicable
from evals.run import predict
from evals.task import Task
from evals.types import Example, Prediction, Work


class Adding(Protocol):
    """A rung that adds to an approach."""

    @property
    def name(self) -> str: ...

    def excluded(self, task: Task) -> str: ...


def begin(rung: Adding, train: Sequence[Example], dev: Sequence[Example], work: Work) -> Prompted:
    """The approach to add to: `work.start`, or zero-shot. Raises NotApplicable where the task has nothing
    for the rung, or the approach chooses its answers by likelihood and writes none."""
    if why := rung.excluded(work.task):
        raise NotApplicable(why)
    start = cast(Prompted, work.start or ZeroShot().fit(train, dev, work))
    if start.decoder.likelihood is not None:
        name = start.name
        raise NotApplicable(f"needs answers that are written, and {name} chooses them by likelihood")
    return start


def answered(start: Prompted, dev: Sequence[Example], work: Work) -> Mapping[str, Prediction]:
    """The dev answers of an approach, by row. Those that are known already lie in `work.dir`, in the file
    that a race would keep them in."""
    path = work.dir / f"{start.hash}.jsonl"
    return predict(start, dev, work.models, path, "dev", lambda n: work.progress(start.name, n, len(dev)))


def need_faults(form: Form, start: Prompted, dev: Sequence[Example], work: Work) -> None:
    """Raise NotApplicable when no dev answer of the approach fails the form: nothing would change."""
    found = answered(start, dev, work)
    if not any(fault(form, prediction) for prediction in found.values()):
        raise NotApplicable(
            f"changes nothing: of {len(found)} dev answers of {start.name} none fails the format"
        )
