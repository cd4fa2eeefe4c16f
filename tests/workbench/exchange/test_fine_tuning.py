"""`wb export fine-tuning`: what a provider of hosted models trains on, and what it would refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.errors import RunError
from evals.models import Loader
from evals.task import load_task
from evals.types import Example, Query
from tests.workbench.small_task import COLOURS, SmallTask
from workbench.cli.main import run
from workbench.distillation.lines import write_rows
from workbench.escalation.escalate import refuse_hosted
from workbench.exchange import fine_tuning
from workbench.exchange.fine_tuning import asking

Row = dict[str, Any]


def task(folder: Path, *more: Row, count: int = 12, **keys: Any) -> SmallTask:
    """The small task with training rows."""
    data = {"train": "train.jsonl", "dev": "dev.jsonl", "test": "test.jsonl", **keys.pop("data", {})}
    made = SmallTask(folder, data=data, **keys)
    rows = [
        {"input": f"train number {n} is {COLOURS[n % 3]}", "output": COLOURS[n % 3]} for n in range(count)
    ]
    lines = [json.dumps(row) + "\n" for row in [*rows, *more]]
    (folder / "train.jsonl").write_text("".join(lines))
    return made


def export(made: SmallTask, *options: str) -> int:
    target = made.folder / "out.jsonl"
    return run(["export", "fine-tuning", str(made.path), "-o", str(target), "-q", *options])


def lines(made: SmallTask) -> list[Row]:
    return [json.loads(line) for line in (made.folder / "out.jsonl").open()]


@pytest.mark.parametrize("rung", fine_tuning.PROMPTS)
def test_a_line_is_what_the_rung_asks_and_the_right_answer(rung: str, tmp_path: Path) -> None:
    made = task(tmp_path)
    assert export(made, "--prompt", rung) == 0
    found = lines(made)
    assert len(found) == 12 and all(line.keys() == {"messages"} for line in found)
    approach = asking(load_task(made.path), rung, Loader())
    assert approach.name == rung
    query = Query("q", "train number 1 is green")
    asked = [{"role": m.role, "content": m.content} for m in approach.prompts([query], Loader())["q"]]
    assert found[1]["messages"] == [*asked, {"role": "assistant", "content": "green"}]


def test_rows_that_would_be_refused_are_left_out_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = [
        {"input": "Dev number 1 is green", "output": "green"},
        {"input": "train number 1 is green", "output": "green"},
        {"input": "train number 2 is blue", "output": "red"},
        {"input": "x" * 900, "output": "red"},
        {"input": "y" * 300, "output": "red"},
    ]
    made = task(tmp_path, *more)
    assert export(made, "--json", "--max-tokens", "200") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"] == 14 == len(lines(made))
    assert [one["why"] for one in told["left_out"]] == [
        "1 training rows have the input of a dev or test row",
        "1 examples repeat an earlier one",
        "1 examples ask what another asks and answer otherwise (written all the same)",
        "1 examples are longer than 200 tokens",
        "1 examples may have more than 200 tokens (written all the same)",
    ]


def test_empty_answers_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys: Row = {"output": "text", "requirements": [{"metric": "exact", "at_least": 0.5, "kind": "quality"}]}
    made = task(tmp_path, {"input": "nothing", "output": " "}, **keys)
    assert export(made) == 0
    assert "1 examples have an empty answer" in capsys.readouterr().out and len(lines(made)) == 12


def test_fewer_than_ten_examples_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = task(tmp_path, count=9)
    assert export(made) == 1
    said = capsys.readouterr().err
    assert "has too few examples to fine-tune on: 9 are left" in said and "At least 10" in said
    assert not (tmp_path / "out.jsonl").exists()


def test_a_file_that_is_too_large_or_there_already_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = task(tmp_path)
    monkeypatch.setattr(fine_tuning, "MOST_BYTES", 500)
    assert export(made) == 1
    assert "more than a provider takes" in capsys.readouterr().err
    (tmp_path / "out.jsonl").write_text("mine")
    assert export(made) == 1
    assert "is there already" in capsys.readouterr().err


def test_labelled_rows_are_written_too_or_alone(tmp_path: Path) -> None:
    made = task(tmp_path)
    loaded = load_task(made.path)
    inputs = [f"fresh number {n} is red" for n in range(11)]
    rows = [(Example(str(n), text, None), "red") for n, text in enumerate(inputs)]
    write_rows(tmp_path / "made.jsonl", rows, loaded.columns, {"approach": "a", "hash": "b"})
    assert export(made, "--distilled", str(tmp_path / "made.jsonl")) == 0
    assert len(lines(made)) == 23
    alone = ("--distilled", str(tmp_path / "made.jsonl"), "--distilled-only", "--force")
    assert export(made, *alone) == 0
    assert [line["messages"][-2]["content"].split("\n")[-1] for line in lines(made)] == inputs


def test_pairs_are_written_as_dpo_takes_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = [{"input": f"pair {n}", "chosen": "red", "rejected": "a red one"} for n in range(60)]
    made = task(tmp_path, data={"preferences": "pairs.jsonl"})
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    assert export(made, "--preferences") == 0
    found = lines(made)
    assert 10 <= len(found) < 60
    assert f"{60 - len(found)} pairs are of dev and test" in capsys.readouterr().out
    one = found[0]
    assert one["input"]["messages"][-1]["content"].startswith("Name the colour.\n\npair ")
    assert one["preferred_output"] == [{"role": "assistant", "content": "red"}]
    assert one["non_preferred_output"] == [{"role": "assistant", "content": "a red one"}]
    assert export(made, "--preferences", "--distilled", "x.jsonl") == 2
    capsys.readouterr()
    assert export(task(tmp_path), "--preferences", "--force") == 1
    assert "the task names no pairs of answers" in capsys.readouterr().err


def test_escalate_names_the_command_where_the_model_is_hosted(tmp_path: Path) -> None:
    made = task(tmp_path)
    with pytest.raises(RunError, match="toy is hosted and cannot be trained here\n.*wb export fine-tuning"):
        refuse_hosted(load_task(made.path))
    made.write(tune_model="smollm2-135m")
    refuse_hosted(load_task(made.path))
