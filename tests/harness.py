"""lm-eval itself, run in a test: its `hf` model beside ours on the same weights, on tasks of local files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from evals.models.lm_eval import Workbench
from evals.models.local import LocalModel


def stock(model: LocalModel) -> Any:
    """lm-eval's own `hf` model on the weights and the tokenizer of ours."""
    from lm_eval.models.huggingface import HFLM

    return HFLM(
        pretrained=model.engine.core.model,
        tokenizer=model.renderer.tokenizer,
        batch_size=4,
        max_length=model.context,
    )


def both(model: LocalModel) -> dict[str, Any]:
    """lm-eval's `hf` and our `workbench`."""
    return {"hf": stock(model), "workbench": Workbench(model=model)}


def write_task(
    folder: Path, config: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], **splits: Any
) -> Path:
    """A task folder: YAML, and its rows as JSONL; further splits by name. Gives the YAML's path."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for split, some in {"test": rows, **splits}.items():
        path = folder / f"{split}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in some), encoding="utf-8")
        files[split] = str(path)
    whole = {"dataset_path": "json", "dataset_kwargs": {"data_files": files}, "test_split": "test", **config}
    path = folder / f"{config['task']}.yaml"
    path.write_text(yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
    return path


def run(lm: Any, folder: Path, tasks: Sequence[str], **options: Any) -> dict[str, Any]:
    """lm-eval's results of these tasks in `folder`, with samples."""
    from lm_eval.evaluator import simple_evaluate
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=str(folder), include_defaults=False)
    found: dict[str, Any] = simple_evaluate(
        lm, tasks=list(tasks), task_manager=manager, bootstrap_iters=0, **options
    )
    return found


def said(results: Mapping[str, Any], task: str) -> list[Any]:
    """What the model answered, by row."""
    samples = sorted(results["samples"][task], key=lambda sample: sample["doc_id"])
    return [sample["resps"] for sample in samples]


def logged(lm: Any, folder: Path, tasks: Sequence[str], out: Path, **options: Any) -> Path:
    """The results file of a run with samples, written as lm-eval's own command writes it."""
    from lm_eval.loggers import EvaluationTracker

    tracker = EvaluationTracker(output_path=str(out))
    results = run(lm, folder, tasks, evaluation_tracker=tracker, **options)
    samples = results.pop("samples")
    tracker.save_results_aggregated(results=results, samples=samples)
    for task in results["configs"]:
        tracker.save_results_samples(task_name=task, samples=samples[task])
    (file,) = out.rglob("results_*.json")
    return file
