"""A model that is being trained, with all that reads and asks it, and the stages it goes through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from torch import Tensor

from baselines.approach import Prompted
from evals.graders import answer_text
from evals.preferences import Pair as Preference
from evals.preferences import judge_pairs
from evals.types import Example, Models, Row
from tuning.forward import Reader
from tuning.loop import Lesson
from tuning.method import Head
from tuning.pieces import Asked, Pair, Piece, pairs, pieces
from tuning.selection import Graded, Trainee


@dataclass(frozen=True)
class Student:
    """`approach` is what will be served, with the model in training behind its reference in `models`; `grade`
    gives the task's one figure of some answers, `home` is where a fit's files lie."""

    approach: Prompted
    models: Models
    live: Trainee
    reader: Reader
    parameters: Mapping[str, Tensor]
    head: Head
    grade: Graded
    home: Path
    seed: int

    @property
    def model(self) -> Any:
        """The module that learns."""
        return self.reader.whole

    def pieces(self, rows: Sequence[Example]) -> tuple[list[Piece], list[str]]:
        """The rows as the approach renders them, with their answers; and the ids of those too long."""
        return pieces(asked(self.approach, rows, self.models), self.live.renderer, self.live.context)

    def pairs(self, rows: Sequence[Preference]) -> tuple[list[Pair], list[str]]:
        """The pairs as the approach renders them; and the ids of those too long."""
        return pairs(asked_twice(self.approach, rows, self.models), self.live.renderer, self.live.context)

    def judged(self, rows: Sequence[Preference], models: Models) -> list[Row]:
        """Of which answer the model makes more, pair by pair, as preference_accuracy has it."""
        if not rows:
            return []
        prompts = self.approach.prompts([row.query() for row in rows], models)
        return judge_pairs(rows, [prompts[row.id] for row in rows], models.open(self.approach.model))


def asked(approach: Prompted, rows: Sequence[Example], models: Models) -> list[Asked]:
    """The rows' prompts as the approach renders them, with their answers."""
    prompts = approach.prompts([row.query() for row in rows], models)
    return [Asked(row.id, prompts[row.id], answer_text(row.target)) for row in rows]


def asked_twice(approach: Prompted, rows: Sequence[Preference], models: Models) -> list[tuple[Asked, Asked]]:
    """The pairs' prompts as the approach renders them, with the chosen and with the rejected answer."""
    prompts = approach.prompts([row.query() for row in rows], models)
    return [
        (Asked(row.id, prompts[row.id], row.chosen), Asked(row.id, prompts[row.id], row.rejected))
        for row in rows
    ]


@dataclass(frozen=True)
class Material:
    """What there is to learn from: the answers of training rows, pairs of answers, and of both those that the
    loss on dev is taken of; `rows` are the training rows themselves, in the order of `train`."""

    train: Sequence[Piece] = ()
    dev: Sequence[Piece] = ()
    pairs: Sequence[Pair] = ()
    dev_pairs: Sequence[Pair] = ()
    rows: Sequence[Example] = ()


@dataclass(frozen=True)
class Stage:
    """A part of the training: its lesson, the same lesson on dev rows, and its learning rate as a share of
    the method's own."""

    name: str
    lesson: Lesson
    exam: Lesson
    share: float


class Objective(Protocol):
    """What the parameters move towards, and at which share of a method's rate. `answers` says that it learns
    from the training rows, `preferences` that it does from pairs of answers."""

    name: ClassVar[str]
    title: ClassVar[str]
    share: ClassVar[float]
    answers: ClassVar[bool]
    preferences: ClassVar[bool]

    def stages(self, student: Student, material: Material) -> Iterator[Stage]:
        """The stages in order; each is asked for when the one before it has ended, and finds the student as
        that one left it."""
