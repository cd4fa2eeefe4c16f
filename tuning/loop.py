"""The training loop: steps of AdamW over batches of answers, with looks at dev, that survives anything.

Killed at any moment it goes on from the last checkpoint and ends with the same weights (bit for bit
on a CPU in fp32): the order of rows is a function of seed and epoch, and weights, moments and random
numbers are on disk. When memory does not suffice, fewer rows are computed at once and the step is made
again. A loss that is no number ends training at the best checkpoint before it. Several processes may share
the steps (`crew.py`).
"""

from __future__ import annotations

import logging
import math
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from evals.errors import ModelError
from evals.models.engine.memory import give_back, keep_freed, ran_out
from evals.types import Progress
from tuning import batches
from tuning.checkpoint import (
    State,
    at,
    is_whole,
    keep_only,
    load_checkpoint,
    load_trainable,
    newest,
    revive_state,
    save_checkpoint,
)
from tuning.crew import ALONE, Crew
from tuning.curves import Curves
from tuning.forward import evaluating
from tuning.settings import Settings

log = logging.getLogger(__name__)


class Lesson(Protocol):
    """What is learned from, and by which loss. `lengths` are each row's tokens."""

    @property
    def lengths(self) -> Sequence[int]: ...

    def begin(self, step: int, parts: Sequence[Sequence[int]]) -> None:
        """Said before the losses of a step's rows are asked for, part by part: what hangs on all of them
        is found now."""

    def loss(self, rows: Sequence[int]) -> Tensor:
        """The summed loss of these rows, with its graph."""

    def weight(self, rows: Sequence[int]) -> float:
        """What the summed loss of these rows is divided by: how many terms it has."""


def mean_of(lesson: Lesson, model: Any, tokens: int = 8192, rows: int = 16) -> float:
    """The mean loss over all rows of a lesson, without gradients and without dropout."""
    parts = batches.micro(range(len(lesson.lengths)), lesson.lengths, tokens, rows)
    with torch.no_grad(), evaluating(model):
        lesson.begin(0, parts)
        total = sum(float(lesson.loss(part)) for part in parts)
    return total / lesson.weight(range(len(lesson.lengths)))


class NotANumber(ArithmeticError):
    """The loss or a gradient is infinite or no number."""


@dataclass(frozen=True)
class Course:
    """Everything one training needs. `look` gives the dev loss and the dev score of the weights as they
    are now."""

    folder: Path
    settings: Settings
    rate: float
    seed: int
    look: Callable[[], tuple[float, float]]
    progress: Progress = lambda step, done, total: None
    name: str = "train"
    crew: Crew = ALONE


@dataclass(frozen=True)
class Outcome:
    """How training ended: at which step, with which of them chosen, and why; `rows` is how many rows were
    computed at once in the end, `seconds` what this process spent."""

    steps: int
    best: int
    why: str
    rows: int
    seconds: float


class Trainer:
    """One training of `parameters`, which it leaves as they were at the best look."""

    def __init__(self, parameters: Mapping[str, Tensor], lesson: Lesson, course: Course) -> None:
        keep_freed()
        self.parameters, self.lesson, self.course = parameters, lesson, course
        self.crew = course.crew
        settings = course.settings
        self.optimizer = torch.optim.AdamW(
            list(parameters.values()), lr=course.rate, weight_decay=settings.decay, fused=_fusible(parameters)
        )
        self.home = course.folder / "checkpoints"
        self.total = settings.steps(len(lesson.lengths))
        self.stride = settings.stride(len(lesson.lengths))
        self.rows = settings.rows
        self._epoch: tuple[int, list[list[int]]] = (-1, [])

    def run(self) -> Outcome:
        """Train to the end, or until it brings nothing better. Raises ModelError when not even one step
        could be made, ResumableError on a full disk."""
        start = time.perf_counter()
        step = self._resume()
        curves = self._curves(step, self.crew.main)
        why = f"after {self.total} steps"
        try:
            self._look(step, curves)
            while step < self.total:
                if self._spent(curves, start):
                    why = "nothing better was seen" if curves.without_gain() else "the time was up"
                    break
                step = self._stretch(step, curves)
                self._look(step, curves)
        except NotANumber as error:
            why = str(error)
            log.warning("training ended: %s", why)
            if curves.best == 0:
                raise ModelError(
                    f"training ended before it brought anything: {why}",
                    hint="Try a lower rate or a longer warmup: --set learning_rate=..., --set warmup=...",
                ) from error
        seconds = time.perf_counter() - start
        curves.add({"kind": "end", "step": step, "best": curves.best, "why": why})
        load_trainable(at(self.home, curves.best), self.parameters)
        return Outcome(step, curves.best, why, self.rows, seconds)

    def _resume(self) -> int:
        """The step to go on from; a first checkpoint is written when there is none."""
        found = self.crew.told(self._kept)
        if found is None:
            self.crew.align(self.parameters.values())
            self._save(0)
            return 0
        state = load_checkpoint(found, self.parameters, self.optimizer)
        self.rows = state.rows
        told = f"{self.course.name} | continues from step {state.step}"
        self.course.progress(told, state.step, self.total)
        return state.step

    def _kept(self) -> Path | None:
        """The checkpoint to go on from. None where there is none, or where that of the best look at dev is
        lost, which nothing behind it brings back."""
        last = newest(self.home)
        if last is None:
            return None
        before = self._curves(revive_state(last).step, written=False)
        if before.dev() and not is_whole(best := at(self.home, before.best)):
            log.warning("the checkpoint %s, the best so far, is not whole: training begins anew", best)
            shutil.rmtree(self.home, ignore_errors=True)
            return None
        return last

    def _curves(self, step: int, written: bool) -> Curves:
        return Curves.read(self.course.folder / "curves.jsonl", step, written)

    def _save(self, step: int) -> None:
        if self.crew.main:
            save_checkpoint(self.home, State(step, self.rows), self.parameters, self.optimizer)

    def _spent(self, curves: Curves, start: float) -> bool:
        minutes = self.course.settings.minutes
        late = minutes is not None and self.crew.told(lambda: time.perf_counter() - start > 60 * minutes)
        return late or curves.without_gain() >= self.course.settings.patience

    def _stretch(self, step: int, curves: Curves) -> int:
        """Steps up to the next look, and a checkpoint."""
        while True:
            begin = time.perf_counter()
            loss = self._step(step)
            step += 1
            curves.add(
                {
                    "kind": "train",
                    "step": step,
                    "loss": round(loss, 6),
                    "rate": self.optimizer.param_groups[0]["lr"],
                    "seconds": round(time.perf_counter() - begin, 3),
                }
            )
            self._show(step, curves)
            if step % self.stride == 0 or step == self.total:
                self._save(step)
                return step

    def _show(self, step: int, curves: Curves) -> None:
        """Say how far training is, with the loss of the last step and the score of the last look at dev."""
        losses = [line["loss"] for line in curves.lines if line["kind"] == "train"]
        told = [f"loss {losses[-1]:.3f}"] if losses else []
        told += [f"dev score {curves.dev()[-1]['score']:.3f}"] if curves.dev() else []
        self.course.progress(f"{self.course.name} | {', '.join(told)}", step, self.total)

    def _look(self, step: int, curves: Curves) -> None:
        """Look at dev, once a step. The two newest checkpoints and the best stay: the newest may be torn.
        What steps left in the heap is not held beside what a look takes, nor the other way round."""
        if not curves.looked(step):
            begin = time.perf_counter()
            state = torch.get_rng_state()
            give_back()
            loss, score = self.crew.told(self.course.look)
            give_back()
            torch.set_rng_state(state)
            if not math.isfinite(loss):
                raise NotANumber(f"the dev loss is {loss} at step {step}")
            seconds = round(time.perf_counter() - begin, 3)
            curves.add(
                {"kind": "dev", "step": step, "loss": round(loss, 6), "score": score, "seconds": seconds}
            )
            self._show(step, curves)
        if self.crew.main:
            keep_only(self.home, {step, curves.best, *[line["step"] for line in curves.dev()[-2:]]})

    def _step(self, step: int) -> float:
        """One step of the optimizer; the mean loss of its batch."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.course.rate * self.course.settings.factor(step, self.total)
        batch = self._batch(step)
        self.crew.draw(self.course.seed, step)
        while True:
            state = torch.get_rng_state()
            try:
                loss = self._gradients(step, batch)
                break
            except (RuntimeError, MemoryError) as error:
                if not ran_out(error) or self.rows == 1:
                    raise
            torch.set_rng_state(state)
            self.rows = max(1, min(self.rows, len(batch)) // 2)
            log.warning("not enough memory: %d rows at once from now on, %d a step", self.rows, len(batch))
        loss = self.crew.sum(self.parameters.values(), loss)
        norm = torch.nn.utils.clip_grad_norm_(list(self.parameters.values()), self.course.settings.clip)
        if not (math.isfinite(loss) and math.isfinite(float(norm))):
            raise NotANumber(f"the loss is {loss:.4g} and its gradient {float(norm):.4g} at step {step + 1}")
        self.optimizer.step()
        return loss

    def _gradients(self, step: int, batch: Sequence[int]) -> float:
        """Leave the gradient of the batch's mean loss in the parameters, and give that loss; with others,
        what the rows that are computed here add to both."""
        self.optimizer.zero_grad(set_to_none=True)
        total, weight = 0.0, self.lesson.weight(batch)
        self.lesson.begin(step, self._parts(batch))
        for part in self._parts(self.crew.share(batch, self.lesson.lengths)):
            loss = self.lesson.loss(part)
            (loss / weight).backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        return total / weight

    def _parts(self, rows: Sequence[int]) -> list[list[int]]:
        return batches.micro(rows, self.lesson.lengths, self.course.settings.tokens, self.rows)

    def _batch(self, step: int) -> list[int]:
        """The rows of a step."""
        lengths, size = self.lesson.lengths, self.course.settings.batch
        number, place = divmod(step, math.ceil(len(lengths) / size))
        if self._epoch[0] != number:
            self._epoch = (number, batches.epoch(lengths, size, self.course.seed, number))
        return self._epoch[1][place]


def _fusible(parameters: Mapping[str, Tensor]) -> bool:
    return all(p.is_floating_point() and p.device.type in ("cpu", "cuda") for p in parameters.values())
