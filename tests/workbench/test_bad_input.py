"""What a person can get wrong in the files they write: one or two lines with the place and what to
do, the exit code, and nothing left on disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.workbench.small_task import SmallTask, contents
from workbench.cli.main import run

Change = Callable[[SmallTask], object]


def text(content: str | bytes) -> Change:
    """The task file has this content."""
    data = content if isinstance(content, bytes) else content.encode()
    return lambda task: task.path.write_bytes(data)


def keys(**changed: Any) -> Change:
    """The task file has these keys."""
    return lambda task: task.write(**changed)


def line(number: int, content: str | bytes) -> Change:
    """test.jsonl has this line."""
    return lambda task: task.replace_line(number, content)


def row(**columns: Any) -> str:
    return json.dumps({"id": "new", "input": "new", "output": "red", **columns})


def schema_file(content: str) -> Change:
    def change(task: SmallTask) -> None:
        (task.folder / "s.json").write_text(content)
        task.write(output={"format": "json", "schema": "s.json"})

    return change


def prompt(template: str) -> Change:
    return keys(prompt={"instruction": "x", "template": template})


TASK_AND_DATA: dict[str, tuple[Change, str, str]] = {
    # what is wrong: (the change, the place in the first line, what the two lines say)
    "missing": (lambda task: task.path.unlink(), "task.yaml:", "no such file|wb init"),
    "empty": (text("\n\n"), "task.yaml:", "is empty|wb init"),
    "not YAML": (text("name: [a\nb: }"), "task.yaml:2:", "is not YAML|indented"),
    "a control character": (text(b"name: a\0b"), "task.yaml:", "is not YAML|quotes"),
    "not UTF-8": (text("name: caf\xe9".encode("latin-1")), "task.yaml:1:", "not UTF-8|Save the file"),
    "a list": (text("- a\n"), "task.yaml:", "a mapping of keys|key: value"),
    "a folder": (lambda task: (task.path.unlink(), task.path.mkdir()), "task.yaml:", "name the task file"),
    "unknown key": (keys(requirments=[]), "task.yaml:37: requirments:", "mean 'requirements'|Allowed here"),
    "unknown key below": (
        keys(prompt={"instruction": "x", "templte": "y"}),
        "task.yaml:13: prompt.templte:",
        "mean 'template'|Allowed here: instruction",
    ),
    "wrong type": (keys(looks="many"), "task.yaml:37: looks:", 'a whole number, not "many"|how many'),
    "missing key": (text("name: x\n"), "task.yaml:1:", "'model' is missing|wb schema task"),
    "missing data file": (
        keys(data={"dev": "dev.jsonl", "test": "tests.jsonl"}),
        "tests.jsonl:",
        "no such file (data.test). Did you mean 'test.jsonl'?|task file's folder",
    ),
    "broken line": (line(3, '{"id": "a", "in'), "test.jsonl:3:", "is not JSON|one object a line"),
    "a row that is no object": (line(4, "[1]"), "test.jsonl:4:", "a JSON object|one object a line"),
    "missing field": (line(4, '{"id": "a", "input": "b"}'), "test.jsonl:4:", "has no 'output'|columns:"),
    "duplicate ids": (line(4, row(id="test1")), "test.jsonl:4:", "'test1' stands on line 2|id of its own"),
    "data not UTF-8": (
        line(4, row(input="caf\xe9").replace("\\u00e9", "\xe9").encode("latin-1")),
        "test.jsonl:4:",
        "not UTF-8 text (byte 0xe9)|Save the file",
    ),
    "zero rows": (
        lambda task: (task.folder / "test.jsonl").write_text("\n"),
        "test.jsonl:",
        "has no rows|Add rows",
    ),
    "a label outside the list": (line(4, row(output="redd")), "test.jsonl:4:", "mean 'red'|Labels: red,"),
    "a template that names the output": (
        prompt("{{ input }} {{ output }}"),
        "task.yaml:13: prompt.template:",
        "gives the answer away|other columns",
    ),
    "a template with an unknown name": (
        prompt("{{ inptu }}"),
        "task.yaml:13: prompt.template:",
        "no row has the column 'inptu'. Did you mean 'input'?|may use: input",
    ),
    "a template that is none": (
        prompt("{{ input "),
        "task.yaml:13: prompt.template:",
        "not a Jinja template",
    ),
    "a schema that is none": (
        keys(output={"format": "json", "schema": {"type": "objct"}}),
        "task.yaml:16: type:",
        "'objct' is not valid|Types: array, boolean",
    ),
    "a schema file that is none": (schema_file('{"type": 3}'), "s.json: type:", "not a JSON Schema|Types:"),
    "a schema file that is not JSON": (schema_file('{"type": '), "s.json:1:", "is not JSON"),
    "a schema file that is missing": (
        keys(output={"format": "json", "schema": "s.json"}),
        "task.yaml:16: output.schema:",
        "cannot be read|task file's folder",
    ),
    "a metric that no grader gives": (
        keys(requirements=[{"metric": "lable", "at_least": 0.5, "kind": "quality"}]),
        "task.yaml:24: requirements[0].metric:",
        "'lable'. Did you mean 'label'?|The graders give: label",
    ),
    "an unknown grader": (keys(graders=["lable"]), ": graders[0]:", "mean 'label'|Available: exact"),
    "an unknown option": (
        keys(graders=[{"name": "label", "foo": 1}]),
        ": graders[0]:",
        "no option 'foo'|Its options: as",
    ),
    "an unknown rung": (
        keys(ladder=[{"name": "zero_shott"}]),
        "task.yaml:30: ladder[0]:",
        "mean 'zero_shot'|Available: zero_shot",
    ),
    "an address that is none": (
        keys(model={"endpoint": "localhost:8000", "name": "x"}),
        "task.yaml:4: model.endpoint:",
        "must be an http(s) URL",
    ),
}

FINDINGS: dict[str, tuple[Change, str, str]] = {
    # `wb check` lists these among its findings, so that the rest of the task is checked all the same
    "a misspelt name": (
        keys(model="smollm3-135m"),
        "model",
        "Did you mean 'smollm2-135m'?|Known names: smollm2-135m|pip install|path of a model folder",
    ),
    "a folder that is not there": (
        keys(model="./nowhere"),
        "model",
        "is not there|Known names: smollm2-135m",
    ),
    "a key that is not set": (
        keys(model={"endpoint": "http://127.0.0.1:9/v1", "name": "x", "api_key_env": "NO_SUCH_KEY"}),
        "model.api_key_env:",
        "NO_SUCH_KEY is not set|export NO_SUCH_KEY",
    ),
    "a column that some rows lack": (
        lambda task: (prompt("{{ input }} {{ lang }}")(task), line(2, row(lang="de"))(task)),
        "task.yaml:13: prompt.template:",
        "has no column 'lang'|may use: input",
    ),
}


def refused(capsys: pytest.CaptureFixture[str], place: str, says: str) -> None:
    """Each mistake was told in one or two lines, this one first, with nothing on stdout."""
    said = capsys.readouterr()
    lines = said.err.splitlines()
    assert said.out == ""
    mistakes = sum(line.startswith("error: ") for line in lines)
    assert 1 <= mistakes <= len(lines) <= 2 * mistakes, said.err
    assert lines[0].startswith("error: ")
    assert place in lines[0]
    for part in says.split("|"):
        assert part in said.err


@pytest.mark.parametrize("command", ["assess", "check"])
@pytest.mark.parametrize("wrong", TASK_AND_DATA)
def test_a_mistake_in_the_files_is_told_and_leaves_nothing(
    wrong: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, place, says = TASK_AND_DATA[wrong]
    task = SmallTask(tmp_path / "task")
    change(task)
    before = contents(tmp_path)
    out = ["--out", str(task.out)] if command == "assess" else []
    assert run([command, str(task.path), *out]) == 1
    refused(capsys, place, says)
    assert contents(tmp_path) == before
    assert not task.out.exists()


@pytest.mark.parametrize("wrong", FINDINGS)
def test_a_model_or_a_template_that_will_not_do_is_told_by_both_commands(
    wrong: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    change, place, says = FINDINGS[wrong]
    task = SmallTask(tmp_path / "task")
    change(task)
    before = contents(tmp_path)
    assert task.assess() == 1
    refused(capsys, place, says)
    assert contents(tmp_path) == before
    assert not task.out.exists()
    assert run(["check", str(task.path)]) == 1
    found = capsys.readouterr()
    assert found.err == ""
    assert "✗ error: " in found.out
    for part in says.split("|"):
        assert part in found.out


@pytest.mark.parametrize("name", ["knn_few_shot", "zero_shott"])
def test_only_takes_rungs_of_the_tasks_ladder(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = SmallTask(tmp_path)
    assert task.assess("--only", name) == 1
    refused(capsys, "--only", name)
    assert not task.out.exists()


def test_a_file_where_the_runs_should_be_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task = SmallTask(tmp_path)
    below = task.folder / "dev.jsonl" / "runs"
    assert run(["assess", str(task.path), "--out", str(below)]) == 1
    refused(capsys, str(below), "cannot be written|--out")


@pytest.mark.parametrize("command", ["report", "escalate"])
def test_a_run_that_is_not_there_is_told(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = SmallTask(tmp_path)
    given = [str(task.out)] if command == "report" else [str(task.path), "--out", str(task.out)]
    assert run([command, *given]) == 1
    refused(capsys, str(task.out), "wb assess")
    assert not task.out.exists()
