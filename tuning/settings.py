"""How long and how fast to train: the numbers that are the same for every method."""

from __future__ import annotations

import math
from dataclasses import dataclass

PRECISIONS = ("auto", "float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Settings:
    """`epochs` passes at most over the rows, `batch` rows a step of the optimizer, `rows` of them
    computed at once (halved when memory does not suffice) and, padded, at most `tokens` tokens.

    `looks` times an epoch the dev rows, at most `dev_rows` of them, are answered and graded; training
    ends when `patience` looks in a row brought nothing better. The rate, `pace` times the method's own or
    `learning_rate`, rises over the first `warmup` of the steps and falls to zero along a cosine. Few hundred
    rows: 3 to 5 epochs, batches under 32 and at least 100 steps ("LoRA Without Regret", Thinking Machines
    2025). `precision` is a dtype or "auto": the model's own, which is bf16 where the hardware multiplies it.
    """

    epochs: float = 5.0
    batch: int = 8
    rows: int = 8
    tokens: int = 4096
    learning_rate: float | None = None
    pace: float = 1.0
    warmup: float = 0.1
    decay: float = 0.0
    clip: float = 1.0
    looks: float = 1.0
    patience: int = 2
    dev_rows: int = 80
    precision: str = "auto"
    minutes: float | None = None

    def __post_init__(self) -> None:
        if min(self.epochs, self.looks) <= 0 or min(self.batch, self.rows, self.dev_rows, self.patience) < 1:
            raise ValueError("epochs, looks, batch, rows, dev_rows and patience must be above 0")
        if (self.learning_rate is not None and self.learning_rate <= 0) or self.decay < 0:
            raise ValueError("learning_rate must be above 0 and decay not below")
        if self.minutes is not None and self.minutes <= 0:
            raise ValueError("minutes must be above 0")
        if not 0 <= self.warmup <= 1:
            raise ValueError("warmup is a share of the steps, from 0 to 1")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision is one of {', '.join(PRECISIONS)}")

    def steps(self, rows: int) -> int:
        """Steps of the optimizer over `rows` training rows."""
        return max(1, math.ceil(self.epochs * math.ceil(rows / self.batch)))

    def stride(self, rows: int) -> int:
        """Steps between two looks at dev."""
        return max(1, math.ceil(math.ceil(rows / self.batch) / self.looks))

    def factor(self, step: int, steps: int) -> float:
        """What the learning rate is multiplied with at a step, from 0: up linearly, then along a cosine."""
        rising = max(1, round(self.warmup * steps))
        if step < rising:
            return (step + 1) / rising
        return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))
