"""An approach's rows as an Inspect log (JSON, version 2), which `inspect view` shows and inspect_ai reads.

A row is a sample, a repeat an epoch; a grader is a scorer whose values are numbers from 0 to 1, its
accuracy the mean over samples. Rows in error stand there with their error and without scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evals.errors import RunError
from evals.graders import answer_text
from evals.store import digest, plain, write_json
from evals.types import Finish, Message, Models, Row, Score, Split
from workbench.exchange.chat_lines import Written
from workbench.exchange.chosen import Chosen, choose, refuse_file
from workbench.exchange.omitted import Omitted

VERSION = 2
STOPS: Mapping[Finish, str] = {
    "stop": "stop",
    "length": "max_tokens",
    "refused": "content_filter",
    "too_long": "model_length",
    "error": "unknown",
}
"""Our finishes in Inspect's words."""


def export_log(
    source: Path,
    file: Path,
    split: Split,
    models: Models,
    *,
    approach: str | None = None,
    force: bool = False,
) -> Written:
    """Write the log of one approach. Raises RunError when it has no rows of the split, or `file` is there."""
    if file.suffix != ".json":
        raise RunError("Inspect tells a log's form by its name", where=file, hint="End it in .json.")
    refuse_file(file, force)
    chosen = choose(source, approach, split, models)
    asked = chosen.approach.prompts([row.example.query() for row in chosen.rows], models)
    write_json(file, log(chosen, asked))
    where, name = str(chosen.evidence.run.folder), chosen.entry.name
    left = ["the decision, its intervals and the ledger of looks: Inspect has no place for them"]
    if any(score.counts for row in chosen.rows for score in row.scores.values()):
        left.append("pooled metrics (grader.part): scorers have one value")
    return Written(file, len(chosen.rows), name, tuple(Omitted(where, name, why) for why in left))


def log(chosen: Chosen, asked: Mapping[str, Sequence[Message]]) -> dict[str, Any]:
    """The log as plain values; `asked` maps a row to its prompt."""
    evidence, rows = chosen.evidence, chosen.rows
    started = _time(str(evidence.provenance.get("started", "")))
    model = _model(chosen)
    return {
        "version": VERSION,
        "status": "success",
        "eval": {
            "eval_id": _id("eval", chosen),
            "run_id": _id("run", evidence.run.id),
            "created": started,
            "task": evidence.task.name,
            "task_id": _id("task", evidence.ladder.task_hash),
            "task_version": 0,
            "task_args": {"approach": chosen.entry.name, "split": chosen.split},
            "task_args_passed": {},
            "solver": chosen.entry.name,
            "dataset": {
                "name": chosen.split,
                "samples": len({row.example.id for row in rows}),
                "sample_ids": list(dict.fromkeys(row.example.id for row in rows)),
                "shuffled": False,
            },
            "model": model,
            "model_args": {},
            "model_generate_config": _config(chosen),
            "config": {"epochs": 1 + max((row.prediction.repeat for row in rows), default=0)},
            "packages": {},
            "metadata": {"run": evidence.run.id, "approach": chosen.entry.name, "hash": chosen.entry.hash},
        },
        "plan": {"name": "plan", "steps": [], "config": _config(chosen)},
        "results": _results(chosen),
        "stats": {"started_at": started, "completed_at": started, "model_usage": {model: _usage(rows)}},
        "samples": [_sample(row, asked[row.example.id], model, chosen) for row in rows],
    }


def _id(kind: str, of: Any) -> str:
    """A name that is the same each time the same thing is exported."""
    key = [of.evidence.run.id, of.entry.hash, of.split] if isinstance(of, Chosen) else of
    return digest([kind, key], 22)


def _time(text: str) -> str:
    try:
        return datetime.fromisoformat(text).isoformat(timespec="seconds")
    except ValueError:
        return datetime.fromtimestamp(0, UTC).isoformat(timespec="seconds")


def _model(chosen: Chosen) -> str:
    ref = chosen.approach.model
    return f"{ref.provider}/{Path(ref.name).name if Path(ref.name).is_absolute() else ref.name}"


def _config(chosen: Chosen) -> dict[str, Any]:
    decoder = chosen.approach.decoder
    config: dict[str, Any] = {"max_tokens": decoder.max_tokens, "temperature": decoder.temperature}
    return {**config, "stop_seqs": list(decoder.stop)} if decoder.stop else config


def _usage(rows: Sequence[Row]) -> dict[str, int]:
    read = sum(row.prediction.usage.tokens_in for row in rows)
    written = sum(row.prediction.usage.tokens_out for row in rows)
    return {"input_tokens": read, "output_tokens": written, "total_tokens": read + written}


def _results(chosen: Chosen) -> dict[str, Any]:
    rows = chosen.rows
    scores = []
    for grader in chosen.evidence.graders:
        values = [s.value for row in rows if (s := row.scores.get(grader.name)) is not None and s.judged]
        mean = sum(values) / len(values) if values else 0.0
        scores.append(
            {
                "name": grader.name,
                "scorer": grader.name,
                "scored_samples": len(values),
                "unscored_samples": len(rows) - len(values),
                "params": {},
                "metrics": {"accuracy": {"name": "accuracy", "value": mean, "params": {}}},
            }
        )
    answered = sum(row.prediction.error is None for row in rows)
    return {"total_samples": len(rows), "completed_samples": answered, "scores": scores}


def _sample(row: Row, asked: Sequence[Message], model: str, chosen: Chosen) -> dict[str, Any]:
    example, prediction = row.example, row.prediction
    said = {"role": "assistant", "content": prediction.text, "source": "generate", "model": model}
    sample: dict[str, Any] = {
        "id": example.id,
        "epoch": prediction.repeat + 1,
        "input": example.input,
        "target": answer_text(example.target)
        if not example.references
        else [answer_text(target) for target in (example.target, *example.references)],
        "messages": [*plain(list(asked)), said],
        "output": {
            "model": model,
            "choices": [{"message": said, "stop_reason": STOPS[prediction.finish]}],
            "completion": prediction.text,
            "usage": _usage([row]),
            "time": prediction.usage.seconds,
        },
        "scores": {name: _score(score) for name, score in row.scores.items() if score.judged},
        "metadata": {**plain(example.fields), **({"group": example.group} if example.group else {})},
        "store": {},
        "events": [],
        "model_usage": {model: _usage([row])},
        "attachments": {},
        "uuid": digest([chosen.entry.hash, example.id, prediction.repeat], 22),
    }
    if prediction.error is not None:
        why = {"message": prediction.error, "traceback": prediction.error, "traceback_ansi": prediction.error}
        sample["output"] = {"model": model, "choices": [], "completion": "", "error": prediction.error}
        sample["error"] = why
    return sample


def _score(score: Score) -> dict[str, Any]:
    found: dict[str, Any] = {"value": score.value, "explanation": score.why}
    if score.answer is not None:
        found["answer"] = answer_text(score.answer)
    if score.failure:
        found["metadata"] = {"failure": score.failure}
    return found
