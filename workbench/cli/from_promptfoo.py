"""`wb import promptfoo`: a promptfoo configuration as a task folder."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.cli.carried import say_carried
from workbench.cli.console import Console
from workbench.cli.options import force_option, json_option, output_option


@click.command("promptfoo")
@click.argument("config", type=click.Path(path_type=Path), metavar="CONFIG")
@output_option
@click.option("--model", metavar="NAME", help="The model to ask, in place of the configuration's providers.")
@force_option
@json_option
@click.pass_obj
def command(
    console: Console, config: Path, output: Path, model: str | None, force: bool, as_json: bool
) -> int:
    """Write a promptfoo configuration as a task folder.

    Nothing of it is run. What has no counterpart here is listed, with the place it stands in, and
    kept in left_out.json.
    """
    from workbench.exchange.promptfoo.folder import import_config

    done = import_config(config, output, model=model, force=force)
    found = {"tasks": [str(task) for task in done.tasks], "rows": done.rows}
    said = [f"wrote {task}" for task in done.tasks]
    said += [f"{done.rows} rows; {len(done.omitted)} parts were left out or stand otherwise:"]
    return say_carried(console, found, said, done.omitted, as_json=as_json, then=f"wb check {done.tasks[0]}")
