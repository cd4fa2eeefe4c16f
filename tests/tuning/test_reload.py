"""One fresh process loads every kind of adapter again, and finds one that is not what was trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from evals.errors import ModelError, RunError
from tests.tuning.school import rows, save_model, start, work
from tuning.methods import method_named
from tuning.recipe import Recipe
from tuning.reload import check_reload
from tuning.settings import Settings
from tuning.sft import Sft

KINDS: dict[str, dict[str, Any]] = {
    "prompt_tuning": {},
    "p_tuning": {},
    "prefix_tuning": {},
    "lora": {"rslora": True},
    "qlora": {},
    "full": {},
}


def trained(name: str, options: dict[str, Any], folder: Path, base: Path) -> Path:
    plan = Settings(epochs=1, learning_rate=3e-3)
    Recipe(method_named(name)(**options), Sft(), plan).fit(
        rows("t", 24), rows("d", 6), work(folder, start(base))
    )
    return folder


def test_every_kind_is_what_was_trained_when_it_is_loaded_again(tmp_path: Path) -> None:
    base = save_model(tmp_path / "base")
    folders = [trained(name, options, tmp_path / name, base) for name, options in KINDS.items()]
    folders.append(trained("lora", {"dora": True}, tmp_path / "dora", base))
    damaged = trained("lora", {}, tmp_path / "damaged", base)
    path = damaged / "adapter" / "adapter_model.safetensors"
    weights = load_file(path)
    save_file({name: value * 2 for name, value in weights.items()}, path, metadata={"format": "pt"})
    with pytest.raises(ModelError, match="damaged: loaded again as trained, its logits differ by"):
        check_reload([*folders, damaged])


def test_what_cannot_be_loaded_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be loaded in a fresh process"):
        check_reload([tmp_path])


def test_folders_may_be_named_from_where_the_command_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = trained("lora", {}, Path("runs"), save_model(Path("base")))
    near = pytest.approx(0, abs=1e-3)
    assert folder == Path("runs") and check_reload([folder]) == [{"as_trained": near, "as_served": near}]


def test_in_bf16_what_is_saved_is_the_same_and_what_is_served_is_rounded_once(tmp_path: Path) -> None:
    """A text of 200 tokens: rotary frequencies that were rounded too would be seen at its end."""
    base = save_model(tmp_path / "base")
    plan = Settings(epochs=1, learning_rate=3e-3, precision="bfloat16")
    long = [replace(row, input=" ".join(["w7"] * 200)) for row in rows("t", 24)]
    Recipe(method_named("lora")(), Sft(), plan).fit(long, rows("d", 6), work(tmp_path / "fit", start(base)))
    [forms] = check_reload([tmp_path / "fit"])
    assert forms["as_trained"] == pytest.approx(0, abs=1e-4)
    assert 0 < forms["as_served"] < 0.02
