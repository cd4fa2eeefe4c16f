"""`wb escalate`, from a decision on disk to the next one: what it trains, refuses and concludes."""

from __future__ import annotations

import json
import shlex
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evals import spending
from evals.errors import RunError, TaskError
from evals.models import Loader
from tests.tuning.school import save_model
from tests.workbench.escalation.lab import Lab, quick, true_recipe_of
from tuning.curves import Curves
from tuning.launch import Launch
from tuning.preflight import forced
from workbench.cli.ahead import lines
from workbench.cli.main import run
from workbench.escalation import training
from workbench.escalation.order import Order
from workbench.evidence import conclude


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "recipe_of", quick)


@pytest.fixture(scope="module")
def assessed(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A task with a binding decision that says to escalate to LoRA."""
    lab = Lab(tmp_path_factory.mktemp("lab"), model).write()
    _, decision = lab.assess()
    assert (decision.verdict, decision.binding) == ("escalate", True)
    assert decision.recommendation["method"] == "lora"
    assert lab.looks() == []
    return lab


@pytest.fixture
def lab(assessed: Lab, tmp_path: Path) -> Lab:
    """A copy of it, with that one run."""
    shutil.copytree(assessed.folder, tmp_path / "lab")
    return Lab(tmp_path / "lab", assessed.model, models=assessed.models)


def parent_of(lab: Lab) -> Path:
    return sorted((lab.folder / "runs" / "partners").glob("*-*"))[0]


def approach(decision: Any, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(a for a in decision["approaches"] if a["name"] == name)
    return found


def test_a_dry_run_says_what_training_takes_and_leaves_nothing(lab: Lab) -> None:
    before = sorted(lab.folder.rglob("*"))
    acted = lab.escalate(dry_run=True)
    assert acted.preflight is not None and acted.trained == ()
    assert acted.preflight.rows >= 100
    assert acted.preflight.trainable > 1000
    assert acted.preflight.problems == ()
    assert sorted(lab.folder.rglob("*")) == before


def test_as_many_epochs_are_trained_as_were_asked_for(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "recipe_of", true_recipe_of)
    usual, longer = (lab.escalate(dry_run=True, options=given).preflight for given in ((), ("epochs=10",)))
    assert usual is not None and longer is not None
    assert longer.steps == 2 * usual.steps


def test_what_is_recommended_is_trained_judged_on_test_beside_the_best_baseline_and_ships(
    lab: Lab,
) -> None:
    parent = parent_of(lab)
    acted = lab.escalate()
    decision = json.loads((acted.run.folder / "decision.json").read_text())
    assert acted.trained == ("lora",)
    assert (decision["verdict"], decision["approach"]) == ("ship", "lora")
    lora = approach(decision, "lora")
    assert lora["kind"] == "tuned" and lora["state"] == "scored"
    assert lora["delta"]["exact"]["split"] == "test"
    assert lora["delta"]["exact"]["low"] > 0
    assert (
        approach(decision, lora["delta"]["exact"]["vs"])["test"]["exact"]["n"] == lora["test"]["exact"]["n"]
    )
    assert [a["name"] for a in decision["approaches"]][-1] == "lora"
    assert lora["training"]["served_with"] == "its own prompt"
    assert max(lora["training"]["reload_difference"].values()) < 1e-3
    assert {"minutes", "memory"} <= lora["training"]["predicted"].keys() & lora["training"]["actual"].keys()
    asked = [a["tokens_in"] for a in decision["approaches"][:-1] if a["state"] == "scored"]
    assert lora["tokens_in"] < min(asked)
    assert lab.looks() == ["lora"]
    assert json.loads((acted.run.folder / "provenance.json").read_text())["parent"] == parent.name
    home = next((acted.run.folder / "approaches").glob("lora-*"))
    assert {"adapter", "curves.jsonl", "training.json", "spec.json"} <= {p.name for p in home.iterdir()}
    bytes_before = (acted.run.folder / "decision.json").read_bytes()
    conclude(acted.run, Loader())
    assert (acted.run.folder / "decision.json").read_bytes() == bytes_before
    again = lab.escalate()
    assert (again.decision["verdict"], again.trained) == ("ship", ())


def test_a_method_that_brings_nothing_is_rolled_back(lab: Lab) -> None:
    acted = lab.escalate(method="prefix_tuning")
    assert acted.decision["verdict"] == "stop"
    assert acted.decision["recommendation"]["action"] == "roll_back"
    assert "was not worth it" in " ".join(acted.decision["recommendation"]["why"])
    assert acted.decision["recommendation"]["above"] == "lora"
    assert lab.escalate().trained == ()


def test_too_few_rows_are_refused_unless_forced(model: Path, tmp_path: Path) -> None:
    lab = Lab(tmp_path, model, counts={"train": 40, "dev": 24, "test": 60}).write()
    _, decision = lab.assess()
    assert decision.recommendation["method"] == "prefix_tuning"
    with pytest.raises(RunError, match="100 are the fewest worth trying lora with"):
        lab.escalate(method="lora")
    asked = [lab.escalate(method="lora", dry_run=True, force=force).preflight for force in (False, True)]
    assert asked[0] is not None and "100 are the fewest" in asked[0].problems[0]
    assert asked[1] is not None and asked[1].problems == ()
    assert asked[1].notes[-1].endswith("worth trying lora with: --force trains all the same")
    command = ["escalate", str(lab.folder / "task.yaml"), "--out", str(lab.folder / "runs"), "--dry-run"]
    assert run([*command, "--method", "lora"]) == 1
    assert run([*command, "--method", "lora", "--force"]) == 0


def test_force_does_not_get_past_having_nothing_to_learn_from(lab: Lab) -> None:
    found = lab.escalate(dry_run=True).preflight
    assert found is not None
    empty = replace(found, rows=0, problems=("0 training rows",))
    assert forced(empty) == empty


def test_two_dry_runs_foresee_the_same_minutes(lab: Lab) -> None:
    first, second = (lab.escalate(dry_run=True).preflight for _ in range(2))
    assert first is not None and second is not None
    assert first.minutes == second.minutes
    assert any(line.startswith("time      about ") and line.endswith(" s") for line in lines(first))


def test_the_dry_run_of_a_climb_says_that_it_foresees_the_first_training(lab: Lab) -> None:
    found = [lab.escalate(dry_run=True, climb=climb).preflight for climb in (False, True)]
    assert found[0] is not None and found[1] is not None
    assert [note for note in found[1].notes if note not in found[0].notes] == [
        "this is the first training alone: --climb goes on while none ships"
    ]


def test_no_decision_and_one_on_other_data_are_refused_with_the_command(model: Path, tmp_path: Path) -> None:
    lab = Lab(tmp_path, model, keys={"ladder": [{"name": "zero_shot"}]}).write()
    with pytest.raises(RunError, match="no binding decision.*\nRun `wb assess"):
        lab.escalate()
    lab.assess()
    with pytest.raises(RunError, match="no binding decision"):
        lab.escalate()
    lab.write(prompt={"instruction": "w5 w9"})
    with pytest.raises(RunError, match="was decided for another task"):
        lab.escalate(force=True)


def test_a_pair_or_method_that_does_not_exist_is_refused_before_anything_loads(lab: Lab) -> None:
    with pytest.raises(TaskError, match="there is no method 'lorra'"):
        lab.escalate(method="lorra")


def test_what_is_for_one_process_and_a_file_that_is_not_there_are_refused_before_anything_loads(
    lab: Lab,
) -> None:
    with pytest.raises(TaskError, match="rlhf does not go with --launch"):
        lab.escalate(objective="rlhf", launch=Launch())
    with pytest.raises(RunError, match="cannot be read as a configuration of accelerate"):
        lab.escalate(launch=Launch(lab.folder / "accelerate.yaml"))
    assert len(list((lab.folder / "runs" / "partners").glob("*-*"))) == 1


def test_the_command_to_continue_names_the_options(tmp_path: Path) -> None:
    words = shlex.split(Order(tmp_path / "task.yaml", method="lora", options=("epochs=10",)).command())
    assert words[words.index("--set") + 1] == "epochs=10"
    assert "--set" not in Order(tmp_path / "task.yaml").command()


def test_the_command_to_continue_names_the_launch(tmp_path: Path) -> None:
    order = Order(tmp_path / "task.yaml", launch=Launch(tmp_path / "accelerate.yaml", 2))
    words = shlex.split(order.command())
    assert words[words.index("--launch") + 1] == "accelerate"
    assert words[words.index("--launch-config") + 1] == str(tmp_path / "accelerate.yaml")
    assert words[words.index("--processes") + 1] == "2"


def test_processes_without_a_launch_are_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["escalate", str(tmp_path / "task.yaml"), "--processes", "2"]) == 2
    assert "go with --launch accelerate" in capsys.readouterr().err


def test_several_processes_train_what_beats_the_baseline_and_their_progress_is_seen(lab: Lab) -> None:
    seen: list[tuple[str, int, int]] = []
    acted = lab.escalate(launch=Launch(processes=2), progress=lambda *told: seen.append(told))
    lora = approach(acted.decision, "lora")
    assert (lora["state"], lora["training"]["processes"]) == ("scored", 2)
    assert lora["delta"]["exact"]["low"] > 0
    assert lora["training"]["actual"]["memory"] is None
    shown = [(step, done) for step, done, _ in seen if step.startswith("lora: sft | loss")]
    steps = list(dict.fromkeys(done for _, done in shown))
    assert steps == list(range(1, len(steps) + 1)) and len(steps) > 20
    assert all("dev score" in step for step, _ in shown)


def test_open_leakage_stops_even_what_is_forced(lab: Lab) -> None:
    path = parent_of(lab) / "decision.json"
    decision = json.loads(path.read_text())
    decision["audit"]["blocked"] = ["gold answers stand in the prompt"]
    path.write_text(json.dumps(decision))
    with pytest.raises(RunError, match="leakage blocks what it decides: gold answers stand in the prompt"):
        lab.escalate(force=True)


def test_a_training_counts_its_minutes_and_ends_behind_a_checkpoint_where_the_budget_has_no_more(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spending, "TICK", 0.0)

    def killed(step: str, done: int, total: int) -> None:
        if step.startswith("lora") and done > 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lab.escalate(progress=killed)
    folder = next(path for path in parent_of(lab).parent.glob("*-*") if path != parent_of(lab))
    lines = [json.loads(line) for line in (folder / spending.FILE).read_text().splitlines()]
    assert sum(line["wall"] > 0 and not line["calls"] for line in lines) > 20
    with (folder / spending.FILE).open("a") as file:
        file.write(json.dumps({**lines[-1], "wall": 600}) + "\n")
    task = json.loads((lab.folder / "task.yaml").read_text())
    (lab.folder / "task.yaml").write_text(json.dumps(task | {"budget": {"minutes": 10}}))
    kept = sorted(folder.glob("fits/*/*/checkpoints/*"))
    poor = lab.escalate()
    assert (poor.run.folder, poor.decision["verdict"]) == (folder, "incomplete")
    (tuned,) = [a for a in poor.decision["approaches"] if a["kind"] == "tuned"]
    assert "budget.minutes is spent (10 minutes)" in tuned["why"]
    assert set(kept) <= set(folder.glob("fits/*/*/checkpoints/*"))
    (lab.folder / "task.yaml").write_text(json.dumps(task))
    rich = lab.escalate()
    assert (rich.run.folder, rich.decision["approach"]) == (folder, "lora")


def test_killed_while_training_the_same_command_continues_the_same_run(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    true, lines = Curves.add, iter(range(40))

    def killed(self: Curves, line: Any) -> None:
        true(self, line)
        if next(lines, None) is None:
            raise KeyboardInterrupt

    monkeypatch.setattr(Curves, "add", killed)
    with pytest.raises(KeyboardInterrupt):
        lab.escalate()
    monkeypatch.setattr(Curves, "add", true)
    acted = lab.escalate(run=parent_of(lab))
    assert acted.decision["approach"] == "lora"
    assert len(list((lab.folder / "runs" / "partners").glob("*-*"))) == 2
    path = next(acted.run.folder.glob("fits/*/sft/curves.jsonl"))
    lines_kept = [json.loads(line) for line in path.open()]
    steps = [line["step"] for line in lines_kept]
    assert steps == sorted(steps)
    took = json.loads((path.parents[1] / "fit.json").read_text())["seconds"]
    assert took >= sum(line.get("seconds", 0.0) for line in lines_kept) - 0.01  # before it was killed, too
    assert json.loads((path.parents[1] / "training.json").read_text())["actual"]["memory"] is None
