"""docs/prompts.md names every option of the rungs that prompt and show, with its default, and the calls."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from baselines import RUNGS
from baselines.race import keep_spread
from evals.types import ModelRef

PAGE = (Path(__file__).parents[2] / "docs" / "prompts.md").read_text(encoding="utf-8")
PROMPTING = ("prompt_variants", "few_shot", "knn_few_shot", "prompt_search")


def section(name: str) -> str:
    found = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    assert found
    return found[1]


@pytest.mark.parametrize("name", PROMPTING)
def test_every_option_of_a_rung_stands_in_its_section(name: str) -> None:
    options = [field.name for field in dataclasses.fields(RUNGS.load(name)) if field.name != "name"]
    assert [option for option in options if f"`{option}`" not in section(name)] == []


@pytest.mark.parametrize(
    ("name", "options", "calls"),
    [
        ("prompt_variants", {}, 120),
        ("prompt_variants", {"steps": True}, 140),
        ("few_shot", {}, 180),
        ("few_shot", {"select": ["balanced", "diverse", "gain"], "k": 8}, 180 + 240),
        ("knn_few_shot", {}, 100),
        ("prompt_search", {}, 400),
    ],
)
def test_the_calls_are_those_of_the_rung(name: str, options: dict[str, object], calls: int) -> None:
    task = SimpleNamespace(model=ModelRef("smollm2-135m"), prompt=SimpleNamespace(variants=()))
    assert abs(RUNGS.build(name, options).asks(task, 200, 80) - calls) <= 20


def test_the_spread_has_the_keys_that_are_shown() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", section("How much arbitrary things matter"), re.S)
    code = Path(keep_spread.__code__.co_filename).read_text(encoding="utf-8")
    assert all(f'"{key}":' in code for key in re.findall(r'"(\w+)":', shown))
