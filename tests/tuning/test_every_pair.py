"""Every method towards every objective that goes with it, on a real model: trained, saved, loaded again."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from baselines.approach import Decoder, Prompt, Prompted
from evals.data import load_data
from evals.models import Loader
from evals.task import Task, load_task
from evals.types import Example, Prediction, Work
from tuning import OBJECTIVES
from tuning.matrix import matrix
from tuning.methods import method_named
from tuning.recipe import Recipe
from tuning.reload import check_reload
from tuning.settings import Settings

HOUSE = Path(__file__).parents[2] / "examples" / "house_style"
FEW = {"train": 8, "dev": 3, "test": 3, "preferences": 24}


@pytest.fixture
def task(tmp_path: Path) -> Task:
    """The example with a few of its rows and pairs."""
    folder = tmp_path / "task"
    folder.mkdir()
    told = (HOUSE / "task.yaml").read_text(encoding="utf-8")
    (folder / "task.yaml").write_text(told + "\nforgetting: {text: general.txt}\n", encoding="utf-8")
    (folder / "general.txt").write_text((HOUSE.parents[1] / "LICENSE").read_text()[:2500])
    for name, count in FEW.items():
        lines = (HOUSE / f"{name}.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / f"{name}.jsonl").write_text("".join(lines[:count]), encoding="utf-8")
    return load_task(folder / "task.yaml")


def greeting(pairs: Sequence[tuple[Example, Prediction]]) -> float:
    return sum(answer.text.startswith(str(row.fields["greeting"])) for row, answer in pairs) / len(pairs)


@pytest.mark.full
def test_every_pair_is_trained_on_a_real_model_and_one_process_loads_them_all(
    models: Loader, task: Task, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = load_data(task)
    prompt = Prompt(task.prompt.template, task.prompt.instruction)
    start = Prompted("system_prompt", task.model, prompt, Decoder(16))
    plan = Settings(epochs=1, batch=4, dev_rows=3, patience=9)
    folders, told = [], []
    for method, objective, why in matrix():
        if why:
            continue
        begin, folder = time.perf_counter(), tmp_path / f"{method} {objective}"
        work = Work(folder, task, models, greeting, start=start)
        Recipe(method_named(method)(), OBJECTIVES.load(objective)(), plan).fit(data.train, data.dev, work)
        record = json.loads((folder / "training.json").read_text())
        steps = {stage["name"]: stage["steps"] for stage in record["stages"]}
        assert all(count >= 2 for count in steps.values())
        folders.append(folder)
        told.append(f"{method:14} {objective:17} {time.perf_counter() - begin:5.0f} s  steps {steps}")
    found = check_reload(folders)
    assert len(found) == len(folders) == 38
    with capsys.disabled():
        for line, differences in zip(told, found, strict=True):
            print(f"\n{line}  logits loaded again differ by {differences}", end="")
