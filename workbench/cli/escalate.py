"""`wb escalate`: act on the verdict of the newest binding run."""

from __future__ import annotations

from pathlib import Path

import click

from tuning.tables import METHODS, OBJECTIVES
from workbench.cli.console import Console
from workbench.cli.options import (
    allow_code_option,
    distilled_only_option,
    distilled_option,
    jobs_option,
    json_option,
    out_option,
    task_argument,
    trust_option,
)


@click.command("escalate")
@task_argument
@click.option(
    "--run", type=click.Path(path_type=Path), metavar="RUN", help="Take the decision from this folder."
)
@click.option(
    "--method",
    metavar="NAME",
    help=f"Train by this method, not the one recommended: {', '.join(METHODS)}.",
)
@click.option(
    "--objective",
    metavar="NAME",
    help=f"Train towards this objective, not the one recommended: {', '.join(OBJECTIVES)}.",
)
@click.option(
    "--set",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="An option of the method, the objective or the training; repeatable.",
)
@click.option("--force", is_flag=True, help="Train whatever the verdict is; open leakage still stops it.")
@click.option("--climb", is_flag=True, help="Go on with the next method while none ships.")
@click.option("--search", is_flag=True, help="Try three learning rates, and take the best on dev.")
@click.option("--curve", is_flag=True, help="Train on parts of the rows too: would more rows help?")
@distilled_option
@distilled_only_option
@click.option(
    "--launch", type=click.Choice(["accelerate"]), help="Train in several processes on this machine."
)
@click.option(
    "--launch-config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="accelerate's configuration file, for --launch.",
)
@click.option(
    "--processes", type=click.IntRange(min=1), metavar="N", help="How many processes --launch starts."
)
@click.option("--dry-run", is_flag=True, help="Say what training would take, and train nothing.")
@click.option("--seed", type=int, default=0, show_default=True, help="For training and generation.")
@out_option
@jobs_option
@allow_code_option
@trust_option
@json_option
@click.pass_obj
def command(
    console: Console,
    task: Path,
    run: Path | None,
    method: str | None,
    objective: str | None,
    options: tuple[str, ...],
    force: bool,
    climb: bool,
    search: bool,
    curve: bool,
    distilled: Path | None,
    distilled_only: bool,
    launch: str | None,
    launch_config: Path | None,
    processes: int | None,
    dry_run: bool,
    seed: int,
    out: Path,
    jobs: int,
    allow_code: bool,
    trusts_code: bool,
    as_json: bool,
) -> int:
    """Act on the verdict of the newest binding run of this task.

    ship: names what already meets everything (exit 0). collect: says which rows to add (4). stop:
    says why (3). escalate: trains the recommended method in a new run, scores it beside the
    baselines and decides again, with the exit codes of assess. No decision, a stale one or one that
    is not binding: exit 1.
    """
    from evals.models import Loader
    from tuning.launch import Launch
    from workbench.cli.verdict import EXIT_CODES, interruption, show
    from workbench.escalation.escalate import escalate
    from workbench.escalation.order import Order

    if launch is None and (launch_config is not None or processes is not None):
        raise click.UsageError("--launch-config and --processes go with --launch accelerate")
    if climb and options:
        raise click.UsageError("--set is for one training, and --climb goes on to others")
    order = Order(
        *(task, out, run, method, objective, force, climb, dry_run, seed, console.progress, allow_code),
        trusts_code=trusts_code,
        search=search,
        curve=curve,
        distilled=distilled,
        distilled_only=distilled_only,
        launch=None if launch is None else Launch(launch_config, processes),
        options=options,
    )
    acted = escalate(order, Loader(jobs=jobs, allows_code=allow_code, trusts_code=trusts_code))
    if acted.preflight is not None:
        return _ahead(console, acted.preflight, as_json)
    decision = acted.decision
    if acted.whole is not None:
        show(console, acted.run.folder, acted.whole, as_json=as_json)
        if acted.whole.verdict == "incomplete":
            console.error(interruption(acted.whole))
    elif as_json:
        console.say_json(decision)
    else:
        console.say(decision["headline"])
        for reason in decision["recommendation"].get("why", ()):
            console.say(f"  {reason}")
        console.say(f"report   {acted.run.folder / 'report.html'}")
    return EXIT_CODES[decision["verdict"]]


def _ahead(console: Console, preflight: object, as_json: bool) -> int:
    """Say what a training would take: 0, and 1 when something stands in its way."""
    from tuning.preflight import Preflight
    from workbench.cli.ahead import lines

    assert isinstance(preflight, Preflight)
    if as_json:
        console.say_json(preflight)
    else:
        for line in lines(preflight):
            console.say(line)
    return 1 if preflight.problems else 0
