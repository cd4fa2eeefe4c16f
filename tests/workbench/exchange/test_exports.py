"""`wb export`: the rows of a run for other tools, held against those tools' own readers."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from evals.errors import RunError
from evals.models import Loader
from evals.types import Message
from tests.workbench.mood import Mood, share
from workbench.cli.main import run as wb
from workbench.exchange import chat_lines, chosen, inspect_log, mlflow_runs, parquet
from workbench.exchange.chat_lines import Wanted, export_chat

INSPECT = Path(__file__).parent / "inspect"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 100 dev and 100 test rows, 80 of each right."""
    return Mood(tmp_path_factory.mktemp("mood")).run(share(0.8))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# Chat lines


def test_a_chat_line_is_what_was_asked_and_what_was_answered(run: Path, tmp_path: Path) -> None:
    done = export_chat(run, tmp_path / "out.jsonl", Wanted(), Loader())
    found = lines(done.file)
    one = chosen.choose(run, None, "dev", Loader())
    assert (done.rows, done.approach, done.omitted) == (100, "zero_shot", ())
    asked = one.approach.prompts([row.example.query() for row in one.rows], Loader())
    for line, row in zip(found, one.rows, strict=True):
        turns = [Message(turn["role"], turn["content"]) for turn in line["messages"]]
        assert tuple(turns[:-1]) == asked[row.example.id]
        assert turns[-1] == Message("assistant", row.prediction.text)
        assert line.keys() == {"messages"}


def test_only_right_answers_or_the_gold_ones_may_be_wanted(run: Path, tmp_path: Path) -> None:
    right = export_chat(run, tmp_path / "right.jsonl", Wanted(right=True), Loader())
    assert right.rows == 80
    assert [one.why for one in right.omitted] == ["20 rows were not answered right"]
    gold = export_chat(run, tmp_path / "gold.jsonl", Wanted(gold=True, split="test"), Loader())
    assert gold.rows == 100
    assert {line["messages"][-1]["content"] for line in lines(gold.file)} == {"calm", "angry", "sad"}


def test_text_is_written_as_it_is(run: Path) -> None:
    one = chosen.choose(run, None, "dev", Loader())
    row = one.rows[0]
    said = '<b>"né"\n\u2028😀</b> \ud83d'
    prediction = type(row.prediction)(row.prediction.id, said, "stop")
    (line,) = chat_lines.lines(one, [type(row)(row.example, prediction, {}, None)], False, Loader())
    assert line["messages"][-1]["content"] == said
    assert parquet.whole(said) == '<b>"né"\n\u2028😀</b> \\ud83d'


# Parquet


def test_the_table_has_a_line_for_each_row_with_its_scores(run: Path, tmp_path: Path) -> None:
    import pyarrow.parquet

    done = parquet.export_table(run, tmp_path / "out.parquet", "test", Loader())
    table = pyarrow.parquet.read_table(done.file).to_pylist()
    assert len(table) == done.rows == 100
    assert sum(line["score.label"] for line in table) == 80
    one = chosen.choose(run, None, "test", Loader())
    for line, row in zip(table, one.rows, strict=True):
        assert (line["id"], line["text"], line["failure"]) == (
            row.example.id,
            row.prediction.text,
            row.failure,
        )
        assert json.loads(line["fields"]) == dict(row.example.fields)
    assert {line["approach"] for line in table} == {"zero_shot"}
    assert "the decision: not in the table" in [one.why for one in done.omitted]


# Inspect


def shape(value: Any, of: Any, place: str = "") -> list[str]:
    """Where a value has a key, or a kind of value, that the other has not."""
    if isinstance(value, dict) and isinstance(of, dict):
        free = place.endswith((".metadata", ".scores", ".model_usage", ".task_args", "config"))
        faults = [] if free else [f"{place}.{key}" for key in value if key not in of]
        return faults + [
            f for key in value if key in of for f in shape(value[key], of[key], f"{place}.{key}")
        ]
    if isinstance(value, list) and isinstance(of, list):
        one = {k: v for d in of for k, v in d.items()} if of and isinstance(of[0], dict) else (of or [""])[0]
        return [f for item in value for f in shape(item, one, f"{place}[]")]
    alike = (isinstance(value, (int, float)) and isinstance(of, (int, float))) or type(value) is type(of)
    return [] if alike or place.endswith((".value", ".target")) else [f"{place} is {type(value).__name__}"]


def test_the_inspect_log_has_the_shape_of_inspects_own(run: Path, tmp_path: Path) -> None:
    done = inspect_log.export_log(run, tmp_path / "log.json", "dev", Loader())
    ours = json.loads(done.file.read_text(encoding="utf-8"))
    theirs = json.loads((INSPECT / "a.json").read_text(encoding="utf-8"))
    assert theirs["eval"]["packages"] == {"inspect_ai": "0.3.285"}
    known = {".eval.solver", ".eval.metadata", ".eval.dataset.name"}
    assert set(shape(ours, theirs)) - known == set()
    assert ours["results"]["scores"][0]["metrics"]["accuracy"]["value"] == 0.8
    sample = ours["samples"][3]
    assert sample["messages"][-1]["content"] == sample["output"]["completion"]
    assert {s["epoch"] for s in ours["samples"]} == {1}


def test_a_row_in_error_has_its_error_and_no_score(run: Path) -> None:
    one = chosen.choose(run, None, "dev", Loader())
    row = one.rows[0]
    prediction = type(row.prediction)(row.example.id, "", "error", error="the line is dead")
    lost = type(row)(row.example, prediction, {}, "error")
    found = inspect_log._sample(lost, [Message("user", "?")], "m", one)
    assert found["error"]["message"] == "the line is dead"
    assert (found["scores"], found["output"]["choices"]) == ({}, [])


@pytest.mark.full
def test_inspect_reads_the_log_back(run: Path, tmp_path: Path) -> None:
    python = os.environ.get("INSPECT_PYTHON")
    if not python:
        pytest.skip("INSPECT_PYTHON names no Python that has inspect_ai")
    inspect_log.export_log(run, tmp_path / "log.json", "dev", Loader())
    said = subprocess.run(
        [
            python,
            "-c",
            "import sys; from inspect_ai.log import read_eval_log as read; log = read(sys.argv[1])\n"
            "print(log.status, len(log.samples), log.results.scores[0].metrics['accuracy'].value,"
            " sum(s.scores['label'].as_float() for s in log.samples), log.samples[0].messages[-1].text)",
            str(tmp_path / "log.json"),
        ],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert said.stdout.split() == ["success", "100", "0.8", "80.0", "calm"], said.stderr


# MLflow


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder that MLflow may keep runs in."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return tmp_path / "store"


def test_mlflow_has_a_run_with_one_nested_for_each_approach(run: Path, store: Path) -> None:
    tracking = pytest.importorskip("mlflow.tracking")
    done = mlflow_runs.export_runs(run, str(store), "moods")
    client = tracking.MlflowClient(tracking_uri=store.as_uri())
    at = client.get_experiment_by_name("moods").experiment_id
    found = {one.info.run_name: one for one in client.search_runs([at])}
    outer, inner = found[run.name], found["zero_shot"]
    decision = json.loads((run / "decision.json").read_text(encoding="utf-8"))
    assert outer.info.run_id == done.run
    assert outer.data.tags["verdict"] == decision["verdict"]
    assert inner.data.tags["mlflow.parentRunId"] == done.run
    (entry,) = decision["approaches"]
    assert inner.data.metrics["test.label"] == entry["test"]["label"]["value"]
    assert inner.data.metrics["dev.label.low"] == entry["dev"]["label"]["low"]
    assert inner.data.metrics["failures.wrong"] == entry["failures"]["wrong"]
    assert inner.data.params["hash"] == entry["hash"]
    assert {one.path for one in client.list_artifacts(done.run)} >= {"decision.json", "report.html"}
    assert {outer.info.status, inner.info.status} == {"FINISHED"}


def test_a_run_is_logged_once_and_again_only_when_forced(run: Path, store: Path) -> None:
    tracking = pytest.importorskip("mlflow.tracking")
    to = str(store)
    first = mlflow_runs.export_runs(run, to, None)
    assert first.experiment == "mood"
    with pytest.raises(RunError, match="was logged to the experiment 'mood' already"):
        mlflow_runs.export_runs(run, to, None)
    second = mlflow_runs.export_runs(run, to, None, force=True)
    client = tracking.MlflowClient(tracking_uri=store.as_uri())
    at = client.get_experiment_by_name("mood").experiment_id
    left = {one.info.run_id for one in client.search_runs([at])}
    assert second.run in left and first.run not in left and len(left) == 2


def test_what_mlflow_refuses_is_said(run: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "false")
    with pytest.raises(RunError, match="MLflow refuses: The filesystem"):
        mlflow_runs.export_runs(run, str(store), None)


def test_names_of_metrics_are_ones_that_mlflow_takes() -> None:
    found = mlflow_runs.figures(
        {"dev": {"label where lang=de": {"value": 0.5, "low": None, "high": 1, "n": 4}}, "failures": {}}
    )
    assert found == {
        "dev.label where lang_de": 0.5,
        "dev.label where lang_de.high": 1,
        "dev.label where lang_de.n": 4,
    }


# All


@pytest.mark.parametrize("form", ["jsonl", "parquet", "inspect"])
def test_a_file_that_is_there_is_kept_unless_forced(
    form: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "out.json"
    file.write_text("mine")
    words = ["export", form, str(run), "-o", str(file)]
    assert wb(words) == 1
    assert file.read_text() == "mine" and "is there already" in capsys.readouterr().err
    assert wb([*words, "--force"]) == 0
    assert file.read_bytes() != b"mine" and "wrote" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]
    assert wb(["export", form, str(run), "-o", str(tmp_path)]) == 1


def test_what_was_left_out_is_said(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert wb(["export", "jsonl", str(run), "--right", "-o", str(tmp_path / "a.jsonl"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rows"] == 80 and "20 rows" in found["left_out"][0]["why"]


def test_a_split_or_approach_without_rows_is_refused(tmp_path: Path) -> None:
    dev_only = Mood(tmp_path).run(share(0.8), dev_only=True)
    file = tmp_path / "out.json"
    with pytest.raises(RunError, match="has no test rows of zero_shot"):
        export_chat(dev_only, file, Wanted(split="test"), Loader())
    with pytest.raises(RunError, match="has no row to export"):
        parquet.export_table(dev_only, file, "test", Loader())
    with pytest.raises(RunError, match="no approach 'zero_shots'.*Did you mean"):
        export_chat(dev_only, file, Wanted("zero_shots"), Loader())
    with pytest.raises(RunError, match="tells a log's form by its name"):
        inspect_log.export_log(dev_only, tmp_path / "out.log", "dev", Loader())
    assert not file.exists()
