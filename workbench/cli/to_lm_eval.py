"""`wb export lm-eval`: an approach with its rows as an lm-eval task folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from workbench.cli.carried import say_carried
from workbench.cli.console import Console
from workbench.cli.options import (
    exported_option,
    force_option,
    json_option,
    out_option,
    output_option,
    reveal_option,
    revealed,
    split_option,
)


@click.command("lm-eval")
@click.argument("source", type=click.Path(path_type=Path), metavar="RUN|TASK.YAML")
@exported_option
@split_option
@reveal_option
@output_option
@force_option
@out_option
@json_option
@click.pass_obj
def command(
    console: Console,
    source: Path,
    approach: str | None,
    split: Any,
    reveal_test: bool,
    output: Path,
    force: bool,
    out: Path,
    as_json: bool,
) -> int:
    """Write an approach of a run as an lm-eval task folder, its prompts rendered row by row.

    RUN is a run folder or runs/TASK; of a TASK.YAML the newest run is taken. Scores are those of a stock
    metric where one is equivalent, else of our graders, which the folder's utils.py imports.
    """
    from evals.models import Loader
    from evals.task import load_task
    from workbench.exchange.lm_eval.export import export_task

    place = out / load_task(source).name if source.is_file() else source
    revealed(place, split, reveal_test, "wb export lm-eval")
    done = export_task(place, approach, output, Loader(), split=split, force=force)
    found = {
        "file": done.file,
        "task": done.task,
        "rows": done.rows,
        "metrics": done.metrics,
        "stock": done.stock,
    }
    by = "a stock metric" if done.stock else "our graders (utils.py)"
    said = f"wrote {done.file}: {done.rows} {split} rows, {', '.join(done.metrics)} by {by}"
    then = f"lm_eval run --tasks {done.task} --include_path {done.file.parent} --model ..."
    return say_carried(console, found, [said], done.omitted, as_json=as_json, then=then)
