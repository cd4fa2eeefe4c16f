"""An Inspect log as a run folder that `wb compare`, `wb report` and `wb gate` read.

Its samples are the dev rows of a task with one approach, what Inspect's model answered; its scorers are
graders that grade nothing (`recorded`), so that the scores are Inspect's own. The run is not binding:
nothing was chosen on other rows, and no test row was held back.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from baselines.approach import Decoder, Prompt, Prompted, save
from evals.errors import DataError, RunError
from evals.graders import GRADERS, of_task
from evals.models import Loader
from evals.requirements import is_built_in
from evals.run import kept_in, record_scores
from evals.store import digest, plain, write_json, write_lines, write_text
from evals.task import Task, load_task
from evals.types import ModelRef, Prediction, Score
from workbench.evidence import Entry, Ladder, conclude, write_examples, write_ladder
from workbench.exchange.inspect_samples import Samples, read_samples
from workbench.exchange.omitted import Omitted, to_json
from workbench.runs import FORMAT, Run, Scope

AT_LEAST = 0.5
NOTE = "imported from Inspect: another tool asked and graded these rows, and no test row was held back"


@dataclass(frozen=True)
class Imported:
    """The run folder, its rows and scorers by the names they have here, and what was left out."""

    run: Path
    rows: int
    scorers: Mapping[str, str]
    omitted: tuple[Omitted, ...]


def import_log(path: Path, out: Path, *, at_least: float = AT_LEAST, force: bool = False) -> Imported:
    """Write the log at `path` as the run folder `out`, with a requirement of `at_least` on its first scorer.

    Raises DataError for a log that cannot be read or has no scores, RunError when `out` has something in it;
    with `force` a run there is replaced.
    """
    _refuse(out, force)
    found = read_samples(path)
    if not found.scorers:
        said = "; ".join(one.sentence() for one in found.omitted)
        raise DataError("has no score from 0 to 1", where=path, hint=said or None)
    names = {scorer: _metric(scorer) for scorer in found.scorers}
    new = out.with_name(f".{out.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    try:
        _write(Run(new), out, found, names, at_least)
        conclude(Run(new), Loader())
        if out.exists():
            shutil.rmtree(out)
        new.rename(out)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return Imported(out, len(found.rows), names, tuple(found.omitted))


def _refuse(out: Path, force: bool) -> None:
    """Raises RunError when `out` may not be replaced: only a run may, and only by force."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        is_run = (out / "provenance.json").is_file()
        if not (force and is_run):
            hint = "Name a new folder, or add --force." if is_run else "Name a new folder."
            raise RunError("has something in it", where=out, hint=hint)


def _metric(scorer: str) -> str:
    """A scorer's name as a grader's here: of the right letters, and no other grader's."""
    plain_name = re.sub(r"[^A-Za-z0-9_-]+", "_", scorer).strip("_-")[:50]
    taken = plain_name in GRADERS or is_built_in(plain_name) or not plain_name[:1].isalpha()
    return f"inspect_{plain_name}" if taken else plain_name


def _write(run: Run, out: Path, found: Samples, names: Mapping[str, str], at_least: float) -> None:
    """All files of the run folder but those that concluding writes."""
    folder, header = run.folder, found.header["eval"]
    write_text(folder / "task.yaml", _task(found, names, at_least))
    task = load_task(folder / "task.yaml")
    rows = list(found.rows.values())
    write_examples(run, {"dev": rows})
    approach = _approach(found, task)
    key = digest([approach.hash, [plain(row) for row in rows]], 12)
    save(approach, run.approach(approach.name, key))
    _write_answers(run.approach(approach.name, key), found, task, names)
    entry = Entry(approach.name, key, approach.hash, splits=("dev",))
    task_hash = digest([task.identity(), [plain(row) for row in rows]], 12)
    write_ladder(run, Ladder(task_hash, False, (NOTE,), entries=(entry,), ended=True))
    write_lines(folder / "looks.jsonl", [])
    write_json(folder / "left_out.json", {"from": found.where, "left_out": to_json(found.omitted)})
    provenance = {
        "format": FORMAT,
        "scope": plain(Scope(dev_only=True)),
        "started": header.get("created", ""),
        "task_file": str(out / "task.yaml"),
        "model": digest([header.get("model"), header.get("model_base_url")]),
        "versions": dict(header.get("packages") or {}),
        "commit": (header.get("revision") or {}).get("commit"),
        "commands": {"incomplete": "", "collect": ""},
        "imported": {"from": found.where, "eval_id": header.get("eval_id"), "status": found.header["status"]},
    }
    write_json(folder / "provenance.json", provenance)


def _config(found: Samples) -> dict[str, Any]:
    """How the log says its answers were generated."""
    return {
        **(found.header["eval"].get("model_generate_config") or {}),
        **((found.header.get("plan") or {}).get("config") or {}),
    }


def _system(found: Samples) -> str:
    """The system message that all samples share, "" when there is none."""
    said = {
        next((str(m["content"]) for m in sample.get("messages") or [] if m.get("role") == "system"), "")
        for sample in found.header["samples"]
    }
    return said.pop() if len(said) == 1 else ""


def _task(found: Samples, names: Mapping[str, str], at_least: float) -> str:
    header, config = found.header["eval"], _config(found)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", str(header.get("task", ""))).strip("-._")[:64] or "inspect"
    options = {scorer["name"]: scorer.get("options") or {} for scorer in header.get("scorers") or []}
    temperature = config.get("temperature")
    if temperature is None:
        temperature = 1.0 if found.repeats > 1 else 0.0
        found.leave_out("temperature", f"is not said: {temperature:g} stands in the task file")
    generation = {"max_tokens": config.get("max_tokens") or 512, "temperature": temperature}
    if found.repeats > 1:
        generation["repeats"] = found.repeats
    graders = [
        {
            "name": "recorded",
            "as": ours,
            "tool": "inspect_ai",
            "metric": scorer,
            "rules": _rules(options, scorer),
        }
        for scorer, ours in names.items()
    ]
    first = next(iter(names.values()))
    values: dict[str, Any] = {
        "name": name,
        "description": f"Imported from the Inspect log {found.where}.",
        "model": str(header.get("model") or "unknown"),
        "data": {"eval": found.where},
        "prompt": {"instruction": _system(found) or name},
        "output": "text",
        "generation": generation,
        "graders": graders,
        "requirements": [{"metric": first, "at_least": at_least, "kind": "quality"}],
    }
    return "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())


def _rules(options: Mapping[str, Any], scorer: str) -> str:
    """The hash of the scorer's options; a part of a score has those of the scorer its name begins with."""
    of_whole = (given for name, given in options.items() if scorer.startswith(f"{name}_"))
    return digest(options.get(scorer) or next(of_whole, {}))


def _approach(found: Samples, task: Task) -> Prompted:
    """What answered, as far as the log says it: the model, its system message, how it was decoded."""
    header = found.header["eval"]
    model = ModelRef(str(header.get("model") or "unknown"), endpoint=header.get("model_base_url"))
    generation = task.generation
    stop = tuple(_config(found).get("stop_seqs") or ())
    decoder = Decoder(generation.max_tokens or 512, generation.temperature, stop)
    return Prompted("inspect", model, Prompt("{{ input }}", system=_system(found)), decoder)


def _write_answers(folder: Path, found: Samples, task: Task, names: Mapping[str, str]) -> None:
    """Predictions and scores, a file of each for each epoch; scores that are missing are written as such."""
    graders = of_task(task)
    for repeat in range(found.repeats):
        mine = {id: answer for (which, id), answer in found.answers.items() if which == repeat}
        answers = [{"split": "dev", **plain(answer)} for answer in mine.values()]
        write_lines(kept_in(folder, "predictions", repeat), answers)
        scores = [
            replace(found.scores.get((scorer, repeat, id), _unscored(answer)), grader=ours)
            for id, answer in mine.items()
            if answer.error is None
            for scorer, ours in names.items()
        ]
        pairs = [(found.rows[id], answer) for id, answer in mine.items()]
        record_scores(graders, pairs, scores, kept_in(folder, "scores", repeat), "dev")


def _unscored(answer: Prediction) -> Score:
    """Of an answer that a scorer gave no value that is carried over: it is missing from the metric."""
    return Score(answer.id, "", 0.0, why="no score was given", repeat=answer.repeat, judged=False)
