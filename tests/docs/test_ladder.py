"""docs/ladder.md names every rung in order and every option with its default."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from baselines import RUNGS

PAGE = (Path(__file__).parents[2] / "docs" / "ladder.md").read_text(encoding="utf-8")
ELSEWHERE = ("prompt_variants", "few_shot", "knn_few_shot", "prompt_search", "rag")
"""Rungs whose options stand on other pages."""


def test_every_rung_stands_in_the_table_in_the_order_of_the_ladder() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE.split("## Your own")[0], re.M) == list(RUNGS)


@pytest.mark.parametrize("name", [name for name in RUNGS if name not in ELSEWHERE])
def test_every_option_stands_there_with_its_default(name: str) -> None:
    told = dict(re.findall(rf"^\| `{name}\.(\w+)` \| `?([^|`]+?)`? \|", PAGE, re.M))
    options = inspect.signature(RUNGS.load(name)).parameters
    wanted = {key: _said(option.default) for key, option in options.items() if key != "name"}
    assert told == wanted


def _said(value: object) -> str:
    return str(list(value)) if isinstance(value, tuple) else str(value)
