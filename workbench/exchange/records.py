"""Results of another tool as a run folder, which `wb compare`, `wb gate` and `wb report` read as any other.

Rows, answers and scores are those of the tool: each metric is a grader `recorded`, whose scores are on disk
and never made again. All rows are dev rows: their text is shown, and nothing of them is a look at a test set.
The run binds nothing. It is written beside its place and put there whole.
"""

from __future__ import annotations

import json
import platform
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from baselines.approach import Prompted, save
from evals.errors import RunError
from evals.examples import row_hash
from evals.graders import GRADERS, of_task
from evals.models import Loader
from evals.requirements import is_built_in
from evals.run import kept_in, record_scores
from evals.store import digest, plain, write_json, write_lines, write_text
from evals.task import Task, load_task
from evals.types import Example, Json, ModelRef, Prediction, Score
from workbench.evidence import Entry, Ladder, conclude, write_examples, write_ladder
from workbench.exchange.omitted import Omitted, to_json
from workbench.runs import FORMAT, Run, Scope

AT_LEAST = 0.5
"""What is required of the first metric where nothing else is said."""


@dataclass(frozen=True)
class Metric:
    """A metric of the tool: its name there, and the hash of how it is computed there."""

    there: str
    rules: str


@dataclass(frozen=True)
class Asked:
    """How a model was asked, where that is no approach that could be asked from here: what is shown of it."""

    model: str
    prompt: Mapping[str, Json]

    @property
    def hash(self) -> str:
        return digest([self.model, self.prompt])


@dataclass(frozen=True)
class Results:
    """One task's results of one model, by the tool `tool` (`name` is what it is called here).

    `task` are the keys of task.yaml that say what was asked; `metrics` each metric by its name here, and
    `scores` what they gave, by (metric, repeat, row); an answer without an error that has no score there is
    missing from the metric. `started` is ISO time, `versions` those of the tool, `imported` where all came
    from.
    """

    tool: str
    name: str
    task: Mapping[str, Json]
    rows: Sequence[Example]
    answers: Sequence[Prediction]
    scores: Mapping[tuple[str, int, str], Score]
    metrics: Mapping[str, Metric]
    approach: Prompted | Asked
    fingerprint: str
    started: str
    imported: Mapping[str, Json]
    at_least: float = AT_LEAST
    versions: Mapping[str, str] = field(default_factory=dict)
    commit: str | None = None
    omitted: Sequence[Omitted] = ()

    @property
    def content(self) -> str:
        """What task, model, prompt, rows, answers and scores come to, in twelve letters."""
        rows = [row_hash(row) for row in self.rows]
        scores = [[*key, plain(score)] for key, score in self.scores.items()]
        answers = [a.text for a in self.answers]
        return digest([self.task["name"], self.approach.hash, self.fingerprint, rows, answers, scores], 12)


def free_name(metric: str, prefix: str) -> str:
    """The name of a tool's metric here: its own, in letters that a name may have, and no grader's."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", metric).strip("_-")[:50]
    taken = name in GRADERS or is_built_in(name) or not name[:1].isalpha()
    return f"{prefix}_{name}" if taken else name


def task_name(name: str) -> str:
    """A tool's name of a task, in letters that one may have here; "" where it has none of them."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:64]


def write_run(results: Results, folder: Path) -> Run:
    """Write the results as the run folder `folder`, in place of what is there, and conclude it. Raises
    RunError when there is no row or no metric to compare."""
    if not results.rows or not results.metrics:
        where = str(results.imported["from"])
        raise RunError("has no scores between 0 and 1, row by row", where=where)
    new = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    try:
        _write(Run(new), folder, results)
        conclude(Run(new), Loader())
        if folder.exists():
            shutil.rmtree(folder)
        new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return Run(folder)


def _write(run: Run, folder: Path, results: Results) -> None:
    """All files of the run folder but those that concluding writes."""
    task = _write_task(run, results)
    write_examples(run, {"dev": results.rows})
    write_lines(run.folder / "looks.jsonl", [])
    key = results.content
    approach = run.approach(results.name, key)
    _write_approach(approach, results)
    _write_answers(approach, task, results)
    note = f"imported from {results.tool}: the threshold is not the task's, and all rows are dev rows"
    entry = Entry(results.name, key, results.approach.hash, splits=("dev",))
    ladder = Ladder(results.content, binding=False, notes=(note,), entries=(entry,), ended=True)
    write_ladder(run, ladder)
    left_out = {"from": results.imported["from"], "left_out": to_json(results.omitted)}
    write_json(run.folder / "left_out.json", left_out)
    _write_start(run, folder, results)


def _write_task(run: Run, results: Results) -> Task:
    """A task.yaml that says what was scored; its graders stand for the tool's metrics."""
    graders = [
        {"name": "recorded", "as": name, "tool": results.tool, "metric": metric.there, "rules": metric.rules}
        for name, metric in results.metrics.items()
    ]
    first = next(iter(results.metrics))
    values = {
        **results.task,
        "data": {"eval": "examples.jsonl"},
        "output": "text",
        "graders": graders,
        "requirements": [{"metric": first, "at_least": results.at_least, "kind": "quality"}],
    }
    lines = (f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())
    write_text(run.folder / "task.yaml", "".join(lines))
    return load_task(run.folder / "task.yaml")


def _write_start(run: Run, folder: Path, results: Results) -> None:
    write_json(
        run.folder / "provenance.json",
        {
            "format": FORMAT,
            "scope": plain(Scope(dev_only=True)),
            "started": results.started,
            "task_file": str(folder / "task.yaml"),
            "data": {"hash": digest([row_hash(row) for row in results.rows]), "files": {}},
            "model": results.fingerprint,
            "seed": 0,
            "versions": {"python": platform.python_version(), **results.versions},
            "commit": results.commit,
            "imported": results.imported,
            "commands": {"incomplete": "", "collect": ""},
        },
    )


def _write_approach(folder: Path, results: Results) -> None:
    """The approach; where it cannot be asked from here, what a comparison shows of how the model was."""
    if isinstance(results.approach, Prompted):
        save(results.approach, folder)
        return
    asked = results.approach
    spec = {"name": results.name, "model": ModelRef(asked.model), "prompt": {"shots": None, **asked.prompt}}
    write_json(folder / "spec.json", {"version": 0, **spec})


def _write_answers(folder: Path, task: Task, results: Results) -> None:
    """Predictions and scores, a file of each for each repeat; scores that are missing are written as such."""
    graders, rows = of_task(task), {row.id: row for row in results.rows}
    for repeat in sorted({answer.repeat for answer in results.answers}):
        mine = [answer for answer in results.answers if answer.repeat == repeat]
        answers = [{"split": "dev", **plain(answer)} for answer in mine]
        write_lines(kept_in(folder, "predictions", repeat), answers)
        pairs = [(rows[answer.id], answer) for answer in mine]
        scores = [score for answer in mine for score in _scores(answer, results)]
        record_scores(graders, pairs, scores, kept_in(folder, "scores", repeat), "dev")


def _scores(answer: Prediction, results: Results) -> Iterator[Score]:
    """What the metrics gave an answer; one that they gave nothing is missing from them."""
    if answer.error is not None:
        return
    none = Score(answer.id, "", 0.0, why="no score was given", repeat=answer.repeat, judged=False)
    for name in results.metrics:
        yield replace(results.scores.get((name, answer.repeat, answer.id), none), grader=name)
