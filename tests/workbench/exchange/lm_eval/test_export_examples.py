"""The shipped examples exported to lm-eval: 40 dev rows each, scores equal in fp32, row by row."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from evals.models import Loader
from evals.models.local import LocalModel
from tests.workbench.exchange.lm_eval.test_export import found, theirs
from workbench.assess import assess
from workbench.exchange.lm_eval.export import export_task
from workbench.runs import Scope
from workbench.session import Plan

EXAMPLES = Path(__file__).parents[4] / "examples"
ROWS = 40


@pytest.mark.full
@pytest.mark.parametrize(
    ("example", "rung", "metric"),
    [("intents", "few_shot", "label"), ("tickets", "system_prompt", "json_fields")],
)
def test_an_example_scores_there_as_here(
    example: str, rung: str, metric: str, models: Loader, smollm: LocalModel, tmp_path: Path
) -> None:
    folder = tmp_path / example
    shutil.copytree(EXAMPLES / example, folder)
    task = (folder / "task.yaml").read_text()
    named = task.replace("model: smollm2-135m", "model: {name: smollm2-135m, dtype: float32}")
    (folder / "task.yaml").write_text(named)
    scope = Scope(only=(rung,), limit=ROWS, dev_only=True)
    run, _ = assess(Plan(folder / "task.yaml", tmp_path / "runs", scope), models)
    exported = export_task(run.folder, rung, tmp_path / "out", models, split="dev")
    ours = found(run.folder, rung, metric)
    assert len(ours) == ROWS
    for name, values in theirs(exported, smollm, metric).items():
        differing = sum(abs(a - b) > 1e-9 for a, b in zip(values, ours, strict=True))
        print(f"{example} {rung} {metric}: {name} {sum(values) / ROWS:.4f}, the run {sum(ours) / ROWS:.4f}, ")
        print(f"  {differing} of {ROWS} rows differ")
        assert differing == 0
