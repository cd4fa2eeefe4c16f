"""`wb import inspect`: an Inspect log as a run folder."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.cli.carried import say_carried
from workbench.cli.console import Console
from workbench.cli.options import Share, json_option, output_option


@click.command("inspect")
@click.argument("log", type=click.Path(path_type=Path), metavar="LOG.JSON")
@output_option
@click.option(
    "--at-least",
    type=Share(0, 1),
    default=0.5,
    show_default=True,
    metavar="X",
    help="What is required of the first scorer.",
)
@click.option("--force", is_flag=True, help="Replace a run that is there.")
@json_option
@click.pass_obj
def command(console: Console, log: Path, output: Path, at_least: float, force: bool, as_json: bool) -> int:
    """Write an Inspect log as a run folder, for `wb compare`, `wb gate` and `wb report`.

    Samples become dev rows, epochs repeats, scorers graders whose scores are Inspect's own.
    """
    from workbench.exchange.inspect_run import import_log

    done = import_log(log, output, at_least=at_least, force=force)
    found = {"run": done.run, "rows": done.rows, "scorers": done.scorers}
    said = f"wrote {done.run}: {done.rows} rows, scored by {', '.join(done.scorers.values())}"
    then = f"wb compare OTHER {done.run}"
    return say_carried(console, found, [said], done.omitted, as_json=as_json, label="left out: ", then=then)
