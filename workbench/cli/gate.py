"""`wb gate`: hold a run against a baseline, for CI."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.console import Console, table
from workbench.cli.options import Share, approach_option, json_option, markdown_option

if TYPE_CHECKING:
    from workbench.comparison.gate import Asked

COLORS = {"pass": "green", "worse": "red", "cannot tell": "yellow"}


@click.command("gate")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option("--baseline", metavar="A", help="A run folder, or the name of a blessed baseline.")
@click.option("--bless", metavar="NAME", help="Keep RUN as the baseline NAME, in a file beside the task.")
@approach_option
@click.option(
    "--split",
    type=click.Choice(["dev", "test"]),
    default="dev",
    show_default=True,
    help="test is a look: it is written to the ledger beside the task.",
)
@click.option(
    "--policy",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Margins and tiers by metric; left out, the task's format and quality requirements.",
)
@click.option(
    "--margin",
    type=Share(0, 1, max_open=True),
    metavar="X",
    help="How much worse a share may be.  [default: 0.05, five points]",
)
@click.option(
    "--inconclusive",
    type=click.Choice(["pass", "fail"]),
    help="What becomes of what the rows cannot tell.  [default: fail]",
)
@click.option(
    "--task",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="TASK.YAML",
    help="Where ledger and baselines lie; left out, the task file that the run names.",
)
@markdown_option
@click.option(
    "--junit",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a JUnit case per metric.",
)
@json_option
@click.pass_obj
def command(
    console: Console,
    run: Path,
    baseline: str | None,
    bless: str | None,
    approach: str | None,
    split: Any,
    policy: Path | None,
    margin: float | None,
    inconclusive: Any,
    task: Path | None,
    markdown: Path | None,
    junit: Path | None,
    as_json: bool,
) -> int:
    """Is RUN no worse than a baseline? For CI.

    Exit code: 0 the lower bound of every difference is above minus its margin, 3 a critical metric
    is worse, 4 the rows cannot tell, 1 the two cannot be compared. Identical answers pass at once.
    """
    if (baseline is None) == (bless is None):
        raise click.UsageError("give either --baseline A or --bless NAME")
    if bless is not None:
        return _bless(console, bless, run, approach, task)
    from workbench.comparison.gate import Asked

    asked = Asked(run, str(baseline), approach, split, policy, margin, inconclusive, task)
    return _gate(console, asked, markdown, junit, as_json)


def _bless(console: Console, name: str, run: Path, approach: str | None, task: Path | None) -> int:
    from evals.models import Loader
    from workbench.comparison.gate import bless_run

    path = bless_run(name, run, approach, task, Loader())
    console.say(f"blessed  {name}: {path}")
    console.say("Commit this file: a checkout without run folders can then be gated against it.")
    return 0


def _gate(console: Console, asked: Asked, markdown: Path | None, junit: Path | None, as_json: bool) -> int:
    from evals.models import Loader
    from evals.store import write_text
    from reports import comparison, gate_junit
    from workbench.comparison.gate import gate, gate_json

    result = gate(asked, Loader())
    found = gate_json(result)
    if markdown is not None:
        write_text(markdown, comparison.render(found))
    if junit is not None:
        write_text(junit, gate_junit.render(found))
    if as_json:
        console.say_json(found)
    else:
        _show(console, found)
    return result.exit_code


def _show(console: Console, found: Any) -> None:
    """The sides, each metric with its reason, the differences, and last the result."""
    from workbench.cli.comparison import show_sides, show_splits

    show_sides(console, found)
    console.say()
    body = [
        [
            ruling["outcome"] + (" (advisory)" if ruling["tier"] == "advisory" else ""),
            f"{ruling['label']}, margin {ruling['margin_text']}",
        ]
        for ruling in found["rulings"]
    ]
    for line, ruling in zip(table(["", "metric"], body).splitlines()[2:], found["rulings"], strict=True):
        console.say(line)
        console.say(f"    {ruling['why']}")
    show_splits(console, found)
    if found["look"] is not None:
        console.say("The ledger beside the task has this look at the test set: commit looks.jsonl.")
    console.say(console.style(found["headline"], fg=COLORS[found["outcome"]], bold=True))
