"""The record of a training as decision.json carries it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from evals.errors import RunError
from workbench.escalation.fitting import reached_on_dev
from workbench.escalation.record import POINTS, curves_of, thinned, training_record, write_curves

LINES = [
    {"kind": "dev", "step": 0, "loss": 2.0, "score": 0.1},
    {"kind": "train", "step": 1, "loss": 1.5, "rate": 0.1},
    {"kind": "train", "step": 2, "loss": 1.0, "rate": 0.1},
    {"kind": "dev", "step": 2, "loss": 1.2, "score": 0.6},
    {"kind": "end", "step": 2, "best": 2, "why": "after 2 steps"},
]


def a_fit(folder: Path) -> Path:
    """Two stages, whose files are as old as a copy may make them: the first one's the newest. What the
    second chose scored 0.7."""
    for when, (name, score) in enumerate((("dpo", 0.7), ("sft", 0.6))):
        lines = [{**line, "score": score} if line["step"] == 2 else line for line in LINES]
        (folder / name).mkdir(parents=True)
        (folder / name / "curves.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        os.utime(folder / name / "curves.jsonl", ns=(when, when))
    (folder / "training.json").write_text('{"stages": [{"name": "sft"}, {"name": "dpo"}]}')
    return folder


def test_stages_stand_in_the_order_in_which_they_were_trained(tmp_path: Path) -> None:
    fit, home = a_fit(tmp_path / "fit"), tmp_path / "home"
    home.mkdir()
    write_curves(fit, home)
    (home / "training.json").write_text('{"method": "lora"}')
    record = training_record(home, 0.9)
    assert record is not None
    assert record["method"] == "lora"
    assert [stage["stage"] for stage in record["curves"]] == ["sft", "dpo"]
    assert record["curves"][0] == {
        "stage": "sft",
        "train": [[1, 1.5], [2, 1.0]],
        "dev": [[0, 2.0, 0.1], [2, 1.2, 0.6]],
        "best": 2,
        "why": "after 2 steps",
    }


def test_what_a_training_reached_is_what_its_last_stage_chose(tmp_path: Path) -> None:
    assert reached_on_dev(a_fit(tmp_path)) == 0.7


def test_stages_without_a_whole_record_are_told_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "training.json").write_text('{"method": "lora"}')
    with pytest.raises(RunError, match="is damaged") as found:
        curves_of(tmp_path)
    assert found.value.where == tmp_path / "training.json"


def test_many_steps_are_drawn_as_means_and_the_last_step_stays() -> None:
    points = [(n, float(n)) for n in range(1, 1001)]
    found = thinned(points)
    assert len(found) <= POINTS
    assert found[0] == (17, 9.0)
    assert found[-1][0] == 1000
    assert thinned(points[:3]) == points[:3]
    assert thinned([]) == []


def test_without_a_training_there_is_no_record(tmp_path: Path) -> None:
    assert training_record(tmp_path, 0.9) is None
