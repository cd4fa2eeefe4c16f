"""`wb escalate --climb`: up by itself while a rung fails, until one ships or the ladder ends."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.tuning.school import save_model
from tests.workbench.escalation.lab import Lab, quick, true_recipe_of
from tuning.recipe import Recipe
from tuning.settings import Settings
from workbench.escalation import training
from workbench.escalation.order import Order


@pytest.fixture(scope="module")
def assessed(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    asked = [
        {"metric": "exact", "at_least": 0.7, "kind": "quality"},
        {"metric": "forgetting_loss", "at_most": 0.1, "kind": "forgetting"},
    ]
    model = save_model(tmp_path_factory.mktemp("model"))
    lab = Lab(tmp_path_factory.mktemp("lab"), model, {"requirements": asked}).write()
    assert lab.assess()[1].verdict == "escalate"
    return lab


@pytest.fixture
def lab(assessed: Lab, tmp_path: Path) -> Lab:
    shutil.copytree(assessed.folder, tmp_path / "lab")
    return Lab(tmp_path / "lab", assessed.model, models=assessed.models)


def idle(order: Order) -> Recipe:
    """A recipe that learns nothing."""
    made = true_recipe_of(order)
    return Recipe(made.method, made.objective, Settings(epochs=0.1, learning_rate=1e-6))


def test_it_goes_up_from_a_rung_that_fails_and_stops_where_one_ships(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "recipe_of", quick)
    acted = lab.escalate(method="prefix_tuning", climb=True)
    assert acted.trained == ("prefix_tuning", "lora")
    assert (acted.decision["verdict"], acted.decision["approach"]) == ("ship", "lora")
    tuned = {a["name"]: a for a in acted.decision["approaches"] if a["kind"] == "tuned"}
    assert list(tuned) == ["prefix_tuning", "lora"]
    assert lab.looks() == ["prefix_tuning", "lora"]
    assert len(acted.decision["economics"]["tuned"]) == 2
    forgotten = acted.decision["requirements"][1]
    assert (forgotten["tier"], forgotten["status"]) == ("advisory", "not met")
    assert forgotten["value"] == tuned["lora"]["training"]["forgetting"]["loss"] > 0.1
    zero_shot = acted.decision["approaches"][0]
    assert zero_shot["statuses"]["forgetting_loss"] == "met"
    assert zero_shot["dev"]["forgetting_loss"]["value"] == 0
    assert {"economics", "training"} <= set(_anchors(acted.run.folder / "report.html"))


def test_it_stops_at_the_top_and_the_same_command_then_trains_nothing(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "recipe_of", idle)
    assert lab.escalate(method="prefix_tuning").decision["recommendation"]["action"] == "roll_back"
    acted = lab.escalate(climb=True)
    assert acted.trained == ("lora",)
    assert acted.decision["verdict"] == "stop"
    assert "above" not in acted.decision["recommendation"]
    assert lab.escalate(climb=True).trained == ()


def _anchors(page: Path) -> list[str]:
    return [part.split('"')[0] for part in page.read_text(encoding="utf-8").split('<section id="')[1:]]
