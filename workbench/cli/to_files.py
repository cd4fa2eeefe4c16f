"""`wb export jsonl`, `parquet`, `inspect` and `mlflow`: a run for other tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.carried import say_carried
from workbench.cli.console import Console
from workbench.cli.options import (
    exported_option,
    file_option,
    json_option,
    replace_option,
    reveal_option,
    revealed,
    run_argument,
    split_option,
)

if TYPE_CHECKING:
    from workbench.exchange.chat_lines import Written


def _say(console: Console, done: Written, as_json: bool) -> int:
    found = {"file": done.file, "rows": done.rows, "approach": done.approach}
    said = f"wrote {done.file}: {done.rows} rows of {done.approach}"
    return say_carried(console, found, [said], done.omitted, as_json=as_json, label="left out: ")


def _export(console: Console, export: Callable[..., Written], form: str, given: Mapping[str, Any]) -> int:
    """One split of a run into one file; `given` are the command's options."""
    from evals.models import Loader

    run, split = given["run"], given["split"]
    revealed(run, split, given["reveal_test"], f"wb export {form}")
    chosen = {"approach": given["approach"], "force": given["force"]}
    return _say(console, export(run, given["output"], split, Loader(), **chosen), given["as_json"])


@click.command("jsonl")
@run_argument
@exported_option
@split_option
@reveal_option
@click.option("--gold", is_flag=True, help="Write the gold answers in place of the model's.")
@click.option("--right", is_flag=True, help="Only rows that the model answered right.")
@file_option
@replace_option
@json_option
@click.pass_obj
def jsonl(
    console: Console,
    run: Path,
    approach: str | None,
    split: Any,
    reveal_test: bool,
    gold: bool,
    right: bool,
    output: Path,
    force: bool,
    as_json: bool,
) -> int:
    """Write an approach's rows as OpenAI chat lines: what the model was asked, and its answer."""
    if gold and right:
        raise click.UsageError(
            "--right says which of the model's answers to write; --gold writes none of them."
        )
    from evals.models import Loader
    from workbench.exchange.chat_lines import Wanted, export_chat

    revealed(run, split, reveal_test, "wb export jsonl")
    wanted = Wanted(approach, split, gold, right)
    return _say(console, export_chat(run, output, wanted, Loader(), force=force), as_json)


@click.command("parquet")
@run_argument
@click.option("--approach", metavar="NAME", help="Left out, all that were scored.")
@split_option
@reveal_option
@file_option
@replace_option
@json_option
@click.pass_obj
def parquet(console: Console, /, **given: Any) -> int:
    """Write a run's rows with their scores as one Parquet table."""
    from workbench.exchange.parquet import export_table

    return _export(console, export_table, "parquet", given)


@click.command("inspect")
@run_argument
@exported_option
@split_option
@reveal_option
@file_option
@replace_option
@json_option
@click.pass_obj
def inspect(console: Console, /, **given: Any) -> int:
    """Write an approach's rows as an Inspect log (JSON)."""
    from workbench.exchange.inspect_log import export_log

    return _export(console, export_log, "inspect", given)


@click.command("mlflow")
@run_argument
@click.option("--to", metavar="URI", help="A tracking server, or a folder; left out, MLflow's own setting.")
@click.option("--experiment", metavar="NAME", help="Left out, the task's name.")
@click.option("--force", is_flag=True, help="Log again a run that was logged there before.")
@json_option
@click.pass_obj
def mlflow(
    console: Console, run: Path, to: str | None, experiment: str | None, force: bool, as_json: bool
) -> int:
    """Log a run to MLflow, its approaches as nested runs."""
    from workbench.exchange.mlflow_runs import export_runs

    done = export_runs(run, to, experiment, force=force)
    found = {"experiment": done.experiment, "run": done.run, "nested": done.nested}
    said = f"logged {done.run} with {done.nested} nested runs to the experiment {done.experiment!r}"
    return say_carried(console, found, [said], done.omitted, as_json=as_json, label="left out: ")
