"""A file of labelled inputs, read back as rows to train on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.data import Data, load_data
from evals.errors import DataError
from evals.task import Task, load_task
from evals.types import Example
from tests.workbench.small_task import SmallTask
from workbench.distillation.lines import read_distilled, write_rows

BY = {"approach": "few_shot", "hash": "abc", "model": "toy", "weights": "w"}


@pytest.fixture
def loaded(tmp_path: Path) -> tuple[Task, Data]:
    keys: dict[str, Any] = {"columns": {"input": "text", "output": "colour", "group": "village"}}
    small = SmallTask(tmp_path, **keys)
    for split in ("dev", "test"):
        path = tmp_path / f"{split}.jsonl"
        rows = [json.loads(line) for line in path.open()]
        lines = [{"id": row["id"], "text": row["input"], "colour": row["output"]} for row in rows]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    task = load_task(small.path)
    return task, load_data(task)


def write(path: Path, task: Task, *rows: Example) -> Path:
    write_rows(path, [(row, "red") for row in rows], task.columns, BY)
    return path


def test_rows_come_back_as_they_were_with_their_answers(loaded: tuple[Task, Data], tmp_path: Path) -> None:
    task, data = loaded
    row = Example("1", "a red house", None, group="north", gold_doc_ids=("d",), fields={"site": "x"})
    path = write(tmp_path / "made.jsonl", task, row, Example("2", "a red boat", None))
    assert set(json.loads(path.read_text().splitlines()[1])) == {"id", "text", "colour", "labelled_by"}
    found = read_distilled(path, task, data)
    first = found.rows[0]
    assert (first.id, first.target, first.group, first.fields) == (
        "distilled:1",
        "red",
        "north",
        {"site": "x"},
    )
    assert found.by == {"few_shot abc": 2}


def test_rows_that_dev_or_test_have_by_now_are_left_out_and_counted(
    loaded: tuple[Task, Data], tmp_path: Path
) -> None:
    task, data = loaded
    copy = Example("1", "Test number 3 is red", None)
    found = read_distilled(write(tmp_path / "a.jsonl", task, copy, Example("2", "a boat", None)), task, data)
    assert [row.id for row in found.rows] == ["distilled:2"]
    assert found.left_out == {"copy a dev or test row": 1}
    with pytest.raises(DataError, match="has no row to train on: 1 copy a dev or test row"):
        read_distilled(write(tmp_path / "b.jsonl", task, copy), task, data)


def test_rows_that_do_not_say_who_labelled_them_are_named(loaded: tuple[Task, Data], tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_text(json.dumps({"text": "a boat", "colour": "red"}) + "\n")
    with pytest.raises(DataError, match="mine.jsonl:1: has no 'labelled_by', which wb distill writes"):
        read_distilled(tmp_path / "mine.jsonl", *loaded)


@pytest.mark.parametrize(("name", "message"), [("made.txt", "no kind"), ("maed.jsonl", "Did you mean")])
def test_a_file_that_is_not_there_is_named(
    name: str, message: str, loaded: tuple[Task, Data], tmp_path: Path
) -> None:
    write(tmp_path / "made.jsonl", loaded[0], Example("1", "a boat", None))
    with pytest.raises(DataError, match=message):
        read_distilled(tmp_path / name, *loaded)
