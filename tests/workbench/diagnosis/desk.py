"""A task of four moods whose answers a test decides, asked until nothing ships.

Row n's right answer is `truth(n)`. The model is told which request it answers, so a test can let an arm
(a grammar, a wording, a stronger model) change what is said.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evals.models import Loader
from evals.types import Decision, Model, ModelRef, Request
from tests.scripted import Scripted
from workbench.assess import assess
from workbench.evidence import conclude
from workbench.runs import Run, Scope
from workbench.session import Plan

LABELS = ("calm", "angry", "sad", "glad")
Answer = Callable[[Request], str]


def truth(number: int) -> str:
    return LABELS[number % 4]


def number_of(request: Request) -> int:
    return int(request.id.rsplit("-", 1)[1])


def right(request: Request, share: float) -> str:
    """The right answer for this share of rows, the next label for the others."""
    number = number_of(request)
    return truth(number) if (number * 37) % 100 < 100 * share else truth(number + 1)


class TwoModels(Loader):
    """The task's model, and a stronger one under its name; embedders are real."""

    def __init__(self, weak: Scripted, strong: Scripted) -> None:
        super().__init__()
        self.weak, self.strong = weak, strong
        strong.fingerprint = "strong"

    def open(self, ref: ModelRef) -> Model:
        return self.strong if ref.name == "stronger" else self.weak


class Desk:
    """The task on disk, with `keys` over its own; `answer` and `strong` are the models."""

    def __init__(self, folder: Path, answer: Answer, strong: Answer = lambda r: "", **keys: Any) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.weak, self.strong = folder, Scripted(answer), Scripted(strong)
        self.models = TwoModels(self.weak, self.strong)
        for split, count in {"train": 30, "dev": 60, "test": 100}.items():
            lines = [
                {"id": f"{split}-{n}", "input": f"{split} message {n}", "output": truth(n)}
                for n in range(count)
            ]
            (folder / f"{split}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        task = {
            "name": "mood",
            "model": "weak",
            "data": {"train": "train.jsonl", "dev": "dev.jsonl", "test": "test.jsonl"},
            "prompt": {"instruction": "Name the mood. Say only one word."},
            "output": {"labels": list(LABELS)},
            "requirements": [{"metric": "label", "at_least": 0.9, "kind": "quality"}],
            "ladder": ["zero_shot", {"name": "few_shot", "k": 2, "draws": 1}],
            **keys,
        }
        (folder / "task.yaml").write_text(json.dumps(task))

    def assess(self, diagnosis: bool = True, **scope: Any) -> tuple[Run, Decision]:
        plan = Plan(self.folder / "task.yaml", self.folder / "runs", Scope(**scope), diagnosis=diagnosis)
        return assess(plan, self.models)

    def conclude(self, run: Run) -> Decision:
        return conclude(run, self.models)


def arms(decision: Decision, kind: str) -> list[Any]:
    return [arm for arm in decision.arms if arm["kind"] == kind]


def line(decision: Decision, words: str) -> str:
    """The one sentence of the diagnosis that holds these words."""
    (found,) = [sentence for sentence in decision.diagnosis if words in sentence]
    return found
