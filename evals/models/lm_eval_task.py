"""A task of lm-eval on local rows, asked of a model of ours: each row's score by the task's first metric.

It is what a task names to see whether a training forgot something. Nothing is downloaded and no code of
the task is run: its rows must lie in files here, and what would fetch or run something is refused by name.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from evals.errors import TaskError
from evals.types import Model

READERS = ("json", "csv", "parquet", "text")
"""Of `dataset_path`: what reads files, rather than a name to be fetched."""


@dataclass(frozen=True)
class RowScores:
    """A metric of a task, row by row: scores in [0, 1] of which more is better."""

    task: str
    metric: str
    values: Mapping[str, float]

    @property
    def mean(self) -> float:
        """The mean over the rows."""
        return sum(self.values.values()) / len(self.values)


def read_config(path: Path) -> dict[str, Any]:
    """The task file of lm-eval at `path`, with the files of its rows made absolute.

    Raises TaskError when there is none, and when it would fetch or run something.
    """
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TaskError(
            "cannot be read as a task of lm-eval: there is no such file",
            where=path,
            hint="Name the YAML file of a task whose rows lie here: forgetting: {lm_eval: task.yaml}.",
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        why = "it runs code (!function)" if "!function" in str(error) else "it is no YAML"
        raise TaskError(f"cannot be asked as a task of lm-eval: {why}", where=path) from error
    if not isinstance(config, dict) or not isinstance(config.get("task"), str):
        raise TaskError("cannot be asked as a task of lm-eval: it names no task", where=path)
    for key in ("include", "custom_dataset"):
        if key in config:
            raise TaskError(
                f"cannot be asked as a task of lm-eval: it has the key {key}",
                where=path,
                hint="Write the task into one file, its rows into a file of JSON lines beside it.",
            )
    kwargs = dict(config.get("dataset_kwargs") or {})
    if config.get("dataset_path") not in READERS or "data_files" not in kwargs:
        raise TaskError(
            f"its rows would be downloaded: dataset_path is {config.get('dataset_path')!r}",
            where=path,
            hint=f"Keep them here: dataset_path one of {', '.join(READERS)}, their files in dataset_kwargs.",
        )
    kwargs["data_files"] = _local(kwargs["data_files"], path)
    return {**config, "dataset_kwargs": kwargs}


def _local(files: Any, path: Path) -> Any:
    """Files that are there, from the folder of the task file."""
    if isinstance(files, dict):
        return {split: _local(some, path) for split, some in files.items()}
    if isinstance(files, list):
        return [_local(one, path) for one in files]
    found = path.parent / str(files)
    if not found.is_file():
        raise TaskError(
            f"its rows are not here: there is no file {str(files)!r}",
            where=path,
            hint="Paths are from the folder of lm-eval's task file.",
        )
    return str(found.resolve())


def score_rows(path: Path, model: Model) -> RowScores:
    """Ask `model` the task at `path` as lm-eval does. Raises TaskError for a task that cannot be asked, or
    that has no metric between 0 and 1 of which more is better."""
    config = read_config(path)
    try:
        from lm_eval.evaluator import simple_evaluate
        from lm_eval.tasks import TaskManager

        from evals.models.lm_eval import Workbench
    except ImportError as error:
        raise TaskError(
            "lm-eval is not installed", where=path, hint="pip install 'tuning-workbench[lm-eval]'"
        ) from error
    from evals.models.local import LocalModel

    if not isinstance(model, LocalModel):
        raise TaskError("a task of lm-eval is asked of a model on this machine", where=path)
    try:
        found = simple_evaluate(
            Workbench(model=model),
            tasks=[config],
            task_manager=TaskManager(include_defaults=False),
            bootstrap_iters=0,
            log_samples=True,
        )
    except Exception as error:  # lm-eval raises anything for what it cannot read or ask
        raise TaskError(f"cannot be asked as a task of lm-eval: {error}", where=path) from error
    ((name, samples),) = found["samples"].items()
    higher = (found.get("higher_is_better") or {}).get(name) or {}
    for metric in (metric for metric in _metrics(samples) if higher.get(metric, True)):
        values = {str(sample["doc_id"]): sample[metric] for sample in samples}
        if all(_is_share(value) for value in values.values()):
            return RowScores(name, metric, {id: float(value) for id, value in sorted(values.items())})
    raise TaskError(
        "has no score of each row between 0 and 1 of which more is better",
        where=path,
        hint="Take a metric such as acc or exact_match.",
    )


def _metrics(samples: list[dict[str, Any]]) -> Iterator[str]:
    """What every row has a value of, in the task's order."""
    for metric in samples[0]["metrics"] if samples else ():
        if all(metric in sample for sample in samples):
            yield metric


def _is_share(value: Any) -> bool:
    return isinstance(value, (bool, int, float)) and math.isfinite(value) and 0 <= value <= 1
