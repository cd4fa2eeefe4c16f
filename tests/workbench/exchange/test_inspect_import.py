"""Inspect's logs as run folders.

`inspect/*.json` were written by inspect_ai 0.3.285 with its mock model (their events are cut out): a and
b are the same samples answered otherwise, c has two epochs with all that goes wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evals.errors import DataError, RunError
from evals.models import Loader
from tests.workbench.mood import Mood, share
from workbench.cli.main import run as wb
from workbench.comparison.compare import compare_runs, to_json
from workbench.evidence import read_evidence
from workbench.exchange.chosen import choose
from workbench.exchange.inspect_log import export_log
from workbench.exchange.inspect_run import import_log
from workbench.runs import Run

LOGS = Path(__file__).parent / "inspect"


def imported(name: str, folder: Path) -> Path:
    return import_log(LOGS / f"{name}.json", folder / name).run


def changed(folder: Path, change: Callable[[Any], Any], name: str = "a") -> Path:
    log = json.loads((LOGS / f"{name}.json").read_text(encoding="utf-8"))
    change(log)
    path = folder / "changed.json"
    path.write_text(json.dumps(log))
    return path


def test_two_logs_of_the_same_samples_are_compared_row_by_row(tmp_path: Path) -> None:
    found: Any = to_json(compare_runs(imported("a", tmp_path), imported("b", tmp_path), None, Loader()))
    dev = found["splits"]["dev"]
    assert (dev["rows"], dev["better"], dev["worse"]) == (6, 1, 1)
    assert {flip["id"]: (flip["first"], flip["second"]) for flip in dev["flips"]} == {
        "q3": (0, 1),
        "q5": (1, 0),
    }
    for metric in ("match", "includes"):
        assert dev["metrics"][metric]["a"] == dev["metrics"][metric]["b"] == pytest.approx(5 / 6, abs=1e-4)


def test_scores_are_inspects_own(tmp_path: Path) -> None:
    log = json.loads((LOGS / "a.json").read_text(encoding="utf-8"))
    one = choose(imported("a", tmp_path), None, "dev", Loader())
    for row, sample in zip(one.rows, log["samples"], strict=True):
        assert row.prediction.text == sample["output"]["completion"]
        assert (row.example.input, row.example.target) == (sample["input"], sample["target"])
        assert row.example.fields == sample["metadata"]
        for scorer, score in sample["scores"].items():
            assert row.scores[scorer].value == (score["value"] == "C")
    decision = json.loads((tmp_path / "a" / "decision.json").read_text(encoding="utf-8"))
    value = decision["approaches"][0]["dev"]["match"]["value"]
    accuracy = log["results"]["scores"][0]["metrics"]["accuracy"]["value"]
    assert value == pytest.approx(accuracy, abs=1e-4)
    assert decision["binding"] is False


def test_epochs_errors_and_stops_are_kept_and_what_is_not_is_listed(tmp_path: Path) -> None:
    done = import_log(LOGS / "c.json", tmp_path / "c")
    one = choose(done.run, None, "dev", Loader())
    assert (done.rows, len(one.rows)) == (6, 12)
    assert dict(done.scorers) == {
        "includes": "includes",
        "parts_tone": "parts_tone",
        "parts_form": "parts_form",
    }
    of = {(row.example.id, row.prediction.repeat): row for row in one.rows}
    lost = of["5", 1]
    assert (lost.failure, lost.scores, lost.prediction.error) == (
        "error",
        {},
        "RuntimeError('no answer came')",
    )
    assert (of["2", 0].failure, of["3", 0].failure, of["2", 1].failure) == ("truncated", "refused", "wrong")
    assert of["1", 1].scores["parts_form"].value == 0.5
    assert of["1", 0].example.references == ("italy",)
    keys = {omitted.key for omitted in done.omitted}
    assert keys == {"scores.length"}
    assert json.loads((done.run / "left_out.json").read_text())["left_out"][0]["key"] == "scores.length"


def test_reading_the_folder_again_grades_nothing_anew(tmp_path: Path) -> None:
    run = imported("c", tmp_path)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert wb(["report", str(run), "--exit-zero", "-q"]) == 0
    assert {path: path.read_bytes() for path in before} == before


def test_logs_of_other_samples_or_scorers_are_refused(tmp_path: Path) -> None:
    def other_target(log: Any) -> None:
        log["samples"][2]["target"] = "Sweden"

    def other_option(log: Any) -> None:
        for scorer in log["eval"]["scorers"]:
            scorer["options"] = {"location": "any"}

    a = imported("a", tmp_path)
    b = import_log(changed(tmp_path, other_target), tmp_path / "b").run
    with pytest.raises(RunError, match="1 dev rows have changed"):
        compare_runs(a, b, None, Loader())
    c = import_log(changed(tmp_path, other_option), tmp_path / "other").run
    with pytest.raises(RunError, match="the grader match, includes is not the same"):
        compare_runs(a, c, None, Loader())


def test_what_was_exported_is_imported_as_it_was(tmp_path: Path) -> None:
    run = Mood(tmp_path / "mood").run(share(0.8), dev_only=True)
    export_log(run, tmp_path / "log.json", "dev", Loader())
    done = import_log(tmp_path / "log.json", tmp_path / "back")
    assert dict(done.scorers) == {"label": "inspect_label"}
    ours, theirs = (choose(path, None, "dev", Loader()).rows for path in (run, done.run))
    for mine, other in zip(ours, theirs, strict=True):
        assert (mine.prediction.text, mine.prediction.usage) == (
            other.prediction.text,
            other.prediction.usage,
        )
        assert mine.scores["label"].value == other.scores["inspect_label"].value


def test_an_answer_that_a_scorer_left_out_is_missing_from_its_metric(tmp_path: Path) -> None:
    def half(log: Any) -> None:
        del log["samples"][0]["scores"]["includes"]

    run = import_log(changed(tmp_path, half), tmp_path / "half").run
    one = choose(run, None, "dev", Loader())
    assert [row.scores["includes"].judged for row in one.rows] == [False, *[True] * 5]
    decision = json.loads((run / "decision.json").read_text(encoding="utf-8"))
    assert decision["approaches"][0]["dev"]["includes"]["n"] == 5


def test_a_folder_is_replaced_only_when_it_is_a_run_and_by_force(tmp_path: Path) -> None:
    run = imported("a", tmp_path)
    with pytest.raises(RunError, match="has something in it"):
        imported("a", tmp_path)
    assert import_log(LOGS / "b.json", run, force=True).run == run
    evidence = read_evidence(Run(run))
    assert evidence.provenance["imported"]["from"] == "b.json"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("x")
    with pytest.raises(RunError, match="has something in it"):
        import_log(LOGS / "a.json", tmp_path / "mine", force=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "mine"]


def nothing_scored(log: Any) -> None:
    for sample in log["samples"]:
        sample["scores"] = {"tone": {"value": "warm"}}


def contradicting(log: Any) -> None:
    log["samples"][1] = {**log["samples"][0], "target": "x"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda log: log.pop("eval"), "is no Inspect log"),
        (lambda log: log.update(version=1), "of version 1, not 2"),
        (lambda log: log.update(samples=[]), "has no samples"),
        (lambda log: log["samples"][0].pop("target"), "is no Inspect log of version 2"),
        (contradicting, "two samples 'q0' that differ"),
        (nothing_scored, "has no score from 0 to 1"),
    ],
)
def test_what_is_no_log_is_said_and_nothing_is_written(
    change: Callable[[Any], Any], why: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=why):
        import_log(changed(tmp_path, change), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["changed.json"]


def test_files_of_other_kinds_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.eval").write_bytes(b"PK\x03\x04")
    (tmp_path / "a.json").write_text("{")
    for name, why in (
        ("a.eval", "in the format .eval"),
        ("a.json", "is not JSON"),
        ("none", "cannot be read"),
    ):
        with pytest.raises(DataError, match=why):
            import_log(tmp_path / name, tmp_path / "out")
