"""Results that lm-eval wrote, as run folders: what it scored, compared row by row."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from evals.errors import RunError
from evals.models import Loader
from evals.models.lm_eval import Workbench
from tests import harness
from tests.tiny import tiny
from workbench.cli.main import run
from workbench.comparison.compare import compare_runs, to_json
from workbench.evidence import conclude, read_evidence
from workbench.exchange.lm_eval.logs import import_results
from workbench.runs import Run

ROWS: list[dict[str, Any]] = [
    {"q": f"w{n} w{n + 1} w{3 * n}", "choices": [f"w{5 + n % 7}", "w90 w91"], "right": n % 2}
    for n in range(5, 35)
]
CHOOSING = {
    "task": "choosing",
    "output_type": "multiple_choice",
    "doc_to_text": "q",
    "doc_to_choice": "choices",
    "doc_to_target": "right",
    "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}, {"metric": "brier_score"}],
}
SAYING = {
    "task": "saying",
    "output_type": "generate_until",
    "doc_to_text": "q",
    "doc_to_target": "{{choices[0]}}",
    "generation_kwargs": {"until": [], "max_gen_toks": 3},
    "metric_list": [{"metric": "exact_match"}, {"metric": "bleu"}],
    "filter_list": [
        {"name": "first",
         "filter": [{"function": "regex", "regex_pattern": "(w[0-9]+)"}, {"function": "take_first"}]},
        {"name": "whole", "filter": [{"function": "take_first"}]},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The results files of two random models, and of one with shots."""
    folder = tmp_path_factory.mktemp("tasks")
    for config in (CHOOSING, SAYING):
        shots = {"fewshot_split": "train"} if config is CHOOSING else {}
        harness.write_task(folder / str(config["task"]), {**config, **shots}, ROWS, train=ROWS[:3])
    one, other = Workbench(model=tiny()), Workbench(model=tiny(seed=3))
    out = tmp_path_factory.mktemp("results")
    return {
        "one": harness.logged(one, folder, ["choosing", "saying"], out / "one"),
        "other": harness.logged(other, folder, ["choosing"], out / "other"),
        "shots": harness.logged(one, folder, ["choosing"], out / "shots", num_fewshot=2),
    }


def figures(file: Path, task: str) -> dict[str, float]:
    """lm-eval's own, by metric and filter."""
    found = json.loads(file.read_text())["results"][task]
    return {key: value for key, value in found.items() if "," in key and "stderr" not in key}


def test_the_scores_are_lm_evals_own(results: dict[str, Path], tmp_path: Path) -> None:
    runs, omitted = import_results(results["one"], tmp_path)
    assert [run.folder.parent.name for run in runs] == ["choosing", "saying"]
    for found in runs:
        evidence = read_evidence(found)
        (measured,) = evidence.measured(Loader())
        theirs = figures(results["one"], evidence.task.name)
        rows = measured.rows["dev"]
        assert len(rows) == len(ROWS)
        for grader in evidence.graders:
            metric, _, one = grader.name.partition("-")
            mean = sum(row.scores[grader.name].value for row in rows) / len(rows)
            assert mean == pytest.approx(theirs[f"{metric},{one or 'none'}"])
    assert [grader.name for grader in read_evidence(runs[0]).graders] == ["acc", "acc_norm"]
    assert [one.sentence().partition(": ")[2] for one in omitted] == [
        "choosing.brier_score: its rows have no values between 0 and 1",
        "saying.bleu: its rows have no values between 0 and 1",
    ]


def test_a_multiple_choice_shows_the_choice_and_a_generation_the_text(
    results: dict[str, Path], tmp_path: Path
) -> None:
    choosing, saying = import_results(results["one"], tmp_path)[0]
    for found, texts in ((choosing, {"w90 w91", *(row["choices"][0] for row in ROWS)}), (saying, None)):
        (path,) = found.folder.glob("approaches/*/predictions.jsonl")
        said = [json.loads(line)["text"] for line in path.read_text().splitlines()]
        assert len(set(said)) > 3
        assert texts is None or set(said) <= texts
        assert texts is not None or all(len(text.split()) <= 3 for text in said)


def test_two_models_are_compared_on_the_same_rows(results: dict[str, Path], tmp_path: Path) -> None:
    (a, _), (b,) = (import_results(results[name], tmp_path)[0] for name in ("one", "other"))
    found = to_json(compare_runs(a.folder, b.folder, None, Loader()))
    metric = found["splits"]["dev"]["metrics"]["acc"]  # type: ignore[index,call-overload]
    mine, theirs = (figures(results[name], "choosing")["acc,none"] for name in ("one", "other"))
    assert (metric["a"], metric["b"]) == (pytest.approx(mine, abs=1e-5), pytest.approx(theirs, abs=1e-5))
    assert metric["n"] == len(ROWS) and metric["low"] <= metric["difference"] <= metric["high"]


def test_results_of_the_same_second_are_runs_of_their_own(results: dict[str, Path], tmp_path: Path) -> None:
    (date, changed) = (json.loads(results["one"].read_text())["date"], tmp_path / "changed")
    shutil.copytree(results["other"].parent, changed)
    (file,) = changed.glob("results_*.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), "date": date}))
    (a, _), (b,) = (import_results(path, tmp_path / "runs")[0] for path in (results["one"], file))
    assert a.id.partition("-")[0] == b.id.partition("-")[0] and a.id != b.id


def test_other_shots_are_told_and_compared(
    results: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "shots"):
        log, out = results[name].parents[1], tmp_path / name
        assert run(["import", "lm-eval-log", str(log), "--out", str(out), "--json"]) == 0
    told = capsys.readouterr().out
    assert told.count('"runs"') == 2
    (a,), (b,) = ((tmp_path / name / "choosing").glob("2*") for name in ("one", "shots"))
    assert run(["compare", str(a), str(b)]) == 0
    assert "num_fewshot (0 → 2)" in capsys.readouterr().out


def test_scores_by_other_rules_are_not_compared(results: dict[str, Path], tmp_path: Path) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(results["other"].parent, changed)
    (file,) = changed.glob("results_*.json")
    whole = json.loads(file.read_text())
    whole["configs"]["choosing"]["metric_list"][0]["ignore_case"] = True
    file.write_text(json.dumps(whole))
    (a, _), (b,) = (import_results(path, tmp_path / "runs")[0] for path in (results["one"], file))
    with pytest.raises(RunError, match="the grader acc, acc_norm is not the same"):
        compare_runs(a.folder, b.folder, None, Loader())


def test_it_is_a_run_folder_like_any_other(results: dict[str, Path], tmp_path: Path) -> None:
    (found,) = import_results(results["other"], tmp_path)[0]
    decision = json.loads((found.folder / "decision.json").read_text())
    assert decision["binding"] is False and "imported from lm-eval" in " ".join(decision["notes"])
    before = (found.folder / "decision.json").read_bytes()
    conclude(Run(found.folder), Loader())
    assert (found.folder / "decision.json").read_bytes() == before
    assert (tmp_path / "choosing" / "latest").read_text().strip() == found.id
    with pytest.raises(RunError, match="these results were imported already"):
        import_results(results["other"], tmp_path)


def test_what_is_no_result_is_said(results: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no results of lm-eval"):
        import_results(tmp_path, tmp_path / "runs")
    alone = tmp_path / results["other"].name
    shutil.copy(results["other"], alone)
    with pytest.raises(RunError, match="without it there are no rows to compare"):
        import_results(alone, tmp_path / "runs")
    alone.write_text("{}")
    with pytest.raises(RunError, match="is damaged"):
        import_results(alone, tmp_path / "runs")
