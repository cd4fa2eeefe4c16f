"""What a `wb escalate` was asked for: how it becomes a recipe, and how it is typed again."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tuning.lora import Lora
from workbench.cli.main import run
from workbench.escalation.order import Order
from workbench.escalation.training import recipe_of


def test_an_order_is_trained_and_typed_again_with_its_options(tmp_path: Path) -> None:
    order = Order(tmp_path / "task.yaml", method="lora", options=("targets=[q_proj, v_proj]", "rslora=true"))
    made = recipe_of(order).method
    assert isinstance(made, Lora) and made.rslora
    words = shlex.split(order.command())
    assert [words[n + 1] for n, word in enumerate(words) if word == "--set"] == list(order.options)


def test_options_of_one_training_do_not_climb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["escalate", str(tmp_path / "task.yaml"), "--climb", "--set", "rank=8"]) == 2
    assert "--set is for one training" in capsys.readouterr().err
