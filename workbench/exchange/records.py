"""Results of another tool as a run folder, which `wb compare`, `wb gate` and `wb report` read as any other.

Rows, answers and scores are those of the tool: each metric is a grader `recorded`, whose scores are on disk
and never made again. All rows are dev rows: their text is shown, and nothing of them is a look at a test set.
The run binds nothing.
"""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evals.errors import RunError
from evals.examples import row_hash
from evals.graders import GRADERS
from evals.models import Loader
from evals.requirements import is_built_in
from evals.run import kept_in, record_scores
from evals.store import digest, plain, write_json, write_lines, write_text
from evals.task import load_task
from evals.types import Example, Json, ModelRef, Prediction, Score
from workbench.evidence import Entry, Ladder, conclude, read_evidence, write_examples, write_ladder
from workbench.runs import FORMAT, Run, Scope, enter

AT_LEAST = 0.5


@dataclass(frozen=True)
class Record:
    """What a tool said of one row: the row, the answer, and its scores in [0, 1] by metric."""

    example: Example
    answer: Prediction
    scores: Mapping[str, float]


@dataclass(frozen=True)
class Results:
    """One task's results of one model. `metrics` maps each metric to how it is computed there, as far as
    scores hang on it; `asked` is how the model was asked, which a comparison shows; `started` is ISO time in
    UTC, `versions` those of the tool."""

    tool: str
    task: str
    model: str
    fingerprint: str
    records: Sequence[Record]
    metrics: Mapping[str, Json]
    asked: Mapping[str, Json]
    started: str
    source: Path
    versions: Mapping[str, str] = field(default_factory=dict)


def free_name(metric: str) -> str:
    """The name of a tool's metric here: its own, in letters that a name may have, and no grader's."""
    name = re.sub(r"[^A-Za-z0-9_-]", "-", metric)
    name = name if name[:1].isalpha() else f"m-{name}"
    return f"{name}-recorded" if name in GRADERS or is_built_in(name) else name[:64]


def write_run(results: Results, out: Path) -> Run:
    """Write the results as a run folder under `out`, named by their time and content, and conclude it.

    Raises RunError when there is nothing to compare, or when they were imported before.
    """
    if not results.records or not results.metrics:
        raise RunError("has no scores between 0 and 1, row by row", where=results.source)
    rows = [row_hash(record.example) for record in results.records]
    stamp = "".join(c for c in results.started[:19] if c.isalnum()) + "Z"
    content = digest([results.task, results.model, rows, [r.answer.text for r in results.records]], 12)
    run = Run(out / results.task / f"{stamp}-{content}")
    if (run.folder / "decision.json").is_file():
        raise RunError("these results were imported already", where=run.folder)
    key = digest([results.model, results.fingerprint, results.asked], 12)
    _write_task(run, results)
    _write_start(run, results)
    write_examples(run, {"dev": [record.example for record in results.records]})
    write_lines(run.folder / "looks.jsonl", [])
    _write_spec(run.approach(results.tool, key), results)
    note = f"imported from {results.tool}: the threshold is not the task's, and all rows are dev rows"
    entry = Entry(results.tool, key, key, splits=("dev",))
    write_ladder(run, Ladder(content, binding=False, notes=(note,), entries=(entry,), ended=True))
    _write_answers(run, run.approach(results.tool, key), results)
    enter(run)
    conclude(run, Loader())
    return run


def _write_task(run: Run, results: Results) -> None:
    """A task.yaml that says what was scored; its graders stand for the tool's metrics."""
    graders = [
        {"name": "recorded", "as": name, "tool": results.tool, "metric": name, "rules": digest(rules)}
        for name, rules in results.metrics.items()
    ]
    task = {
        "name": results.task,
        "model": results.model,
        "data": {"eval": "examples.jsonl"},
        "prompt": {"instruction": f"As {results.tool} asked it."},
        "output": "text",
        "graders": graders,
        "requirements": [{"metric": next(iter(results.metrics)), "at_least": AT_LEAST, "kind": "quality"}],
    }
    write_text(run.folder / "task.yaml", json.dumps(task, ensure_ascii=False, indent=2) + "\n")
    load_task(run.folder / "task.yaml")


def _write_start(run: Run, results: Results) -> None:
    write_json(
        run.folder / "provenance.json",
        {
            "format": FORMAT,
            "scope": Scope(dev_only=True),
            "started": results.started,
            "task_file": str(run.folder / "task.yaml"),
            "data": {"hash": digest([row_hash(r.example) for r in results.records]), "files": {}},
            "model": results.fingerprint,
            "seed": 0,
            "versions": {"python": platform.python_version(), **results.versions},
            "imported": str(results.source),
            "commands": {"incomplete": f"wb import {results.tool}"},
        },
    )


def _write_spec(folder: Path, results: Results) -> None:
    """What a comparison shows of how the model was asked; it cannot be asked from here."""
    write_json(
        folder / "spec.json",
        {
            "version": 0,
            "name": results.tool,
            "model": ModelRef(results.model),
            "prompt": {"shots": None, **results.asked},
        },
    )


def _write_answers(run: Run, folder: Path, results: Results) -> None:
    graders = read_evidence(run).graders
    write_lines(
        kept_in(folder, "predictions"),
        [{"split": "dev", **plain(record.answer)} for record in results.records],
    )
    pairs = [(record.example, record.answer) for record in results.records]
    scores = [
        Score(record.example.id, name, value, None, None if value >= 1 else "wrong", "", repeat=0)
        for record in results.records
        for name, value in record.scores.items()
    ]
    record_scores(graders, pairs, scores, kept_in(folder, "scores"), "dev")
