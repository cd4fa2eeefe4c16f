"""A scored approach as an lm-eval task folder: its prompts, rendered row by row, with how they are scored.

    <task>.yaml    the task; data_files has the absolute path of rows.jsonl
    rows.jsonl     prompt (the text the model reads, chat template applied), target, and the row
    utils.py       where no stock metric is equivalent: our graders, which read task.yaml and scoring.json

What lm-eval cannot do (grammars, repairs, votes, a judge) is refused where answers hang on it, else listed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from baselines.approach import Prompted, load
from evals.errors import ModelError, RunError
from evals.graders import answer_text
from evals.graders.label import Label
from evals.graders.text import Exact
from evals.models.local import LocalModel
from evals.run import kept_in, read_predictions
from evals.store import canonical, plain, write_lines, write_text
from evals.types import Example, Grader, Message, Models, Prediction, Split
from workbench.comparison.sides import entry_of
from workbench.evidence import Entry, Evidence, read_evidence
from workbench.exchange.lm_eval.scores import Settings, write_settings
from workbench.exchange.omitted import Omitted
from workbench.runs import find_run

UTILS = '''"""Scores of {task}, by the graders of its task.yaml (the package tuning-workbench)."""

from pathlib import Path

from workbench.exchange.lm_eval.scores import Scorer, pooled

__all__ = ["pooled", "process_results"]

process_results = Scorer(Path(__file__).parent).process_results
'''
_TAG = re.compile(r"'(!function [\w.]+)'")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
"""What the `datasets` library may read as a date instead of a text."""


@dataclass(frozen=True)
class Exported:
    """What was written, and what was not carried over."""

    file: Path
    task: str
    rows: int
    metrics: tuple[str, ...]
    stock: bool
    omitted: tuple[Omitted, ...]


@dataclass(frozen=True)
class Chosen:
    """An approach of a run, with the rows of the split that is exported."""

    evidence: Evidence
    entry: Entry
    approach: Prompted
    model: LocalModel
    split: Split
    examples: tuple[Example, ...]
    prompts: Mapping[str, tuple[Message, ...]]
    predictions: Mapping[str, Prediction]


def export_task(
    source: Path, approach: str | None, folder: Path, models: Models, *, split: Split, force: bool = False
) -> Exported:
    """Write the approach (None: the one the run's decision is about) of the run at `source` to `folder`.

    Raises RunError when the run is unfinished, lacks the approach or the split, when lm-eval cannot answer
    as the approach does, or when `folder` has something in it (unless `force`); ModelError when the model
    is behind an endpoint.
    """
    chosen = _choose(source, approach, models, split)
    task = f"{chosen.evidence.task.name}_{chosen.entry.name}"
    folder = folder.resolve()
    if folder.exists() and not force and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError("has something in it", where=folder, hint="Name a new folder, or add --force.")
    carried, omitted = _carried(chosen)
    stock = _stock(chosen, carried)
    config = _config(task, folder / "rows.jsonl", chosen, stock or _own(carried))
    write_lines(folder / "rows.jsonl", [_row(chosen, example) for example in chosen.examples])
    if not stock:
        write_text(folder / "task.yaml", chosen.evidence.task.as_used())
        names = tuple(grader.name for grader in carried)
        file = str(chosen.evidence.provenance["task_file"])
        write_settings(folder, Settings(chosen.approach.decoder, chosen.approach.model, names, file))
        write_text(folder / "utils.py", UTILS.format(task=task))
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=1000)
    write_text(folder / f"{task}.yaml", _TAG.sub(r"\1", text))
    metrics = tuple(str(one["metric"]) for one in config["metric_list"])
    return Exported(folder / f"{task}.yaml", task, len(chosen.examples), metrics, bool(stock), tuple(omitted))


def _choose(source: Path, name: str | None, models: Models, split: Split) -> Chosen:
    run = find_run(source)
    evidence = read_evidence(run)
    entry = entry_of(evidence, name)
    folder = run.approach(entry.name, entry.key).resolve()
    approach = load(folder)
    _refuse(approach, folder)
    model = models.open(approach.model)
    if not isinstance(model, LocalModel):
        raise ModelError(
            f"{approach.model.name} is behind an endpoint, which renders prompts by itself",
            hint="Export an approach of a local model.",
        )
    examples = evidence.examples[split]
    if not examples:
        raise RunError(f"has no {split} rows", where=run.folder, hint="Choose the other with --split.")
    prompts = approach.prompts([example.query() for example in examples], models)
    predictions = read_predictions(kept_in(folder, "predictions"), split)
    return Chosen(evidence, entry, approach, model, split, examples, prompts, predictions)


def _refuse(approach: Prompted, folder: Path) -> None:
    """Raise RunError for a way of answering that lm-eval does not have."""
    decoder = approach.decoder
    ways = {
        "is held to a grammar": decoder.held,
        "sends wrong answers back": bool(decoder.form is not None and decoder.repairs),
        "takes the commonest of several answers": decoder.samples > 1,
    }
    for way, used in ways.items():
        if used:
            raise RunError(
                f"{approach.name} {way}, which lm-eval cannot do",
                where=folder,
                hint="Export the approach that it adds to.",
            )


def _carried(chosen: Chosen) -> tuple[list[Grader], list[Omitted]]:
    """The graders whose scores can be had in lm-eval, and what else is different there."""
    where, omitted, carried = str(chosen.evidence.run.folder), [], []
    for grader in chosen.evidence.graders:
        if getattr(grader, "asks_model", False):
            omitted.append(Omitted(where, grader.name, "it asks a judge; its scores are not exported"))
        elif getattr(grader, "runs_code", False):
            omitted.append(Omitted(where, grader.name, "it runs code; its scores are not exported"))
        else:
            carried.append(grader)
    if not carried:
        raise RunError("has no grader whose scores lm-eval could have", where=where)
    decoder, generation = chosen.approach.decoder, chosen.evidence.task.generation
    room = chosen.model.context - decoder.max_tokens
    lengths = [chosen.model.count(prompt) for prompt in chosen.prompts.values()]
    if over := sum(length > room for length in lengths):
        omitted.append(
            Omitted(where, "prompt", f"{over} rows are too long: 0 here, cut at the beginning there")
        )
    if decoder.temperature > 0:
        omitted.append(Omitted(where, "temperature", "samples are drawn with other random numbers there"))
    if generation.repeats > 1:
        omitted.append(Omitted(where, "repeats", f"one answer a row there, {generation.repeats} here"))
    if chosen.model.renderer.head:
        why = "a soft prompt stands for the beginning of each prompt: ask the lm-eval model `workbench`"
        omitted.append(Omitted(where, "adapter", why))
    return carried, omitted


def _stock(chosen: Chosen, carried: Sequence[Grader]) -> dict[str, Any] | None:
    """The scoring by a stock metric that gives the same; None where there is none."""
    decoder = chosen.approach.decoder
    several = any(example.references for example in chosen.examples)
    if len(carried) != 1:
        return None
    if decoder.likelihood is not None:
        if not isinstance(carried[0], Label) or decoder.likelihood.usual or several:
            return None
        metric = "acc" if decoder.likelihood.per == "label" else "acc_norm"
        return {"metric_list": [_mean(metric)]}
    plain_exact = isinstance(carried[0], Exact) and not any(
        (carried[0].ignore_case, carried[0].normalise, decoder.answer_after)
    )
    golds = [text for example in chosen.examples for text in _golds(example)]
    renderer = chosen.model.renderer
    longest = max(len(ids) for ids in renderer.text_ids(golds, special=False))
    if not plain_exact or longest >= decoder.max_tokens or any(_DATE.match(text) for text in golds):
        return None
    stripped = {"function": "regex", "regex_pattern": "(?s)^(.*)$", "group_select": 0}
    return {
        "filter_list": [{"name": "stripped", "filter": [stripped, {"function": "take_first"}]}],
        "metric_list": [_mean("exact_match")],
    }


def _own(carried: Sequence[Grader]) -> dict[str, Any]:
    """The scoring by our graders."""
    metrics = []
    for grader in carried:
        metrics.append(_mean(grader.name))
        metrics += [{**_mean(part), "aggregation": "!function utils.pooled"} for part in grader.metrics[1:]]
    return {"process_results": "!function utils.process_results", "metric_list": metrics}


def _mean(metric: str) -> dict[str, Any]:
    return {"metric": metric, "aggregation": "mean", "higher_is_better": True}


def _golds(example: Example) -> list[str]:
    return [answer_text(target).strip() for target in (example.target, *example.references)]


def _row(chosen: Chosen, example: Example) -> dict[str, Any]:
    """A line of rows.jsonl. What `datasets` could read as something else than a text stands in `row`."""
    said = chosen.predictions.get(example.id)
    row = {
        "example": plain(example),
        "sources": said.sources if said else (),
        "shown": said.shown if said else 0,
    }
    return {
        "prompt": chosen.model.renderer.text(chosen.prompts[example.id]),
        "target": _target(chosen, example),
        "row": canonical(row),
    }


def _target(chosen: Chosen, example: Example) -> Any:
    likelihood = chosen.approach.decoder.likelihood
    if likelihood is not None:
        labels = Label(chosen.evidence.task.output) if chosen.evidence.task.output.labels else None
        gold = labels.wanted(example)[0] if labels else ""
        return likelihood.labels.index(gold) if gold in likelihood.labels else -1
    golds = _golds(example)
    return golds if any(e.references for e in chosen.examples) else golds[0]


def _config(task: str, rows: Path, chosen: Chosen, scoring: Mapping[str, Any]) -> dict[str, Any]:
    """The task as lm-eval reads it."""
    decoder = chosen.approach.decoder
    config: dict[str, Any] = {
        "task": task,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {chosen.split: str(rows)}},
        "test_split": chosen.split,
        "doc_to_text": "prompt",
        "doc_to_target": "target",
        "num_fewshot": 0,
    }
    if decoder.likelihood is not None:
        config |= {
            "output_type": "multiple_choice",
            "doc_to_choice": list(decoder.likelihood.labels),
            "target_delimiter": "",
        }
    else:
        sampled = decoder.temperature > 0
        stop = [] if decoder.answer_after else list(decoder.stop)
        config |= {
            "output_type": "generate_until",
            "generation_kwargs": {
                "until": stop,
                "max_gen_toks": decoder.max_tokens,
                "do_sample": sampled,
                **({"temperature": decoder.temperature} if sampled else {}),
            },
        }
    about = {"version": 1, "approach": chosen.entry.name, "hash": chosen.entry.hash}
    return {
        **config,
        **scoring,
        "metadata": {**about, "split": chosen.split, "model": chosen.approach.model.name},
    }
