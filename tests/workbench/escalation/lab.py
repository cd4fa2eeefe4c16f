"""A task on disk for a small random model, which no prompt makes do it and training does in seconds."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evals.models import Loader
from evals.types import Decision
from tests.tuning.school import rows
from tuning.lora import Lora
from tuning.recipe import Recipe
from tuning.settings import Settings
from workbench.assess import assess
from workbench.escalation import training
from workbench.escalation.escalate import Acted, escalate
from workbench.escalation.order import Order
from workbench.evidence import read_looks
from workbench.runs import Run, Scope
from workbench.session import Plan

true_recipe_of = training.recipe_of


@dataclass
class Lab:
    """A task on disk for a small random model, which no prompt makes do it."""

    folder: Path
    model: Path
    keys: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=lambda: {"train": 140, "dev": 24, "test": 120})
    models: Loader = field(default_factory=Loader)

    def write(self, **keys: Any) -> Lab:
        self.folder.mkdir(parents=True, exist_ok=True)
        first = 0
        for split, count in self.counts.items():
            found = rows(split, first + count)[first:]
            lines = [
                {"id": e.id, "input": f"w{200 + n // 20} w{250 + n % 20} {e.input}", "output": e.target}
                for n, e in enumerate(found, first)
            ]
            (self.folder / f"{split}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
            first += count
        task = {
            "name": "partners",
            "model": {"name": str(self.model), "dtype": "float32"},
            "data": {split: f"{split}.jsonl" for split in self.counts},
            "prompt": {"instruction": "w5 w6 w7"},
            "output": "text",
            "requirements": [{"metric": "exact", "at_least": 0.7, "kind": "quality"}],
            "generation": {"max_tokens": 4},
            **self.keys,
            **keys,
        }
        (self.folder / "task.yaml").write_text(json.dumps(task))
        return self

    def assess(self, **scope: Any) -> tuple[Run, Decision]:
        return assess(Plan(self.folder / "task.yaml", self.folder / "runs", Scope(**scope)), self.models)

    def escalate(self, **order: Any) -> Acted:
        return escalate(Order(self.folder / "task.yaml", self.folder / "runs", **order), self.models)

    def looks(self) -> list[str]:
        return [look.name for look in read_looks(self.folder / "looks.jsonl")]


def quick(order: Order) -> Recipe:
    """A recipe that learns this task in seconds."""
    made = true_recipe_of(order)
    if isinstance(made.method, Lora):
        return replace(made, method=Lora(), settings=Settings(epochs=6, learning_rate=1e-2, patience=9))
    return replace(made, settings=Settings(epochs=0.3, learning_rate=1e-3))
