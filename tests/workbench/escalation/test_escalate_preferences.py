"""`wb escalate --objective`: from pairs of answers to the next decision, and what stands in the way."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from evals.data import load_data
from evals.errors import RunError, TaskError
from evals.preferences import load_pairs
from evals.task import load_task
from tests.tuning.school import preferences, save_model
from tests.workbench.escalation.test_escalate import Lab, approach
from tuning.recipe import Recipe
from tuning.settings import Settings
from workbench import ladder
from workbench.escalation import training
from workbench.escalation.order import Order
from workbench.escalation.worth import next_step
from workbench.evidence import Entry


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
    lab.escalate(method="lora", objective="sft", force=True)
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
    beside = found["beside_sft"]["preference_accuracy"]
    assert (beside["vs"], beside["split"], beside["n"]) == ("lora", "test", len(pairs.test))
    assert any(
        "lora_dpo against lora, which is SFT alone: preference_accuracy" in n for n in decision["notes"]
    )
    assert "beside_sft" not in approach(decision, "lora")
    assert list((acted.run.folder / "fits").glob("lora_dpo-*/dpo/curves.jsonl"))


def test_sft_alone_stands_beside_what_learned_from_pairs_after_it_and_is_no_look(
    model: Path, tmp_path: Path
) -> None:
    lab = lab_of(tmp_path, model, 140)
    lab.assess()
    acted = lab.escalate(method="lora", objective="sft_then_dpo", force=True)
    decision = json.loads((acted.run.folder / "decision.json").read_text())
    alone, found = approach(decision, "lora"), approach(decision, "lora_sft_then_dpo")
    assert [a["name"] for a in decision["approaches"]] == ["zero_shot", "lora", "lora_sft_then_dpo"]
    assert (alone["kind"], alone["state"], alone["training"]["objective"]) == ("tuned", "scored", "sft")
    assert max(alone["training"]["reload_difference"].values()) < 1e-3
    assert alone["training"]["pairs"] == 0 < found["training"]["pairs"]
    assert [stage["stage"] for stage in alone["training"]["curves"]] == ["sft"]
    assert 0 < alone["fit_seconds"] < found["fit_seconds"]
    for metric in ("exact", "preference_accuracy"):
        beside = found["beside_sft"][metric]
        assert (beside["vs"], beside["split"], beside["n"]) == ("lora", "test", alone["test"][metric]["n"])
    same = alone["hash"] == found["hash"]  # where pairs brought nothing on dev, what SFT made is kept
    assert lab.looks() == ["lora" if same else "lora_sft_then_dpo"]
    fits = [path.name for path in (acted.run.folder / "fits").iterdir()]
    again = lab.escalate(method="lora", objective="sft", force=True)
    assert [p.name for p in (again.run.folder / "fits").glob("lora-*")] == [n for n in fits if "dpo" not in n]
    assert not list((again.run.folder / "fits").glob("lora-*/sft/checkpoints"))


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
    few = f"{count} pairs of answers to train on, and 50 are the fewest worth trying lora_orpo with"
    assert acted.preflight.problems == ()
    assert acted.preflight.notes[-1] == f"{few}: --force trains all the same"
    decision = run.folder / "decision.json"
    forged = json.loads(decision.read_text()) | {"verdict": "escalate", "binding": True}
    decision.write_text(json.dumps(forged))
    with pytest.raises(RunError, match="training by lora_orpo is not begun"):
        lab.escalate(method="lora", objective="orpo")


def better(unmet: str = "exact") -> Any:
    """A decision by which lora is better than the baseline and does not ship."""
    requirement = {"label": unmet, "tier": "critical", "kind": "quality"}
    delta = {"value": 0.2, "low": 0.1, "high": 0.3, "n": 40, "split": "test", "vs": "zero_shot"}
    lora = {"name": "lora", "statuses": {unmet: "not met"}, "delta": {unmet: delta}}
    return SimpleNamespace(requirements=[requirement], approaches=[lora])


def test_where_the_methods_end_and_there_are_pairs_the_next_rung_learns_from_them(
    model: Path, tmp_path: Path
) -> None:
    for pairs, expected in ((140, "sft_then_dpo"), (40, None)):
        lab = lab_of(tmp_path / str(pairs), model, pairs)
        task = load_task(lab.folder / "task.yaml")
        session: Any = SimpleNamespace(task=task, data=load_data(task))
        order = Order(lab.folder / "task.yaml", method="lora", objective="sft")
        step = next_step(better(), Entry("lora", kind="tuned"), session, order)
        assert (step["action"], step.get("objective")) == ("climb" if expected else "none", expected)
        if expected:
            assert step["command"].endswith("--method lora --objective sft_then_dpo")
        again = next_step(better(), Entry("lora", kind="tuned"), session, replace(order, objective="dpo"))
        assert again["action"] == "none"


def test_what_is_recommended_is_trained_towards_what_is_recommended(model: Path, tmp_path: Path) -> None:
    lab = lab_of(tmp_path, model, 140)
    run, decision = lab.assess()
    path = run.folder / "decision.json"
    step = ladder.next_step(load_task(lab.folder / "task.yaml"), 110, "wb escalate task.yaml")
    assert (step["method"], step["objective"]) == ("lora", "sft_then_dpo")
    assert decision.recommendation["objective"] == "sft_then_dpo"
    assert "LoRA (SFT, then DPO)" in decision.headline
    path.write_text(json.dumps(json.loads(path.read_text()) | {"binding": True}))
    acted = lab.escalate(dry_run=True)
    assert acted.preflight is not None
    assert acted.preflight.recipe == "lora_sft_then_dpo"
    assert acted.preflight.rows > 100 and acted.preflight.pairs > 50
    assert lab.escalate(dry_run=True, objective="sft").preflight.recipe == "lora"  # type: ignore[union-attr]
    collect = json.loads(path.read_text()) | {
        "verdict": "collect",
        "recommendation": {"action": "collect_eval"},
    }
    path.write_text(json.dumps(collect))
    forced = lab.escalate(dry_run=True, force=True).preflight
    assert forced is not None and forced.recipe == "lora_sft_then_dpo"
