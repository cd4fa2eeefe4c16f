"""What a look at dev asks: answers as they would be served, and a model in training left as it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from evals.models import Loader
from evals.types import Approach, Models
from tests.tuning.school import rows, save_model, start, work
from tuning.export import export
from tuning.methods import method_named
from tuning.recipe import Recipe, enroll, served_by
from tuning.settings import Settings
from tuning.sft import Sft
from tuning.snapshot import as_served
from tuning.student import Student

KINDS: list[tuple[str, dict[str, Any]]] = [
    ("prompt_tuning", {}),
    ("p_tuning", {}),
    ("prefix_tuning", {}),
    ("lora", {"rslora": True}),
    ("lora", {"dora": True}),
    ("full", {}),
]
ASKED = [row.query() for row in rows("d", 12)]


def moved(name: str, options: dict[str, Any], folder: Path) -> Student:
    """A student whose parameters lie where training may have led them."""
    recipe = Recipe(method_named(name)(**options), Sft(), Settings(precision="float32"))
    begin = start(save_model(folder / "base"))
    student = enroll(recipe, served_by(recipe.method, begin, name), rows("t", 6), work(folder, begin))
    draw = torch.Generator().manual_seed(1)
    for parameter in student.parameters.values():
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=draw)
    return student


def answers(approach: Approach, models: Models) -> dict[str, str]:
    return {p.id: p.text for p in approach.predict(ASKED, models)}


@pytest.mark.parametrize(("name", "options"), KINDS)
def test_it_answers_as_what_was_saved_does(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    student = moved(name, options, tmp_path)
    folder = export(student.model, student.live.renderer.tokenizer, tmp_path / "adapter", student.head)
    served = replace(student.approach, model=replace(student.approach.model, adapter=str(folder)))
    before = {key: value.clone() for key, value in student.model.state_dict().items()}
    told = answers(student.approach, as_served(student))
    assert told == answers(served, Loader()) and len(set(told.values())) > 1
    assert student.model.training
    assert all(torch.equal(value, before[key]) for key, value in student.model.state_dict().items())


def test_the_weights_of_a_served_model_run_packed(tmp_path: Path) -> None:
    student = moved("lora", {}, tmp_path)
    live: Any = as_served(student).open(student.approach.model)
    assert live.engine.core._packed is not None and student.live.engine.core._packed is None


def test_each_look_asks_the_model_as_it_then_is(tmp_path: Path) -> None:
    student = moved("prompt_tuning", {}, tmp_path)
    first = answers(student.approach, as_served(student))
    for parameter in student.parameters.values():
        parameter.data.mul_(-1.0)
    assert answers(student.approach, as_served(student)) != first


def test_weights_in_four_bits_are_asked_where_they_are(tmp_path: Path) -> None:
    student = moved("qlora", {}, tmp_path)
    assert as_served(student) is student.models


def test_a_model_too_large_to_copy_is_asked_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    student = moved("lora", {}, tmp_path)
    monkeypatch.setattr("tuning.snapshot.machine", lambda: 1 << 20)
    assert as_served(student) is student.models
