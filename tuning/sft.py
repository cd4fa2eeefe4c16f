"""Supervised fine-tuning: the loss is that of the answers' tokens, end included, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from torch import Tensor

    from tuning.forward import Reader
    from tuning.pieces import Piece
    from tuning.student import Material, Stage, Student


@dataclass(frozen=True)
class Sft:
    """One stage on the training rows."""

    name: ClassVar[str] = "sft"
    title: ClassVar[str] = "supervised fine-tuning"
    share: ClassVar[float] = 1.0
    answers: ClassVar[bool] = True
    preferences: ClassVar[bool] = False

    def stages(self, student: Student, material: Material) -> Iterator[Stage]:
        """The answers of the training rows, at the method's own rate."""
        from tuning.student import Stage

        train, dev = (Answers(student.reader, rows) for rows in (material.train, material.dev))
        yield Stage(self.name, train, dev, self.share)


@dataclass(frozen=True)
class Answers:
    """The lesson of answers to prompts; see `tuning.loop.Lesson`."""

    reader: Reader
    pieces: Sequence[Piece]

    @cached_property
    def lengths(self) -> list[int]:
        """Tokens of each row, prompt and answer."""
        return [len(piece) for piece in self.pieces]

    def begin(self, step: int, parts: Sequence[Sequence[int]]) -> None:
        """Nothing hangs on the whole batch."""

    def loss(self, rows: Sequence[int]) -> Tensor:
        """The summed negative log-likelihood (nats) of the rows' answer tokens."""
        from tuning.forward import collate

        return self.reader.losses(collate([self.pieces[i] for i in rows], self.reader.device)).sum()

    def weight(self, rows: Sequence[int]) -> float:
        """How many answer tokens the rows have."""
        return float(sum(len(self.pieces[i].answer) for i in rows))


def mean_loss(reader: Reader, pieces: Sequence[Piece], tokens: int = 8192, rows: int = 16) -> float:
    """Nats a token over all answers, without gradients."""
    from tuning.loop import mean_of

    return mean_of(Answers(reader, pieces), reader.whole, tokens, rows)
