"""`wb init`: a folder that works, written whole, over nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.data import load_data
from evals.errors import RunError
from evals.task import load_task, task_schema
from tests.scripted import Scripted, ScriptedModels
from workbench.checks.task import check
from workbench.init import FILES, write_starter


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_starter_is_written_into_a_new_folder(tmp_path: Path) -> None:
    written = write_starter(tmp_path / "deep" / "task")
    assert sorted(path.name for path in written) == sorted(FILES)
    assert names(tmp_path / "deep") == ["task"]
    assert names(tmp_path / "deep" / "task") == sorted(FILES)


def test_an_existing_folder_keeps_its_other_files(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    write_starter(tmp_path)
    assert names(tmp_path) == sorted([*FILES, "notes.txt"])


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_overwritten_and_nothing_is_left_half_done(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(RunError, match=f"has {name} already"):
        write_starter(tmp_path)
    assert names(tmp_path) == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "task").write_text("mine")
    with pytest.raises(RunError, match="is a file"):
        write_starter(tmp_path / "task")


def test_the_starter_passes_its_own_check(tmp_path: Path) -> None:
    write_starter(tmp_path / "task")
    task = load_task(tmp_path / "task" / "task.yaml")
    checked = check(task, ScriptedModels(Scripted(lambda request: "")))
    assert [f for f in checked.findings if f.level != "note"] == []
    assert checked.rows == {"train": 24, "dev": 12, "test": 60}
    assert all(could.most_failures is not None for could in checked.requirements)


def test_the_starter_names_a_model_that_is_known(tmp_path: Path) -> None:
    from evals.models.known import lookup

    write_starter(tmp_path / "task")
    assert lookup(load_task(tmp_path / "task" / "task.yaml").model.name, "model") is not None


def test_the_starters_comments_name_only_keys_there_are(tmp_path: Path) -> None:
    write_starter(tmp_path)
    text = (tmp_path / "task.yaml").read_text(encoding="utf-8")
    commented = [
        line[2:].split(":")[0] for line in text.splitlines() if line.startswith("# ") and ": " in line
    ]
    keys = [word for word in commented if word.isidentifier() and word.islower()]
    assert {"columns", "budget", "prices", "calls_per_month"} <= set(keys)
    assert set(keys) <= set(task_schema()["properties"])


def test_the_starters_gold_names_stand_in_their_messages(tmp_path: Path) -> None:
    write_starter(tmp_path)
    data = load_data(load_task(tmp_path / "task.yaml"))
    for row in (*data.train, *data.dev, *data.test):
        assert isinstance(row.target, dict)
        people = row.target["people"]
        assert all(name in row.input for name in people), row.id
        assert [row.input.index(name) for name in people] == sorted(
            row.input.index(name) for name in people
        ), row.id
        json.dumps(row.target)
