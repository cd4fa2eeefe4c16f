"""What a task names to see what a training forgets: a text of its own, or a task of lm-eval on local rows."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from evals.errors import TaskError
from evals.metrics import amount
from evals.models.lm_eval_task import read_config, score_rows
from evals.task import ForgettingSpec
from evals.types import Measured, ModelRef
from tests import harness
from tests.tiny import tiny
from tests.tuning.school import rows, save_model, start, work
from tuning.forgetting import passages
from tuning.lora import Lora
from tuning.recipe import Recipe
from tuning.settings import Settings
from tuning.sft import Sft
from tuning.soft import PromptTuning

CHOOSING: dict[str, Any] = {
    "task": "choosing",
    "output_type": "multiple_choice",
    "doc_to_text": "q",
    "doc_to_choice": "choices",
    "doc_to_target": "right",
    "metric_list": [{"metric": "acc"}],
}
DOCS = [
    {"q": f"w{n} w{n + 1}", "choices": [f"w{5 + n % 7}", f"w{90 + n}"], "right": n % 2} for n in range(24)
]


def choosing(folder: Path, **changes: Any) -> Path:
    path = harness.write_task(folder, CHOOSING, DOCS)
    config = {**yaml.safe_load(path.read_text()), "dataset_kwargs": {"data_files": {"test": "test.jsonl"}}}
    path.write_text(yaml.safe_dump({**config, **changes}))
    return path


def asking(folder: Path, spec: ForgettingSpec, base: Path) -> Any:
    return work(folder, start(base), task=SimpleNamespace(requirements=(), forgetting=spec))


def test_the_scores_are_lm_evals_own_row_by_row(tmp_path: Path) -> None:
    model, path = tiny(), choosing(tmp_path)
    found = score_rows(path, model)
    theirs = harness.run(
        harness.stock(model), harness.write_task(tmp_path / "b", CHOOSING, DOCS).parent, ["choosing"]
    )
    assert (found.task, found.metric, len(found.values)) == ("choosing", "acc", len(DOCS))
    samples = {str(sample["doc_id"]): sample["acc"] for sample in theirs["samples"]["choosing"]}
    assert found.values == samples
    assert 0 < found.mean < 1


@pytest.mark.parametrize("method", [Lora(), PromptTuning()], ids=["lora", "soft prompt"])
def test_a_training_says_by_how_much_the_score_fell(method: Any, tmp_path: Path) -> None:
    base, task = save_model(tmp_path / "base"), choosing(tmp_path / "task")
    plan = Settings(epochs=2, learning_rate=3e-2, patience=9)
    fit = asking(tmp_path / "fit", ForgettingSpec(lm_eval=task), base)
    tuned = Recipe(method, Sft(), plan).fit(rows("t", 32), rows("d", 6), fit)
    record = json.loads((tmp_path / "fit" / "training.json").read_text())
    found = record["forgetting"]
    before = score_rows(task, fit.models.open(ModelRef(str(base), dtype="float32")))
    after = score_rows(task, fit.models.open(tuned.model))
    assert (found["task"], found["metric"]) == ("choosing", "acc")
    assert (found["before"], found["after"]) == (round(before.mean, 4), round(after.mean, 4))
    assert before.values != after.values
    measured = Measured("lora", "1", "tuned", "scored", training=record)
    shown = amount("forgetting_loss", measured, (), SimpleNamespace(), 0.95)  # type: ignore[arg-type]
    assert shown.value == pytest.approx(before.mean - after.mean, abs=1e-4)
    assert shown.n == len(DOCS)
    assert shown.low is not None and shown.low <= (shown.value or 0) <= (shown.high or 0)


def test_a_text_of_ones_own_is_read_in_passages(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text(" ".join(f"w{n % 300}" for n in range(3000)))
    found = passages(tiny().renderer, 60, text)
    assert len(found) == 24
    assert all(piece.id.startswith("notes.txt:") and len(piece) == 60 for piece in found)
    text.write_text("too short")
    with pytest.raises(TaskError, match="has 9 characters, too few"):
        passages(tiny().renderer, 60, text)
    with pytest.raises(TaskError, match="cannot be read as text"):
        passages(tiny().renderer, 60, tmp_path / "none.txt")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"dataset_path": "allenai/arc"}, "would be downloaded: dataset_path is 'allenai/arc'"),
        ({"dataset_kwargs": {}}, "would be downloaded"),
        ({"dataset_kwargs": {"data_files": {"test": "none.jsonl"}}}, "there is no file 'none.jsonl'"),
        ({"dataset_kwargs": {"data_files": "https://example.com/a.jsonl"}}, "there is no file"),
        ({"include": "other.yaml"}, "it has the key include"),
        ({"task": ["a", "b"]}, "it names no task"),
    ],
)
def test_what_would_be_fetched_is_refused_by_name(changes: dict[str, Any], why: str, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=why):
        read_config(choosing(tmp_path, **changes))


def test_a_task_that_is_none_runs_code_or_has_no_score_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="there is no such file"):
        read_config(tmp_path / "none.yaml")
    code = tmp_path / "code.yaml"
    code.write_text("task: a\nprocess_results: !function utils.run\n")
    with pytest.raises(TaskError, match="it runs code"):
        read_config(code)
    code.write_bytes(b"task: caf\xe9\n")
    with pytest.raises(TaskError, match="it is no YAML"):
        read_config(code)
    with pytest.raises(TaskError, match="has no score of each row between 0 and 1"):
        score_rows(choosing(tmp_path / "b", metric_list=[{"metric": "brier_score"}]), tiny())
    with pytest.raises(TaskError, match="cannot be asked as a task of lm-eval"):
        score_rows(choosing(tmp_path / "c", doc_to_text="{{nothing}}"), tiny())
