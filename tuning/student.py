"""A model that is being trained, with all that reads and asks it, and the stages it goes through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from torch import Tensor

from baselines.approach import Prompted
from evals.graders import answer_text
from evals.types import Example, Models
from tuning.forward import Reader
from tuning.loop import Lesson
from tuning.method import Head
from tuning.pieces import Asked, Pair, Piece, pieces
from tuning.selection import Trainee


@dataclass(frozen=True)
class Student:
    """`approach` is what will be served, with the model in training behind its reference in `models`."""

    approach: Prompted
    models: Models
    live: Trainee
    reader: Reader
    parameters: Mapping[str, Tensor]
    head: Head

    @property
    def model(self) -> Any:
        """The module that learns."""
        return self.reader.whole

    def pieces(self, rows: Sequence[Example]) -> tuple[list[Piece], list[str]]:
        """The rows as the approach renders them, with their answers; and the ids of those too long."""
        prompts = self.approach.prompts([row.query() for row in rows], self.models)
        asked = [Asked(row.id, prompts[row.id], answer_text(row.target)) for row in rows]
        return pieces(asked, self.live.renderer, self.live.context)


@dataclass(frozen=True)
class Stage:
    """A part of the training: its lesson, and its learning rate as a share of the method's own."""

    name: str
    lesson: Lesson
    share: float


class Objective(Protocol):
    """What the parameters move towards. `preferences` says that it learns from pairs of answers."""

    name: ClassVar[str]
    title: ClassVar[str]
    preferences: ClassVar[bool]

    def stages(self, student: Student, train: Sequence[Piece], pairs: Sequence[Pair]) -> Iterator[Stage]:
        """The stages in order; each is asked for when the one before it has ended."""
