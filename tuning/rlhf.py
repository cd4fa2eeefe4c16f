"""Reinforcement learning from feedback: answers are drawn, scored, and made likelier or rarer by comparison.

GRPO (Shao et al. 2024, arXiv 2402.03300). A step draws several answers to each of its rows from the weights
as they are, through the engine; an answer's advantage is how far its reward lies above the mean of its
row's answers, in their standard deviations. Every answer is learned from once, so that there is no older
model to correct for: the gradient is that of the clipped objective at ratio 1. Leaving the reference has no
price (`beta` 0, as in TRL); what is forgotten is measured afterwards. A row whose answers all have the same
reward teaches nothing.

The reward is the task's own figure of the answer, or that of a reward model that learned from pairs.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from evals.errors import ModelError
from evals.types import Completion, Example, Prediction
from tuning.preference import positive

if TYPE_CHECKING:
    from torch import Tensor

    from tuning.pieces import Piece
    from tuning.student import Material, Stage, Student

EPSILON = 1e-4
"""Added to the standard deviation, as in TRL."""


@dataclass(frozen=True)
class Drawn:
    """An answer that was drawn to a row: its tokens behind the prompt, and how graders read it."""

    row: Example
    piece: Piece
    prediction: Prediction


Reward = Callable[[Sequence[Drawn]], list[float]]
"""A figure for each answer, higher is better."""


@dataclass(frozen=True)
class Rlhf:
    """One stage on the training rows, rewarded by the task's graders. `samples` answers are drawn to a row at
    `temperature`; a twentieth of the rate of SFT (1e-5 for LoRA, 1e-6 for all weights of a model of billions)
    is usual."""

    samples: int = 4
    temperature: float = 1.0

    name: ClassVar[str] = "rlhf"
    title: ClassVar[str] = "reinforcement learning from the task's graders"
    share: ClassVar[float] = 1 / 20
    answers: ClassVar[bool] = True
    preferences: ClassVar[bool] = False

    def __post_init__(self) -> None:
        positive(temperature=self.temperature)
        if self.samples < 2:
            raise ValueError("samples must be at least 2: an answer is compared with others to its row")

    def stages(self, student: Student, material: Material) -> Iterator[Stage]:
        """The training rows; on dev the loss is that of the gold answers."""
        from tuning.sft import Answers
        from tuning.student import Stage

        lesson = Draws(student, material.rows, material.train, self, self.reward(student, material))
        yield Stage(self.name, lesson, Answers(student.reader, material.dev), self.share)

    def reward(self, student: Student, material: Material) -> Reward:
        """What answers are worth."""
        return lambda drawn: [student.grade([(one.row, one.prediction)]) for one in drawn]


@dataclass(frozen=True)
class RlhfPreferences(Rlhf):
    """The same, rewarded by a reward model that first learns from the pairs what people prefer."""

    name: ClassVar[str] = "rlhf_preferences"
    title: ClassVar[str] = "reinforcement learning from a model of what people prefer"
    preferences: ClassVar[bool] = True

    def reward(self, student: Student, material: Material) -> Reward:
        """The reward model's figure; it is trained before the first answer is drawn."""
        from tuning.reward import RewardModel

        judge = RewardModel.trained(student, material)
        return lambda drawn: judge.rewards([one.piece for one in drawn])


@dataclass
class Draws:
    """The lesson: `rows` with their `pieces` in the same order; see `tuning.loop.Lesson`."""

    student: Student
    rows: Sequence[Example]
    pieces: Sequence[Piece]
    options: Rlhf
    reward: Reward
    _drawn: dict[int, list[tuple[Piece, float]]] = field(default_factory=dict)
    _at: tuple[int, tuple[int, ...]] = (-1, ())

    @cached_property
    def lengths(self) -> list[int]:
        """Tokens of each row with all its answers, at the longest."""
        longest = self.student.approach.decoder.max_tokens
        return [self.options.samples * (len(piece.prompt) + longest) for piece in self.pieces]

    def begin(self, step: int, parts: Sequence[Sequence[int]]) -> None:
        """Draw and reward the answers of this step; asked again for the same rows, they stand."""
        asked = tuple(sorted(i for part in parts for i in part))
        if (step, asked) == self._at:
            return
        drawn = self._draw(step, asked)
        rewards = iter(self.reward([one for i in asked for one in drawn[i]]))
        self._drawn = {
            i: list(
                zip(
                    [one.piece for one in drawn[i]],
                    advantages([next(rewards) for _ in drawn[i]]),
                    strict=True,
                )
            )
            for i in asked
        }
        self._at = (step, asked)

    def loss(self, rows: Sequence[int]) -> Tensor:
        """Minus the mean over a row's answers of advantage times log-likelihood a token, summed over rows."""
        import torch

        from tuning.forward import collate

        told = [(piece, weight) for i in rows for piece, weight in self._drawn[i] if weight]
        if not told:
            return torch.zeros((), requires_grad=True)
        batch = collate([piece for piece, _ in told], self.student.reader.device)
        likely = self.student.reader.likelihoods(batch)
        shares = [weight / (len(piece.answer) * self.options.samples) for piece, weight in told]
        return -(likely * torch.tensor(shares, device=likely.device)).sum()

    def weight(self, rows: Sequence[int]) -> float:
        """How many rows."""
        return float(len(rows))

    def _draw(self, step: int, asked: Sequence[int]) -> dict[int, list[Drawn]]:
        from tuning.snapshot import as_served

        student, count = self.student, self.options.samples
        models = as_served(student)
        prompts = student.approach.prompts([self.rows[i].query() for i in asked], models)
        seed = student.seed + step * count
        decoder = replace(student.approach.decoder, temperature=self.options.temperature, seed=seed)
        requests = [
            decoder.request(f"{i}/{k}", prompts[self.rows[i].id], k) for i in asked for k in range(count)
        ]
        said = {c.id: c for c in models.open(student.approach.model).generate(requests)}
        found: dict[int, list[Drawn]] = {i: [] for i in asked}
        for i in asked:
            for answer in (said[f"{i}/{k}"] for k in range(count)):
                if answer.finish == "error":
                    raise ModelError(f"row {self.rows[i].id!r} got no answer to learn from: {answer.error}")
                found[i].append(self._read(i, answer, decoder.read(answer)))
        return found

    def _read(self, i: int, answer: Completion, read: Completion) -> Drawn:
        """The answer as tokens, whose end is learned only where it was reached, and as graders read it."""
        renderer = self.student.live.renderer
        lead = "" if renderer.tokenizer.chat_template else " "
        (ids,) = renderer.text_ids([lead + answer.text], special=False)
        if answer.finish != "length" or not len(ids):
            ids = np.append(ids, self.pieces[i].answer[-1:])
        row = self.rows[i]
        piece = replace(self.pieces[i], answer=ids.astype(np.int32))
        return Drawn(row, piece, Prediction(row.id, read.text, read.finish, reasoning=read.reasoning))


def advantages(rewards: Sequence[float]) -> list[float]:
    """How far each reward lies above their mean, in their standard deviations (n - 1)."""
    mean, spread = statistics.fmean(rewards), statistics.stdev(rewards)
    return [(reward - mean) / (spread + EPSILON) if spread else 0.0 for reward in rewards]
