"""`wb distill`: inputs without answers become training rows, and what stands in the way of that."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from evals.data import load_data
from evals.task import load_task
from tests.evals.models.openai_server import Body, OpenAIServer, Say
from tests.workbench.small_task import COLOURS, SmallTask, hurried
from workbench.cli.main import run
from workbench.distillation.lines import read_distilled

Row = dict[str, Any]


def knows(path: str, body: Body) -> Say:
    """The endpoint's rule that names the colour in whatever prompt, but for rows 4 and 9."""
    *_, (number, colour) = re.findall(r"number (\d+) is (\w+)", json.dumps(body["messages"]))
    return Say(message="purple" if number in ("4", "9") else colour)


def small(folder: Path, url: str, **keys: Any) -> SmallTask:
    """A task whose run leaves out nothing, so that it is binding."""
    return SmallTask(folder, url, ladder="default", **keys)


@pytest.fixture(scope="module")
def assessed(listening: OpenAIServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    listening.rule = knows
    made = small(tmp_path_factory.mktemp("assessed") / "task", listening.url)
    assert made.assess("-q") == 0
    return made.folder


@pytest.fixture
def task(assessed: Path, server: OpenAIServer, tmp_path: Path) -> SmallTask:
    """An assessed task, and 12 inputs in fresh.jsonl of which the endpoint names 10 colours."""
    shutil.copytree(assessed, tmp_path / "task")
    made = small(tmp_path / "task", server.url)
    server.rule = knows
    write(made, fresh(12))
    return made


def fresh(count: int) -> list[Row]:
    return [{"id": n, "input": f"fresh number {n} is {COLOURS[n % 3]}", "site": "x"} for n in range(count)]


def write(task: SmallTask, rows: Sequence[Row]) -> None:
    (task.folder / "fresh.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def distill(task: SmallTask, *options: str) -> int:
    files = ["--inputs", str(task.folder / "fresh.jsonl"), "-o", str(task.folder / "made.jsonl")]
    return run(["distill", str(task.path), *files, "--out", str(task.out), "-q", "-j", "1", *options])


def made(task: SmallTask) -> list[Row]:
    return [json.loads(line) for line in (task.folder / "made.jsonl").open()]


def test_answers_that_have_the_form_become_training_rows_that_say_who_gave_them(
    task: SmallTask, capsys: pytest.CaptureFixture[str]
) -> None:
    assert distill(task, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    rows = made(task)
    assert [row["id"] for row in rows] == [f"distilled:{n}" for n in range(12) if n not in (4, 9)]
    assert all(row["output"] == row["input"].split()[-1] and row["site"] == "x" for row in rows)
    by = rows[0]["labelled_by"]
    (folder,) = task.runs()
    assert (by["approach"], by["model"], by["run"]) == ("zero_shot", "toy", folder.name)
    assert (told["rows"], told["inputs"], told["labelled_by"]) == (10, 12, by)
    assert told["dropped"] == {"have not the form of an answer": 2}
    assert told["unable"] == {"label": "needs the right answer"}
    assert told["worth"]["all"]["value"] == pytest.approx(10 / 12)
    assert told["worth"]["kept"]["value"] == 1.0 and told["worth"]["kept"]["n"] == 10


def test_what_is_read_back_are_rows_to_train_on(task: SmallTask) -> None:
    assert distill(task) == 0
    loaded = load_task(task.path)
    found = read_distilled(task.folder / "made.jsonl", loaded, load_data(loaded))
    assert len(found.rows) == 10 and found.left_out == {}
    assert list(found.by.values()) == [10] and "zero_shot" in next(iter(found.by))
    assert found.rows[0].target == "red" and found.rows[0].fields == {"site": "x"}


def test_it_is_said_that_nobody_judged_more_than_the_form(
    task: SmallTask, capsys: pytest.CaptureFixture[str]
) -> None:
    assert distill(task) == 0
    said = capsys.readouterr().out
    assert "what is kept is as good as who labelled it" in said
    assert f"next: wb escalate {task.path} --distilled" in said
    assert "label 0.83 [" in said and "on 12 dev rows" in said


def test_inputs_that_dev_and_test_have_or_that_repeat_are_left_out_and_never_asked(
    task: SmallTask, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    copies = ["dev number 1 is green", "TEST  number 2 is blue", "fresh number 0 is red"]
    write(task, [*fresh(3), *({"input": text} for text in copies)])
    assert distill(task, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["left_out"] == {"copy a dev or test row": 2, "repeat an earlier input": 1}
    assert told["rows"] == 3 and len(server.seen) == 3
    assert not any("dev" in row["input"] or "TEST" in row["input"] for row in made(task))


def test_an_input_that_nearly_repeats_a_test_row_or_shares_its_group_is_left_out(
    tmp_path: Path, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    task = small(tmp_path / "task", server.url)
    server.rule = knows
    long = "the colour of the wall behind the house of the oldest woman in the village with number 3 is red"
    row = {"id": "long", "input": long, "output": "red", "group": "village"}
    with (task.folder / "test.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")
    assert task.assess("-q") == 0
    write(
        task, [{"input": long + " "}, {"input": "our " + long}, {"input": "x 1 is red", "group": "village"}]
    )
    assert distill(task, "--json") == 1
    assert "has no input to label" in capsys.readouterr().err
    write(task, [{"input": "our " + long}, {"input": "x 1 is red", "group": "village"}, *fresh(2)])
    assert distill(task, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["left_out"] == {"share a group with one": 1, "nearly repeat a dev or test row": 1}


def test_a_spent_budget_ends_with_5_and_the_same_command_asks_for_the_rest_alone(
    task: SmallTask, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    task.write(budget={"calls": 7})
    assert task.assess("-q") == 0  # decided again from disk
    server.seen = []
    assert distill(task) == 5
    assert "budget.calls is spent" in capsys.readouterr().err
    assert not (task.folder / "made.jsonl").exists() and len(server.seen) == 7
    task.write(budget={"calls": 30})
    assert task.assess("-q") == 0
    assert distill(task) == 0
    assert len(server.seen) == 12 and len(made(task)) == 10


def test_rows_without_an_answer_end_it_with_5_and_the_same_command_asks_for_them_alone(
    task: SmallTask,
    server: OpenAIServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    hurried(monkeypatch)
    left = iter(range(5))

    def failing(path: str, body: Body) -> Say:
        return knows(path, body) if next(left, None) is not None else Say(status=503)

    server.rule = failing
    assert distill(task) == 5
    assert "7 of 12 answers ended in an error" in capsys.readouterr().err
    assert not (task.folder / "made.jsonl").exists()
    server.rule, server.seen = knows, []
    assert distill(task) == 0
    assert len(server.seen) == 7 and len(made(task)) == 10


def test_a_file_that_is_there_stays_unless_forced(
    task: SmallTask, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    (task.folder / "made.jsonl").write_text("mine")
    assert distill(task) == 1
    assert "is there already" in capsys.readouterr().err and server.seen == []
    assert distill(task, "--force") == 0
    assert len(made(task)) == 10


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "has no rows"),
        ([{"input": "a", "output": "red"}], "fresh.jsonl:1: has an answer already, in 'output'"),
        ([{"input": "a"}, {"text": "b"}], "fresh.jsonl:2: has no 'input'"),
        ([{"input": "dev number 1 is green"}], "has no input to label: 1 copy a dev or test row"),
    ],
)
def test_inputs_that_cannot_be_labelled_are_named(
    rows: list[Row], message: str, task: SmallTask, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    write(task, rows)
    assert distill(task) == 1
    assert message in capsys.readouterr().err and server.seen == []


def test_an_input_without_a_column_that_the_template_shows_is_named(
    tmp_path: Path, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.rule = knows
    task = small(tmp_path / "task", server.url, prompt={"instruction": "x", "template": "{{ place }}"})
    write(task, [{"input": "a", "place": "here"}, {"input": "b", "plaice": "there"}])
    for split in ("dev", "test"):
        path = task.folder / f"{split}.jsonl"
        lines = [json.loads(line) for line in path.open()]
        path.write_text("".join(json.dumps({**row, "place": row["input"]}) + "\n" for row in lines))
    assert task.assess("-q") == 0
    assert distill(task) == 1
    said = capsys.readouterr().err
    assert "fresh.jsonl:2: has no 'place', which prompt.template shows" in said and "'plaice'" in said


def test_a_labeller_that_is_often_wrong_is_refused_with_its_figures_unless_forced(
    tmp_path: Path, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.rule = lambda path, body: Say(message="red")
    task = small(tmp_path / "task", server.url)
    assert task.assess("-q") == 3
    write(task, fresh(3))
    server.seen = []
    assert distill(task) == 1
    said = capsys.readouterr().err
    assert "zero_shot is too often wrong to learn from: label 0.33 [" in said and "--force" in said
    assert server.seen == []
    assert distill(task, "--force") == 0
    assert "below the 0.7 that the task asks for: its errors are learned too" in capsys.readouterr().out
    assert [row["output"] for row in made(task)] == ["red"] * 3


def test_no_answer_that_is_kept_leaves_no_file(task: SmallTask, capsys: pytest.CaptureFixture[str]) -> None:
    write(task, [row for row in fresh(12) if row["id"] in (4, 9)])
    assert distill(task) == 1
    said = capsys.readouterr().err
    assert "no answer of zero_shot was kept: 2 have not the form of an answer" in said
    assert not (task.folder / "made.jsonl").exists()


def test_a_stronger_model_labels_with_the_best_baselines_prompt_and_answers_dev_first(
    tmp_path: Path, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    def rule(path: str, body: Body) -> Say:
        colour = re.findall(r"is (\w+)", json.dumps(body["messages"]))[-1]
        return Say(message=colour) if body["model"] == "strong" else knows(path, body)

    server.rule = rule
    server.models = {"toy": {}, "strong": {}}
    stronger = {"endpoint": server.url, "name": "strong"}
    task = small(tmp_path / "task", server.url, stronger_model=stronger)
    assert task.assess("-q") == 0
    write(task, fresh(12))
    server.seen = []
    capsys.readouterr()
    assert distill(task, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"] == 12 and told["worth"]["all"]["value"] == 1.0
    assert told["labelled_by"]["approach"] == "zero_shot with strong"
    assert len(server.seen) == 24 and {seen.body["model"] for seen in server.seen} == {"strong"}
    assert distill(task, "--force", "--approach", "system_prompt", "--json") == 0
    assert json.loads(capsys.readouterr().out)["labelled_by"]["approach"] == "system_prompt"


def test_without_a_binding_decision_nothing_is_labelled(
    tmp_path: Path, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    task = small(tmp_path / "task", server.url)
    write(task, fresh(3))
    assert distill(task) == 1
    assert "there is no binding decision" in capsys.readouterr().err


def test_a_hosted_student_is_not_trained_but_given_to_its_provider(
    task: SmallTask, capsys: pytest.CaptureFixture[str]
) -> None:
    assert distill(task) == 0
    file = ["--distilled", str(task.folder / "made.jsonl")]
    assert run(["escalate", str(task.path), "--out", str(task.out), "-q", "--force", *file]) == 1
    said = capsys.readouterr().err
    assert "toy is hosted and cannot be trained here" in said and "wb export fine-tuning" in said
    lines = task.folder / "lines.jsonl"
    assert run(["export", "fine-tuning", str(task.path), "-q", "-o", str(lines), *file]) == 0
    assert [json.loads(line)["messages"][-1]["content"] for line in lines.open()] == [
        row["output"] for row in made(task)
    ]
