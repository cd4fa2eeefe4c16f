"""`wb import lm-eval`: an lm-eval task file as a task folder."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.cli.carried import say_carried
from workbench.cli.console import Console
from workbench.cli.options import force_option, json_option, output_option


@click.command("lm-eval")
@click.argument("config", type=click.Path(path_type=Path), metavar="FILE.YAML")
@output_option
@click.option("--model", metavar="NAME", default="smollm2-135m", show_default=True, help="The model to ask.")
@click.option(
    "--data",
    multiple=True,
    metavar="SPLIT=FILE",
    help="A split's rows, in place of the task's own; once for each split.",
)
@click.option("--allow-code", is_flag=True, help="Run the functions that the task names (!function), as you.")
@force_option
@json_option
@click.pass_obj
def command(
    console: Console,
    config: Path,
    output: Path,
    model: str,
    data: tuple[str, ...],
    allow_code: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Write an lm-eval task file as a task folder: its rows, its right answers, its metrics as graders.

    What has no counterpart here is listed, with the place it stands in, and kept in left_out.json.
    """
    from workbench.exchange.lm_eval.task import import_task

    files = {}
    for named in data:
        split, equals, name = named.partition("=")
        if not equals:
            raise click.UsageError(f"--data {named}: write SPLIT=FILE")
        files[split] = Path(name)
    done = import_task(config, output, model=model, data=files, allow_code=allow_code, force=force)
    counts = ", ".join(f"{count} {role}" for role, count in done.rows.items())
    said = [
        f"wrote {done.task}: rows: {counts}",
        f"{len(done.omitted)} parts were left out or stand otherwise:",
    ]
    found = {"task": done.task, "rows": dict(done.rows)}
    return say_carried(console, found, said, done.omitted, as_json=as_json, then=f"wb check {done.task}")
