"""A run in MLflow: one MLflow run for it, with a nested one for each approach.

The outer run carries the verdict and the files of the run folder that show it; a nested run the
approach's parameters, its metrics on dev and test with their bounds, and its failures. Row texts stay
in the run folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.errors import RunError
from evals.store import plain, read_json, reading
from workbench.exchange.omitted import Omitted
from workbench.runs import Run, find_run

RUN_TAG = "workbench.run"
"""The tag by which what was exported is found again."""
SHOWN = ("decision.json", "report.html", "summary.md", "junit.xml", "task.yaml")
INSTALL = "Install it: pip install 'tuning-workbench[mlflow]'"
HINT = "Look at --to. For a folder MLflow wants the environment variable MLFLOW_ALLOW_FILE_STORE=true."
LONGEST = 500
"""Characters of a parameter that MLflow's stores take."""


@dataclass(frozen=True)
class Logged:
    """Where the run went: the experiment, the id of the outer run, and how many are nested in it."""

    experiment: str
    run: str
    nested: int
    omitted: tuple[Omitted, ...]


def export_runs(source: Path, to: str | None, experiment: str | None, *, force: bool = False) -> Logged:
    """Log the run at `source` to the tracking server or folder `to` (None: MLflow's own setting).

    Raises RunError without mlflow, for a run without a decision, and when it was logged there before and
    `force` is False; with it, what was logged before is deleted once the new one is whole.
    """
    run = find_run(source)
    if not (run.folder / "decision.json").is_file():
        raise RunError("has no decision yet", where=run.folder, hint="`wb report` decides what is finished.")
    with reading(run.folder / "decision.json"):
        decision = read_json(run.folder / "decision.json")
    name = experiment or str(decision["task"]["name"])
    with _client(to) as client:
        found = client.get_experiment_by_name(name)
        at = found.experiment_id if found is not None else client.create_experiment(name)
        before = client.search_runs([at], filter_string=f"tags.`{RUN_TAG}` = '{run.id}'")
        if before and not force:
            raise RunError(
                f"was logged to the experiment {name!r} already",
                where=run.folder,
                hint="Add --force to log it again in place of what is there.",
            )
        outer, nested = _log(client, at, run, decision)
        for old in before:
            client.delete_run(old.info.run_id)
    omitted = Omitted(str(run.folder), "", "rows with their answers: `wb export parquet` writes them")
    return Logged(name, outer, nested, (omitted,))


@contextmanager
def _client(to: str | None) -> Iterator[Any]:
    """MLflow's client; what it cannot do is a RunError."""
    try:
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
    except ImportError as error:
        raise RunError("mlflow is not installed", hint=INSTALL) from error
    uri = to if to is None or "://" in to else Path(to).resolve().as_uri()
    try:
        yield MlflowClient(tracking_uri=uri)
    except (MlflowException, OSError) as error:
        reason = " ".join(str(error).split())[:300]
        raise RunError(f"MLflow refuses: {reason}", where=to, hint=HINT) from error


def _log(client: Any, at: str, run: Run, decision: Mapping[str, Any]) -> tuple[str, int]:
    """Log everything; what breaks off half way is deleted again."""
    made: list[str] = []
    try:
        outer = client.create_run(at, run_name=run.id, tags=_tags(run, decision)).info.run_id
        made.append(outer)
        for one in decision["approaches"]:
            tags = {RUN_TAG: run.id, "mlflow.parentRunId": outer, "state": one["state"], "kind": one["kind"]}
            inner = client.create_run(at, run_name=one["name"], tags=tags).info.run_id
            made.append(inner)
            _log_approach(client, inner, one)
            client.set_terminated(inner)
        for name in SHOWN:
            if (run.folder / name).is_file():
                client.log_artifact(outer, str(run.folder / name))
        client.set_terminated(outer)
    except BaseException:
        for id in made:
            client.delete_run(id)
        raise
    return outer, len(made) - 1


def _tags(run: Run, decision: Mapping[str, Any]) -> dict[str, str]:
    tags = {
        RUN_TAG: run.id,
        "task": decision["task"]["name"],
        "verdict": decision["verdict"],
        "approach": decision["approach"] or "",
        "binding": str(decision["binding"]).lower(),
        "mlflow.note.content": decision.get("headline", ""),
    }
    return {key: str(value) for key, value in tags.items()}


def _log_approach(client: Any, id: str, one: Mapping[str, Any]) -> None:
    from mlflow.entities import Metric, Param

    params = {"name": one["name"], "hash": one["hash"], "kind": one["kind"], "why": one.get("why") or ""}
    training = one.get("training") or {}
    params |= {
        f"training.{key}": value for key, value in training.items() if isinstance(value, (str, int, float))
    }
    metrics = [Metric(key, float(value), 0, 0) for key, value in figures(one).items()]
    client.log_batch(
        id, metrics=metrics, params=[Param(k, str(v)[:LONGEST]) for k, v in params.items() if v != ""]
    )


def figures(one: Mapping[str, Any]) -> dict[str, float]:
    """An approach's figures by name: dev.label, dev.label.low, failures.wrong, tokens_in, …"""
    found: dict[str, Any] = {}
    for split in ("dev", "test"):
        for metric, interval in (one.get(split) or {}).items():
            name = f"{split}.{_written(metric)}"
            found |= {
                name: interval["value"],
                f"{name}.low": interval["low"],
                f"{name}.high": interval["high"],
            }
            found[f"{name}.n"] = interval["n"]
    found |= {f"failures.{_written(kind)}": count for kind, count in (one.get("failures") or {}).items()}
    for key in ("tokens_in", "tokens_out", "usd_per_1k", "usd_per_1k_accepted", "p50_seconds", "p95_seconds"):
        found[key] = one.get(key)
    found["fit_seconds"] = one.get("fit_seconds")
    numbers = {key: value for key, value in plain(found).items() if isinstance(value, (int, float))}
    return {key: value for key, value in numbers.items() if not isinstance(value, bool)}


def _written(name: str) -> str:
    """A name that MLflow takes: letters, digits and _ - . space : /."""
    return "".join(c if c.isalnum() or c in "_-. :/" else "_" for c in name)
