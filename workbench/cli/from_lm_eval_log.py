"""`wb import lm-eval-log`: results of lm-eval as run folders."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.cli.carried import say_carried
from workbench.cli.console import Console
from workbench.cli.options import json_option, out_option


@click.command("lm-eval-log")
@click.argument("results", type=click.Path(path_type=Path), metavar="RESULTS")
@out_option
@json_option
@click.pass_obj
def command(console: Console, results: Path, out: Path, as_json: bool) -> int:
    """Write results of lm-eval as run folders, one a task, which `wb compare` and `wb gate` read.

    RESULTS is a results_*.json with its samples_*.jsonl beside it (lm_eval --log_samples), or a folder of
    them, of which the newest is taken. Scores are lm-eval's own.
    """
    from workbench.exchange.lm_eval.logs import import_results

    runs, omitted = import_results(results, out)
    found = {"runs": [str(run.folder) for run in runs]}
    said = [f"wrote {run.folder}" for run in runs]
    return say_carried(console, found, said, omitted, as_json=as_json, then="wb compare A B")
