"""`wb compare`: two runs row by row."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.cli.console import Console
from workbench.cli.options import approach_option, json_option, markdown_option


@click.command("compare")
@click.argument("first", type=click.Path(path_type=Path), metavar="A")
@click.argument("second", type=click.Path(path_type=Path), metavar="B")
@approach_option
@markdown_option
@json_option
@click.pass_obj
def command(
    console: Console, first: Path, second: Path, approach: str | None, markdown: Path | None, as_json: bool
) -> int:
    """Compare two runs row by row: B minus A on every metric, and the rows that flipped.

    A and B are run folders, or runs/TASK for its newest run. Test rows are compared where both
    were judged on them, as counts only. Runs on other data or with other graders are refused (exit
    code 1). Nothing is decided: `wb gate` does.
    """
    from evals.models import Loader
    from evals.store import write_text
    from reports.comparison import render
    from workbench.cli.comparison import show_sides, show_splits
    from workbench.comparison.compare import compare_runs, to_json

    found = to_json(compare_runs(first, second, approach, Loader()))
    if markdown is not None:
        write_text(markdown, render(found))
    if as_json:
        console.say_json(found)
        return 0
    show_sides(console, found)
    show_splits(console, found)
    return 0
