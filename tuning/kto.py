"""Learning which answers are wanted and which are not, each by itself: KTO (Ethayarajh et al. 2024).

Every pair gives two answers, one wanted and one not. How much an answer has gained over the reference is held
against how far the model has moved altogether, which is estimated from answers that belong to other
prompts (equation 7 of the paper, as TRL has it, with both kinds of answers weighed alike).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from tuning.preference import Paired, both, log_likelihoods, positive

if TYPE_CHECKING:
    from torch import Tensor

    from tuning.forward import Reader
    from tuning.pieces import Pair
    from tuning.student import Material, Stage, Student


@dataclass(frozen=True)
class Kto:
    """One stage on the answers of the pairs. `beta` 0.1, and a twentieth of the rate of SFT (1e-6 for all
    weights of a model of billions), are the defaults of TRL and the paper."""

    beta: float = 0.1

    name: ClassVar[str] = "kto"
    title: ClassVar[str] = "Kahneman-Tversky optimisation"
    share: ClassVar[float] = 1 / 20
    answers: ClassVar[bool] = False
    preferences: ClassVar[bool] = True

    def __post_init__(self) -> None:
        positive(beta=self.beta)

    def stages(self, student: Student, material: Material) -> Iterator[Stage]:
        """The answers, against the model as it is when the stage begins."""
        from tuning.student import Stage

        room = student.live.context
        lesson, exam = (
            wanted(student.reader, pairs, self.beta, room) for pairs in (material.pairs, material.dev_pairs)
        )
        yield Stage(self.name, lesson, exam, self.share)


@dataclass
class Wanted(Paired):
    """The lesson: 1 - sigmoid(beta * (gain - moved)) for a wanted answer, 1 - sigmoid(beta * (moved - gain))
    for another. `strangers` has for each pair its prompt with the answers of another; the references are
    [pairs, 2]. `moved` is of the whole batch, however it is cut: the strangers' mean gain, 0 at the
    least, without gradient."""

    beta: float
    reference: Tensor
    strangers: Sequence[Pair]
    strange_reference: Tensor
    moved: float = 0.0

    @cached_property
    def lengths(self) -> list[int]:
        """Tokens of each pair, or of its stranger, its two texts padded to one length."""
        both_ways = zip(self.pairs, self.strangers, strict=True)
        return [2 * max(len(pair), len(stranger)) for pair, stranger in both_ways]

    def begin(self, step: int, parts: Sequence[Sequence[int]]) -> None:
        """Find how far the model has moved on the batch's prompts."""
        import torch

        from tuning.forward import evaluating

        total = 0.0
        with torch.no_grad(), evaluating(self.reader.whole):
            for part in parts:
                said = both(self.reader, [self.strangers[i] for i in part])
                total += float((said - self.strange_reference[list(part)]).sum())
        self.moved = max(0.0, total / (2 * sum(map(len, parts))))

    def weight(self, rows: Sequence[int]) -> float:
        """How many answers."""
        return 2.0 * len(rows)

    def loss(self, rows: Sequence[int]) -> Tensor:
        """The summed loss of the pairs' answers."""
        import torch

        gained = self.said(rows) - self.reference[list(rows)] - self.moved
        side = torch.tensor([1.0, -1.0], device=gained.device)
        return (1 - torch.sigmoid(self.beta * gained * side)).sum()


def wanted(reader: Reader, pairs: Sequence[Pair], beta: float, room: int) -> Wanted:
    """The lesson with the model as it is now for its reference."""
    strange = strangers(pairs, room)
    return Wanted(
        reader, pairs, beta, log_likelihoods(reader, pairs), strange, log_likelihoods(reader, strange)
    )


def strangers(pairs: Sequence[Pair], room: int) -> list[Pair]:
    """Each pair's prompt with the answers of the next pair that has another prompt and fits `room` tokens;
    with its own where there is none."""
    from tuning.pieces import Pair, Piece

    found = []
    for place, pair in enumerate(pairs):
        prompt = pair.chosen.prompt
        others = (pairs[(place + k) % len(pairs)] for k in range(1, len(pairs)))
        other = next(
            (
                other
                for other in others
                if other.chosen.prompt.tolist() != prompt.tolist()
                and len(prompt) + max(len(other.chosen.answer), len(other.rejected.answer)) <= room
            ),
            pair,
        )
        sides = (Piece(pair.chosen.id, prompt, side.answer) for side in (other.chosen, other.rejected))
        found.append(Pair(*sides))
    return found
