"""`wb escalate`: act on the verdict of the newest binding run."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.cli.console import Console
from workbench.cli.options import out_option, task_argument


@click.command("escalate")
@task_argument
@click.option(
    "--run", type=click.Path(path_type=Path), metavar="RUN", help="Take the decision from this folder."
)
@out_option
@click.pass_obj
def command(console: Console, task: Path, run: Path | None, out: Path) -> int:
    """Act on the verdict of the newest binding run of this task.

    ship: names what already meets everything (exit 0). collect: says which rows to add (4).
    stop: says why (3). escalate: names the method to train and what speaks for it (3); this
    version does not train. No decision, a stale one or one that is not binding: exit 1.
    """
    from workbench.cli.verdict import EXIT_CODES
    from workbench.escalate import binding_decision

    found, decision = binding_decision(task, out, run)
    console.say(decision["headline"])
    for reason in decision["recommendation"].get("why", ()):
        console.say(f"  {reason}")
    if decision["verdict"] == "escalate":
        method = decision["recommendation"].get("method")
        console.say(f"Train {method} on the task's training rows; this version decides and does not train.")
    console.say(f"report   {found.folder / 'report.html'}")
    return EXIT_CODES[decision["verdict"]]
