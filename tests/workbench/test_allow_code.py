"""Code that a model wrote runs only by --allow-code, from the command line to the decision."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.evals.graders.contained import contained
from tests.evals.models.openai_server import Body, OpenAIServer, Say
from tests.workbench.small_task import SmallTask, contents
from workbench.cli.main import run


def program(path: str, body: Body) -> Say:
    """A function that adds, except for row 1, where it never returns."""
    number = str(body["messages"][-1]["content"]).split()[-1]
    inner = "while True: pass" if number == "1" else "return a + b"
    return Say(message=f"```python\ndef f(a, b):\n    {inner}\n```")


def coding(folder: Path, server: OpenAIServer) -> SmallTask:
    task = SmallTask(
        folder,
        server.url,
        output="text",
        generation={"max_tokens": 50},
        graders=[{"name": "python_tests", "timeout": 3}],
        requirements=[{"metric": "python_tests", "at_least": 0.7, "kind": "quality"}],
        ladder=["zero_shot"],
    )
    for split in ("dev", "test"):
        lines = [
            {
                "id": f"{split}{n}",
                "input": f"{split}: write f {n}",
                "output": "def f(a, b): return a + b",
                "tests": ["assert f(1, 2) == 3", "assert f(0, 0) == 0"],
            }
            for n in range(4)
        ]
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return task


def test_nothing_is_asked_where_the_answers_could_not_be_graded(
    tmp_path: Path, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert coding(tmp_path, server).assess("-q") == 1
    said = capsys.readouterr().err
    assert "runs code that a model wrote, and this command may not" in said
    assert "--allow-code" in said
    assert not server.seen


@contained
def test_a_run_with_it_is_decided_and_read_again_without_running_anything(
    tmp_path: Path, server: OpenAIServer
) -> None:
    server.rule = program
    task = coding(tmp_path, server)
    assert task.assess("-q", "--allow-code") == 0
    found = task.decision()["approaches"][0]["dev"]
    assert (found["python_tests"]["value"], found["python_tests.tests"]["value"]) == (0.75, 0.75)
    (folder,) = task.runs()
    before = contents(folder)
    assert run(["report", str(folder), "-q"]) == 0
    assert contents(folder) == before


@contained
def test_check_runs_gold_answers_only_with_it(
    tmp_path: Path, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    task = coding(tmp_path, server)
    run(["check", str(task.path)])
    assert "its gold answers were not run" in capsys.readouterr().out
    run(["check", str(task.path), "--allow-code"])
    assert "its gold answers were not run" not in capsys.readouterr().out
