"""Full fine-tuning: every weight moves.

Under 300 million parameters it often ends below few-shot prompting (arXiv 2606.06920), and needs four
numbers a weight in memory: it is the last to be tried.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from evals.models.sources import Saved
from tuning.method import Head, scaled


@dataclass(frozen=True)
class Full:
    """All weights, held and moved in fp32."""

    name: ClassVar[str] = "full"
    title: ClassVar[str] = "full fine-tuning"
    fewest_rows: ClassVar[int] = 2000
    expect: ClassVar[str] = "competes with LoRA only with thousands of rows and a small model"
    soft: ClassVar[bool] = False

    def rate(self, parameters: int) -> float:
        """2e-4 for 135 million parameters, 1e-5 at the least."""
        return scaled(2e-4, parameters, 1e-5)

    def load(self, source: Saved, dtype: Any) -> Any:
        """The weights in fp32, whatever is computed in: steps of bf16 weights would be rounded away."""
        return replace(source, dtype="float32").weights()

    def wrap(self, model: Any, head: Head, seed: int) -> Any:
        """The model itself, every parameter free."""
        for parameter in model.parameters():
            parameter.requires_grad_(True)
        return model
