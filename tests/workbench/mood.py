"""Finished runs of a small labelling task, answered by a script: what comparisons and gates are tried on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evals.types import Request
from tests.scripted import Scripted, ScriptedModels
from workbench.assess import assess
from workbench.runs import Scope
from workbench.session import Plan

LABELS = ("calm", "angry", "sad")
Right = Callable[[str, int], bool]
"""Whether the row of this split and number is answered right."""


def share(of: float) -> Right:
    """So large a share of every split right, spread over it."""
    return lambda split, number: (number * 37) % 100 < 100 * of


@dataclass
class Mood:
    """A task folder. `groups` rows share a group where it is more than 1."""

    folder: Path
    rows: Mapping[str, int] = field(default_factory=lambda: {"dev": 100, "test": 100})
    groups: int = 1
    keys: Mapping[str, Any] = field(default_factory=dict)
    changed: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return self.folder / "task.yaml"

    def write(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for split, count in self.rows.items():
            lines = [json.dumps(self._row(split, number)) + "\n" for number in range(count)]
            (self.folder / f"{split}.jsonl").write_text("".join(lines))
        task = {
            "name": "mood",
            "model": "smollm2-135m",
            "data": {split: f"{split}.jsonl" for split in self.rows},
            "prompt": {"instruction": "Name the mood."},
            "output": {"labels": list(LABELS)},
            "requirements": [{"metric": "label", "at_least": 0.5, "kind": "quality"}],
            "ladder": [{"name": "zero_shot"}],
            **self.keys,
        }
        self.path.write_text(json.dumps(task))

    def _row(self, split: str, number: int) -> dict[str, Any]:
        name = f"{split}-{number}"
        row = {
            "id": name,
            "input": f"{split} message {number}",
            "output": self.changed.get(name, LABELS[number % 3]),
            "lang": "de" if number % 4 == 0 else "en",
        }
        return {**row, "group": f"{split}{number // self.groups}"} if self.groups > 1 else row

    def run(self, right: Right, out: str = "runs", **scope: Any) -> Path:
        """Assess with a model that answers so, and the run folder."""
        self.write()

        def answer(request: Request) -> str:
            split, number = request.id.rsplit("-", 1)
            return LABELS[(int(number) + (not right(split, int(number)))) % 3]

        model = Scripted(answer)
        model.fingerprint = f"weights of {out}"
        plan = Plan(self.path, self.folder / out, Scope(**scope))
        run, _ = assess(plan, ScriptedModels(model))
        return run.folder

    def with_(self, **changes: Any) -> Mood:
        return replace(self, **changes)
