"""Code that a model brings along runs only by --trust-remote-code, in assessing and in training."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.foreign import keep_modules_in, save_foreign
from tests.tuning.school import CHAT
from tests.workbench.escalation.lab import Lab, quick
from workbench.cli.main import run
from workbench.escalation import training

FLAG = "--trust-remote-code"


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    keep_modules_in(tmp_path / "modules", monkeypatch)
    monkeypatch.setattr(training, "recipe_of", quick)
    model = save_foreign(tmp_path / "own", CHAT)
    keys = {"ladder": ["zero_shot", "system_prompt"]}
    return Lab(tmp_path / "task", model, keys, counts={"train": 140, "dev": 12, "test": 24}).write()


def ran(lab: Lab) -> bool:
    """Whether the code was run: where it lies or where transformers copied it to."""
    return bool(list(lab.folder.parent.rglob("ran")))


@pytest.mark.parametrize("command", ["assess", "check"])
def test_nothing_of_a_model_runs_without_the_flag(
    lab: Lab, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(lab.folder / "runs")] if command == "assess" else []
    assert run([command, str(lab.folder / "task.yaml"), *out, "-q"]) == 1
    said = "".join(capsys.readouterr())
    assert "needs code of its own to be run (own.py)" in said and FLAG in said
    assert not ran(lab)


def test_with_the_flag_it_answers_is_trained_and_is_loaded_again(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    where = [str(lab.folder / "task.yaml"), "--out", str(lab.folder / "runs")]
    assert run(["assess", *where, "-q", FLAG]) in (3, 4)
    train = ["escalate", *where, "--method", "lora", "--force", "-q"]
    assert run(train) == 1
    assert "needs code of its own to be run (own.py)" in capsys.readouterr().err
    assert run([*train, FLAG]) in (0, 3, 4)
    (record,) = (lab.folder / "runs").rglob("fits/lora-*/training.json")
    assert ran(lab)
    assert max(json.loads(record.read_text())["reload_difference"].values()) < 1e-3
