"""An Inspect log as a run folder that `wb compare`, `wb report` and `wb gate` read.

Its samples are the dev rows of a task with one approach, what Inspect's model answered; its scorers are
graders that grade nothing, so that the scores are Inspect's own (`workbench.exchange.records`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baselines.approach import Decoder, Prompt, Prompted
from evals.errors import DataError, RunError
from evals.store import digest
from evals.types import ModelRef
from workbench.exchange.inspect_samples import Samples, read_samples
from workbench.exchange.omitted import Omitted
from workbench.exchange.records import AT_LEAST, Metric, Results, free_name, task_name, write_run

TOOL = "inspect_ai"


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
    names = {scorer: free_name(scorer, "inspect") for scorer in found.scorers}
    write_run(_results(found, names, at_least), out)
    return Imported(out, len(found.rows), names, tuple(found.omitted))


def _refuse(out: Path, force: bool) -> None:
    """Raises RunError when `out` may not be replaced: only a run may, and only by force."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        is_run = (out / "provenance.json").is_file()
        if not (force and is_run):
            hint = "Name a new folder, or add --force." if is_run else "Name a new folder."
            raise RunError("has something in it", where=out, hint=hint)


def _results(found: Samples, names: Mapping[str, str], at_least: float) -> Results:
    header = found.header["eval"]
    options = {scorer["name"]: scorer.get("options") or {} for scorer in header.get("scorers") or []}
    task = _task(found)
    return Results(
        tool=TOOL,
        name="inspect",
        task=task,
        rows=list(found.rows.values()),
        answers=list(found.answers.values()),
        scores={(names[scorer], repeat, id): s for (scorer, repeat, id), s in found.scores.items()},
        metrics={ours: Metric(scorer, _rules(options, scorer)) for scorer, ours in names.items()},
        approach=_approach(found, task["generation"]),
        fingerprint=digest([header.get("model"), header.get("model_base_url")]),
        started=header.get("created", ""),
        imported={
            "from": found.where,
            "eval_id": header.get("eval_id"),
            "status": found.header["status"],
        },
        at_least=at_least,
        versions=dict(header.get("packages") or {}),
        commit=(header.get("revision") or {}).get("commit"),
        omitted=found.omitted,
    )


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


def _task(found: Samples) -> dict[str, Any]:
    """The keys of task.yaml that say what was asked."""
    header, config = found.header["eval"], _config(found)
    name = task_name(str(header.get("task", ""))) or "inspect"
    temperature = config.get("temperature")
    if temperature is None:
        temperature = 1.0 if found.repeats > 1 else 0.0
        found.leave_out("temperature", f"is not said: {temperature:g} stands in the task file")
    generation = {"max_tokens": config.get("max_tokens") or 512, "temperature": temperature}
    if found.repeats > 1:
        generation["repeats"] = found.repeats
    return {
        "name": name,
        "description": f"Imported from the Inspect log {found.where}.",
        "model": str(header.get("model") or "unknown"),
        "prompt": {"instruction": _system(found) or name},
        "generation": generation,
    }


def _rules(options: Mapping[str, Any], scorer: str) -> str:
    """The hash of the scorer's options; a part of a score has those of the scorer its name begins with."""
    of_whole = (given for name, given in options.items() if scorer.startswith(f"{name}_"))
    return digest(options.get(scorer) or next(of_whole, {}))


def _approach(found: Samples, generation: Mapping[str, Any]) -> Prompted:
    """What answered, as far as the log says it: the model, its system message, how it was decoded."""
    header = found.header["eval"]
    model = ModelRef(str(header.get("model") or "unknown"), endpoint=header.get("model_base_url"))
    stop = tuple(_config(found).get("stop_seqs") or ())
    decoder = Decoder(generation["max_tokens"], generation["temperature"], stop)
    return Prompted("inspect", model, Prompt("{{ input }}", system=_system(found)), decoder)
