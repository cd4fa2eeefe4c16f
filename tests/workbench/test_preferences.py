"""preference_accuracy from the file of pairs to the decision."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from evals.asked import check_metrics
from evals.errors import TaskError
from evals.graders import of_task
from evals.preferences import load_pairs
from evals.task import load_task
from evals.types import PromptText
from tests.scripted import Scripted, ScriptedModels
from tests.workbench.small_task import SmallTask, contents
from workbench.assess import assess
from workbench.checks.task import check
from workbench.evidence import conclude
from workbench.session import Plan

WANTED = {"metric": "preference_accuracy", "at_least": 0.6, "kind": "quality"}


class Polite(Scripted):
    """Finds polite texts likelier, except for inputs with a 7."""

    def __init__(self) -> None:
        super().__init__(lambda request: "red")
        self.scored = 0

    def score(self, prompt: PromptText, continuations: Sequence[str]) -> list[float]:
        self.scored += 1
        asked = prompt if isinstance(prompt, str) else prompt[-1].content
        likes = "rude" if "7" in asked else "polite"
        return [-len(text) * (1.0 if likes in text else 2.0) for text in continuations]


def case(folder: Path) -> SmallTask:
    pairs = [
        {"input": f"say {n}", "chosen": f"a polite text {n}", "rejected": f"a rude text {n}"}
        for n in range(150)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pairs.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    return SmallTask(
        folder,
        model="toy",
        data={"dev": "dev.jsonl", "test": "test.jsonl", "preferences": "pairs.jsonl"},
        requirements=[WANTED],
        policy="confident",
        looks=1,
        ladder=["zero_shot", "system_prompt"],
    )


def test_it_is_decided_on_the_pairs_of_each_split(tmp_path: Path) -> None:
    task, model = case(tmp_path), Polite()
    run, decision = assess(Plan(task.path, task.out), ScriptedModels(model))
    pairs = load_pairs(load_task(task.path))
    assert (decision.verdict, decision.approach) == ("ship", "zero_shot")
    (found,) = decision.requirements
    right = sum("7" not in pair.input for pair in pairs.test)
    assert (found["status"], found["n"]) == ("met", len(pairs.test))
    assert found["value"] == pytest.approx(right / len(pairs.test), abs=1e-5)
    first = decision.approaches[0]
    assert first["dev"]["preference_accuracy"]["n"] == len(pairs.dev)
    assert first["delta"]["preference_accuracy"]["n"] == len(pairs.dev)
    assert model.scored == 2 * len(pairs.dev) + len(pairs.test)
    assert not any("cannot be shown" in note for note in decision.notes)
    before = contents(run.folder)
    conclude(run, ScriptedModels(model))
    assert contents(run.folder) == before


class Watched(Polite):
    """Keeps the prompts that it was asked to score behind."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[PromptText, Sequence[str]]] = []

    def score(self, prompt: PromptText, continuations: Sequence[str]) -> list[float]:
        self.seen.append((prompt, continuations))
        return super().score(prompt, continuations)


def test_no_shot_shows_the_answer_that_was_chosen(tmp_path: Path) -> None:
    small, model = case(tmp_path), Watched()
    told = [{"input": f"Say  {n}", "output": f"a polite text {n}"} for n in range(150)]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in told))
    data = {"train": "train.jsonl", "dev": "dev.jsonl", "test": "test.jsonl", "preferences": "pairs.jsonl"}
    small.write(data=data, output="text", ladder=[{"name": "knn_few_shot", "k": 3}])
    assess(Plan(small.path, small.out), ScriptedModels(model))
    assert len(model.seen) >= len(load_pairs(load_task(small.path)).dev)
    for prompt, (chosen, _) in model.seen:
        answers = [turn.content for turn in prompt if not isinstance(turn, str) and turn.role == "assistant"]
        assert len(answers) == 3
        assert chosen not in answers


def test_check_says_what_the_pairs_could_show(tmp_path: Path) -> None:
    task = load_task(case(tmp_path).path)
    (could,) = check(task, ScriptedModels(Polite())).requirements
    assert could.n == len(load_pairs(task).test)


def test_it_needs_pairs_and_a_model_that_gives_likelihoods(tmp_path: Path) -> None:
    small = case(tmp_path)
    for keys, message in (
        (
            {"data": {"dev": "dev.jsonl", "test": "test.jsonl"}},
            "'preference_accuracy' needs pairs of answers",
        ),
        ({"model": {"endpoint": "http://127.0.0.1:9/v1", "name": "x"}}, "which an endpoint does not give"),
    ):
        small.write(**keys)
        task = load_task(small.path)
        with pytest.raises(TaskError, match=message):
            check_metrics(task, of_task(task))
