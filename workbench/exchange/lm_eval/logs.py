"""What `lm_eval --output_path … --log_samples` wrote, as run folders: results_*.json with samples_*.jsonl.

A row is its document, whatever prompt it stood in, so that other shots, templates or models can be compared
on it; a metric is known by its options and the filter before it, so that scores by other rules cannot.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evals.errors import RunError
from evals.store import canonical, digest, read_json, read_lines, reading, revive
from evals.types import Example, Json, Prediction, Score
from workbench.exchange.omitted import Omitted
from workbench.exchange.records import Asked, Metric, Results, free_name, task_name, write_run
from workbench.runs import Run, enter

TOOL = "lm-eval"
Sample = dict[str, Any]


def import_results(path: Path, out: Path) -> tuple[list[Run], list[Omitted]]:
    """A run folder under `out` for each task of the results at `path`, a results_*.json or a folder of them
    (then the newest); and what of them is not in it.

    Raises RunError when there are no results or samples, or nothing in them can be compared.
    """
    file = _newest(path)
    runs: list[Run] = []
    omitted: list[Omitted] = []
    with reading(file):
        whole = read_json(file)
        tasks = [task for task in whole["configs"] if task in whole["results"]]
        found = [(task, _samples(file, task)) for task in tasks]
    for task, samples in found:
        with reading(file):
            results = _results(file, whole, task, samples, omitted)
        runs.append(_enter(results, out))
    return runs, omitted


def _enter(results: Results, out: Path) -> Run:
    """The results as a run under `out`, named by their time and content, the newest of its task. Raises
    RunError when they were imported before."""
    stamp = "".join(c for c in results.started[:19] if c.isalnum()) + "Z"
    folder = out / str(results.task["name"]) / f"{stamp}-{results.content}"
    if (folder / "decision.json").is_file():
        raise RunError("these results were imported already", where=folder)
    run = write_run(results, folder)
    enter(run)
    return run


def _newest(path: Path) -> Path:
    if path.is_file():
        return path
    files = sorted(path.rglob("results_*.json"), key=lambda file: file.name)
    if not files:
        raise RunError(
            "holds no results of lm-eval",
            where=path,
            hint="Name the results_*.json that lm_eval --output_path wrote, or the folder it is in.",
        )
    return files[-1]


def _samples(file: Path, task: str) -> list[Sample]:
    """The rows of a task, which lie beside the results with the same time in their name."""
    stamp = file.name.removeprefix("results_").removesuffix(".json")
    path = file.with_name(f"samples_{task}_{stamp}.jsonl")
    if not path.is_file():
        raise RunError(
            "is missing: without it there are no rows to compare",
            where=path,
            hint="Run lm_eval again with --log_samples.",
        )
    return read_lines(path)


def _results(
    file: Path, whole: Mapping[str, Any], task: str, samples: list[Sample], omitted: list[Omitted]
) -> Results:
    config, about = whole["configs"][task], whole["config"]
    rows: dict[int, list[Sample]] = {}
    for sample in samples:
        rows.setdefault(int(sample["doc_id"]), []).append(sample)
    before = len(omitted)
    metrics = _metrics(whole, task, samples, omitted, file.name)
    examples = {place: _example(several[0]) for place, several in sorted(rows.items())}
    model, name = _model(about), task_name(task)
    return Results(
        tool=TOOL,
        name=TOOL,
        task={"name": name, "model": model, "prompt": {"instruction": f"As {TOOL} asked it."}},
        rows=list(examples.values()),
        answers=[Prediction(row.id, _said(rows[place][0]), "stop") for place, row in examples.items()],
        scores={
            (ours, 0, row.id): _score(row, float(sample[metric]))
            for place, row in examples.items()
            for ours, metric, sample in _scored(rows[place], metrics)
        },
        metrics={ours: Metric(ours, digest(_rules(config, ours))) for ours in metrics},
        approach=Asked(model, _asked(whole, task)),
        fingerprint=digest([model, about.get("model_args"), about.get("model_sha")]),
        started=datetime.fromtimestamp(float(whole["date"]), UTC).isoformat(timespec="seconds"),
        imported={"from": str(file.resolve())},
        versions={
            name: str(version)
            for name in ("lm_eval_version", "transformers_version")
            if (version := whole.get(name))
        },
        omitted=omitted[before:],
    )


def _score(row: Example, value: float) -> Score:
    return Score(row.id, "", value, None, None if value >= 1 else "wrong", "", repeat=0)


def _asked(whole: Mapping[str, Any], task: str) -> dict[str, Json]:
    """How the model was asked, as a comparison shows it."""
    config, about = whole["configs"][task], whole["config"]
    return {
        "num_fewshot": whole.get("n-shot", {}).get(task),
        "chat_template": digest(whole.get("chat_template")) if whole.get("chat_template") else None,
        "system_instruction": whole.get("system_instruction"),
        "doc_to_text": str(config.get("doc_to_text")),
        "description": str(config.get("description") or ""),
        "generation_kwargs": canonical(config.get("generation_kwargs")),
        "model_args": canonical(about.get("model_args")),
    }


def _model(about: Mapping[str, Any]) -> str:
    """The model's name: what its arguments say, else its class."""
    args = about.get("model_args")
    if isinstance(args, str):
        args = dict(part.partition("=")[::2] for part in args.split(","))
    named = args if isinstance(args, dict) else {}
    return str(named.get("pretrained") or named.get("name") or named.get("model") or about.get("model"))


def _metrics(
    whole: Mapping[str, Any], task: str, samples: list[Sample], omitted: list[Omitted], where: str
) -> dict[str, tuple[str, str]]:
    """(metric, filter) by the name that it has here; with the filter where there are several."""
    higher = whole.get("higher_is_better", {}).get(task, {})
    filters = list(dict.fromkeys(str(sample["filter"]) for sample in samples))
    found = {}
    for metric in dict.fromkeys(name for sample in samples for name in sample["metrics"]):
        values = [sample.get(metric) for sample in samples if metric in sample["metrics"]]
        if not all(_share(value) for value in values):
            omitted.append(Omitted(where, f"{task}.{metric}", "its rows have no values between 0 and 1"))
        elif higher.get(metric) is False:
            omitted.append(Omitted(where, f"{task}.{metric}", "of it less is better"))
        else:
            for one in filters:
                found[free_name(f"{metric}-{one}" if len(filters) > 1 else metric, "lm_eval")] = (metric, one)
    return found


def _share(value: Any) -> bool:
    number = isinstance(value, (bool, int, float))
    return number and math.isfinite(value) and 0 <= value <= 1


def _scored(
    several: list[Sample], metrics: Mapping[str, tuple[str, str]]
) -> Iterator[tuple[str, str, Sample]]:
    """Each metric of a row with the sample that has its value: a row has one sample a filter."""
    for name, (metric, one) in metrics.items():
        yield from ((name, metric, sample) for sample in several if str(sample["filter"]) == one)


def _rules(config: Mapping[str, Any], name: str) -> Json:
    """What a score hangs on besides document and answer."""
    keys = ("output_type", "metric_list", "filter_list", "process_results", "doc_to_target", "doc_to_choice")
    rules: Json = json.loads(json.dumps([name, *(config.get(key) for key in keys)], default=str))
    return rules


def _example(sample: Sample) -> Example:
    """The row: that of ours which an exported task carries, else the document as lm-eval has it."""
    doc = sample["doc"]
    if isinstance(doc, dict) and isinstance(doc.get("row"), str):
        try:
            example: Example = revive(Example, json.loads(doc["row"])["example"])
        except (ValueError, KeyError, TypeError, RunError):
            pass
        else:
            return example
    shown = doc if isinstance(doc, str) else json.dumps(doc, ensure_ascii=False)
    return Example(f"doc-{sample['doc_id']}", shown, str(sample["target"]))


def _said(sample: Sample) -> str:
    """The answer: what was generated, the likeliest choice, or a log-likelihood."""
    arguments = [sample["arguments"][key] for key in sorted(sample["arguments"], key=_place)]
    first = sample["resps"][0][0]
    if isinstance(first, str):
        return first
    if isinstance(first, (int, float)):
        return f"{first:.4f}"
    values = [float(one[0][0]) for one in sample["resps"][: len(arguments)]]
    best = max(range(len(values)), key=values.__getitem__)
    text = str(arguments[best].get("arg_1", "")).strip()
    return text if len(values) > 1 else f"{text} ({values[0]:.4f})"


def _place(key: str) -> int:
    return int(key.rpartition("_")[2])
