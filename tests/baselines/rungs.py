"""What the tests of rungs share: rows, a task of two labels, and work that grades by equality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from evals.task import Task
from evals.types import Example, Prediction, Work
from tests.baselines.test_prompts import task
from tests.scripted import Scripted, ScriptedModels

ROWS = [Example(f"r{n}", f"input {n}", "good", fields={"channel": "mail"}) for n in range(40)]
LABELLED = [
    Example(f"t{n}", f"question number {n}", "good" if n % 4 else "bad", fields={"channel": "post"})
    for n in range(24)
]


def right(pairs: Sequence[tuple[Example, Prediction]]) -> float:
    """The share of answers that are the target."""
    return sum(p.text == e.target for e, p in pairs) / len(pairs)


def work(folder: Path, scripted: Scripted, asks: Task | None = None) -> Work:
    folder.mkdir(exist_ok=True)
    return Work(folder / "fit", asks or task(folder), ScriptedModels(scripted), grade=right)


def worded(folder: Path, *variants: str, **more: object) -> Task:
    """The task, with these other wordings of its instruction."""
    plain = task(folder)
    return replace(plain, prompt=replace(plain.prompt, variants=variants, **more))  # type: ignore[arg-type]
