"""`wb escalate --objective`: from pairs of answers to the next decision, and what stands in the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.errors import RunError, TaskError
from evals.preferences import load_pairs
from evals.task import load_task
from tests.tuning.school import preferences, save_model
from tests.workbench.test_escalate import Lab, approach
from tuning.recipe import Recipe
from tuning.settings import Settings
from workbench import training
from workbench.order import Order


def quick(order: Order) -> Recipe:
    """A recipe of two short epochs."""
    made = training.__dict__["_true_recipe_of"](order)
    return Recipe(made.method, made.objective, Settings(epochs=2, learning_rate=0.02, patience=9))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "_true_recipe_of", training.recipe_of, raising=False)
    monkeypatch.setattr(training, "recipe_of", quick)


def lab_of(folder: Path, model: Path, pairs: int, **keys: Any) -> Lab:
    """A task with pairs of answers and one baseline."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = preferences(pairs)
    (folder / "pairs.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in lines))
    counts = {"train": 110, "dev": 24, "test": 40}
    data = {**{split: f"{split}.jsonl" for split in counts}, "preferences": "pairs.jsonl"}
    asked = [
        {"metric": "exact", "at_least": 0.7, "kind": "quality"},
        {"metric": "preference_accuracy", "at_least": 0.9, "kind": "quality"},
    ]
    keys = {"data": data, "requirements": asked, "ladder": [{"name": "zero_shot"}], **keys}
    return Lab(folder, model, keys=keys, counts=counts).write()


def test_preferences_are_trained_and_judged_on_other_pairs_beside_the_baseline(
    model: Path, tmp_path: Path
) -> None:
    lab = lab_of(tmp_path, model, 140)
    lab.assess()
    acted = lab.escalate(method="lora", objective="dpo", force=True)
    decision = json.loads((acted.run.folder / "decision.json").read_text())
    pairs = load_pairs(load_task(lab.folder / "task.yaml"))
    found = approach(decision, "lora_dpo")
    assert (found["kind"], found["state"], found["training"]["objective"]) == ("tuned", "scored", "dpo")
    assert found["training"]["pairs"] == len(pairs.train)
    assert found["test"]["preference_accuracy"]["n"] == len(pairs.test)
    delta = found["delta"]["preference_accuracy"]
    assert (delta["vs"], delta["split"], delta["n"]) == ("zero_shot", "test", len(pairs.test))
    assert delta["low"] > 0
    assert list((acted.run.folder / "fits").glob("lora_dpo-*/dpo/curves.jsonl"))


def test_without_pairs_nothing_is_begun(model: Path, tmp_path: Path) -> None:
    data = {split: f"{split}.jsonl" for split in ("train", "dev", "test")}
    asked = [{"metric": "exact", "at_least": 0.7, "kind": "quality"}]
    lab = lab_of(tmp_path, model, 0, data=data, requirements=asked)
    lab.assess()
    with pytest.raises(TaskError, match="dpo learns from pairs of answers, and the task names none"):
        lab.escalate(method="lora", objective="dpo", force=True)
    with pytest.raises(TaskError, match="p_tuning does not go with kto"):
        lab.escalate(method="p_tuning", objective="kto", force=True)


def test_too_few_pairs_are_said_before_training(model: Path, tmp_path: Path) -> None:
    asked = [{"metric": "exact", "at_least": 0.7, "kind": "quality"}]
    lab = lab_of(tmp_path, model, 40, requirements=asked)
    run, _ = lab.assess()
    count = len(load_pairs(load_task(lab.folder / "task.yaml")).train)
    acted = lab.escalate(method="lora", objective="orpo", force=True, dry_run=True)
    assert acted.preflight is not None
    assert acted.preflight.problems == (
        f"{count} pairs of answers to train on, and 50 are the fewest worth trying lora_orpo with",
    )
    decision = run.folder / "decision.json"
    forged = json.loads(decision.read_text()) | {"verdict": "escalate", "binding": True}
    decision.write_text(json.dumps(forged))
    with pytest.raises(RunError, match="training by lora_orpo is not begun"):
        lab.escalate(method="lora", objective="orpo")
