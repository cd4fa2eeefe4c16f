"""Where a composed rung begins: the approach it adds to, and what that answered on dev."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from baselines.approach import Prompted
from baselines.decoding.form import Form
from baselines.decoding.repair import fault
from baselines.prompts import ZeroShot
from evals.errors import NotApplicable
from evals.run import predict
from evals.types import Example, Prediction, Work


def begin(name: str, train: Sequence[Example], dev: Sequence[Example], work: Work) -> Prompted:
    """The approach to add to: `work.start`, or zero-shot. Raises NotApplicable where it writes no answers."""
    start = cast(Prompted, work.start or ZeroShot().fit(train, dev, work))
    if start.decoder.likelihood is not None:
        raise NotApplicable(
            f"{name} needs answers that are written, and {start.name} chooses them by likelihood"
        )
    return start


def answered(start: Prompted, dev: Sequence[Example], work: Work) -> Mapping[str, Prediction]:
    """The dev answers of an approach, by row. Those that are known already lie in `work.dir`, in the file
    that a race would keep them in."""
    path = work.dir / f"{start.hash}.jsonl"
    return predict(start, dev, work.models, path, "dev", lambda n: work.progress(start.name, n, len(dev)))


def need_faults(name: str, form: Form, start: Prompted, dev: Sequence[Example], work: Work) -> None:
    """Raise NotApplicable when no dev answer of the approach fails the form: nothing would change."""
    found = answered(start, dev, work)
    if not any(fault(form, prediction) for prediction in found.values()):
        raise NotApplicable(
            f"{name} changes nothing: of {len(found)} dev answers of {start.name} none fails the format"
        )
