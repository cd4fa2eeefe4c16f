"""`wb check` names a slice that no row is in, with what there is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.data import load_data
from evals.task import load_task
from tests.workbench.small_task import SmallTask
from workbench.checks.slices import slices


def found(folder: Path, where: dict[str, Any]) -> list[tuple[str, str, str]]:
    requirement = {"metric": "label", "at_least": 0.7, "kind": "quality", "where": where}
    task = SmallTask(folder, requirements=[requirement])
    for split in ("dev", "test"):
        path = folder / f"{split}.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        kept = [{**row, "language": ("de", "en")[n % 2]} for n, row in enumerate(lines)]
        path.write_text("".join(json.dumps(row) + "\n" for row in kept))
    read = load_task(task.path)
    return [(f.level, f.message, f.todo) for f in slices(read, load_data(read))]


def test_a_column_that_no_row_has_is_an_error_with_the_nearest_name(tmp_path: Path) -> None:
    message = "no dev or test row has the column 'langage'. Did you mean 'language'?"
    assert found(tmp_path, {"langage": "de"}) == [("error", message, "Their columns: language.")]


def test_a_value_that_no_row_has_is_a_warning_with_what_there_is(tmp_path: Path) -> None:
    message = "no dev or test row has 'fr' or 'nl' as its language."
    assert found(tmp_path, {"language": ["fr", "nl"]}) == [("warning", message, "There are: de, en.")]


@pytest.mark.parametrize("value", ["de", ["de", "fr"]])
def test_a_slice_with_rows_is_not_mentioned(value: Any, tmp_path: Path) -> None:
    assert found(tmp_path, {"language": value}) == []
