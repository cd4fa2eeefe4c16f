"""Learning from pairs of answers of which people preferred one: DPO, ORPO, and DPO after SFT.

DPO (Rafailov et al. 2023) raises the log-likelihood of the chosen answer over the rejected one, beyond what
the model made of both when the stage began: those figures, its reference, are computed once and kept.
ORPO (Hong et al. 2024) needs no reference: it learns the chosen answer as SFT does, and the odds of
the two beside it. Log-likelihoods are summed over an answer's tokens, end included, behind its prompt.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from tuning.sft import Sft

if TYPE_CHECKING:
    from torch import Tensor

    from tuning.forward import Reader
    from tuning.pieces import Pair, Piece
    from tuning.student import Material, Stage, Student

FEWEST_PAIRS = 50
"""Fewer pairs say little beyond their own words: a choice, to be held against what dev says."""

SURE = -1e-6
"""A log-likelihood a token above this is taken for this: the odds of what is certain are infinite."""


@dataclass(frozen=True)
class Dpo:
    """One stage on the pairs. `beta` is how dear it is to leave the reference: 0.1, and a fortieth of the
    rate of SFT (5e-6 for LoRA and 5e-7 for all weights of a model of billions), are the defaults of
    TRL and of the alignment handbook."""

    beta: float = 0.1

    name: ClassVar[str] = "dpo"
    title: ClassVar[str] = "direct preference optimisation"
    share: ClassVar[float] = 1 / 40
    answers: ClassVar[bool] = False
    preferences: ClassVar[bool] = True

    def __post_init__(self) -> None:
        positive(beta=self.beta)

    def stages(self, student: Student, material: Material) -> Iterator[Stage]:
        """The pairs, against the model as it is when the stage begins."""
        from tuning.student import Stage

        lessons = (
            Preferred(student.reader, pairs, self.beta) for pairs in (material.pairs, material.dev_pairs)
        )
        lesson, exam = (found.measured() for found in lessons)
        yield Stage(self.name, lesson, exam, self.share)


@dataclass(frozen=True)
class SftThenDpo:
    """SFT on the training rows, then DPO on the pairs from the best it came to, which is also the reference:
    the recipe of Rafailov et al. 2023. Each stage keeps its own share of the rate, and ends at its own
    best; where DPO brings nothing, what is kept is SFT."""

    beta: float = 0.1

    name: ClassVar[str] = "sft_then_dpo"
    title: ClassVar[str] = "supervised fine-tuning, then DPO"
    share: ClassVar[float] = 1.0
    answers: ClassVar[bool] = True
    preferences: ClassVar[bool] = True

    def __post_init__(self) -> None:
        positive(beta=self.beta)

    def stages(self, student: Student, material: Material) -> Iterator[Stage]:
        """The answers of the training rows; the pairs, against the model that those made."""
        yield from Sft().stages(student, material)
        yield from Dpo(self.beta).stages(student, material)


@dataclass(frozen=True)
class Orpo:
    """One stage on the pairs. `weight` is what the odds count beside the answer's own loss (lambda): 0.1, at
    a quarter of the rate of SFT (5e-6 for all weights of a model of 7 billion) as in the paper."""

    weight: float = 0.1

    name: ClassVar[str] = "orpo"
    title: ClassVar[str] = "odds-ratio preference optimisation"
    share: ClassVar[float] = 1 / 4
    answers: ClassVar[bool] = False
    preferences: ClassVar[bool] = True

    def __post_init__(self) -> None:
        positive(weight=self.weight)

    def stages(self, student: Student, material: Material) -> Iterator[Stage]:
        """The pairs."""
        from tuning.student import Stage

        lesson, exam = (
            Odds(student.reader, pairs, self.weight) for pairs in (material.pairs, material.dev_pairs)
        )
        yield Stage(self.name, lesson, exam, self.share)


@dataclass
class Paired:
    """What lessons of pairs share: a row is a pair, and the loss a mean over pairs."""

    reader: Reader
    pairs: Sequence[Pair]

    @cached_property
    def lengths(self) -> list[int]:
        """Tokens of each pair, its two texts padded to one length."""
        return [2 * len(pair) for pair in self.pairs]

    def begin(self, step: int, parts: Sequence[Sequence[int]]) -> None:
        """Nothing hangs on the whole batch."""

    def weight(self, rows: Sequence[int]) -> float:
        """How many pairs."""
        return float(len(rows))

    def said(self, rows: Sequence[int]) -> Tensor:
        """The log-likelihoods [rows, 2] of the chosen and the rejected answers."""
        return both(self.reader, [self.pairs[i] for i in rows])


@dataclass
class Preferred(Paired):
    """The lesson of DPO: -log sigmoid(beta * (gain of the chosen - gain of the rejected)), equation 7 of the
    paper, a gain being what the log-likelihood has risen over the reference [pairs, 2]."""

    beta: float
    reference: Tensor | None = None

    def measured(self) -> Preferred:
        """The lesson with the model as it is now for its reference."""
        return Preferred(self.reader, self.pairs, self.beta, log_likelihoods(self.reader, self.pairs))

    def loss(self, rows: Sequence[int]) -> Tensor:
        """The summed loss of the pairs."""
        from torch.nn import functional

        assert self.reference is not None, "measured() comes first"
        gained = self.said(rows) - self.reference[list(rows)]
        return -functional.logsigmoid(self.beta * (gained[:, 0] - gained[:, 1])).sum()


@dataclass
class Odds(Paired):
    """The lesson of ORPO: -log p(chosen) - weight * log sigmoid(log odds(chosen) - log odds(rejected)),
    equations 6 and 7 of the paper, p being the likelihood a token. Each pair counts alike; TRL
    instead divides the first term by the batch's tokens, those of prompts among them."""

    odds: float

    def loss(self, rows: Sequence[int]) -> Tensor:
        """The summed loss of the pairs."""
        import torch
        from torch.nn import functional

        pairs = [self.pairs[i] for i in rows]
        sizes = torch.tensor([[len(p.chosen.answer), len(p.rejected.answer)] for p in pairs])
        mean = self.said(rows) / sizes.to(self.reader.device)
        log_odds = mean - torch.log(-torch.expm1(mean.clamp(max=SURE)))
        return -(mean[:, 0] + self.odds * functional.logsigmoid(log_odds[:, 0] - log_odds[:, 1])).sum()


def both(reader: Reader, pairs: Sequence[Pair]) -> Tensor:
    """The log-likelihoods [pairs, 2] of the chosen and the rejected answers, read as one batch."""
    import torch

    from tuning.forward import collate

    texts: list[Piece] = [*(p.chosen for p in pairs), *(p.rejected for p in pairs)]
    found = reader.likelihoods(collate(texts, reader.device))
    return torch.stack(found.chunk(2), dim=1)


def log_likelihoods(reader: Reader, pairs: Sequence[Pair], tokens: int = 8192) -> Tensor:
    """The same of any number of pairs, without gradients and without dropout."""
    import torch

    from tuning.batches import micro
    from tuning.forward import evaluating

    found = torch.zeros(len(pairs), 2, device=reader.device)
    with torch.no_grad(), evaluating(reader.whole):
        for part in micro(range(len(pairs)), [2 * len(pair) for pair in pairs], tokens, 16):
            found[part] = both(reader, [pairs[i] for i in part])
    return found


def positive(**options: float) -> None:
    for name, value in options.items():
        if value <= 0:
            raise ValueError(f"{name} must be above 0")
