"""docs/task.md names every key of task.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.task import task_schema

PAGE = (Path(__file__).parents[2] / "docs" / "task.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("key", task_schema()["properties"])
def test_every_key_stands_in_the_page(key: str) -> None:
    assert f"`{key}`" in PAGE


@pytest.mark.parametrize("block", ["data", "prompt", "generation", "prices"])
def test_every_key_of_a_block_stands_in_the_page(block: str) -> None:
    inner = task_schema()["properties"][block]["properties"]
    assert inner
    assert [key for key in inner if key not in PAGE] == []
