"""`wb import promptfoo`: a promptfoo configuration as a task folder."""

from __future__ import annotations

from pathlib import Path

import click

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
    from workbench.exchange.omitted import to_json
    from workbench.exchange.promptfoo.folder import import_config

    done = import_config(config, output, model=model, force=force)
    if as_json:
        console.say_json(
            {
                "tasks": [str(task) for task in done.tasks],
                "rows": done.rows,
                "left_out": to_json(done.omitted),
            }
        )
        return 0
    for task in done.tasks:
        console.say(f"wrote {task}")
    console.say(f"{done.rows} rows; {len(done.omitted)} parts were left out or stand otherwise:")
    for one in done.omitted:
        console.say(f"  {one.sentence()}")
    console.say(f"next: wb check {done.tasks[0]}")
    return 0
