"""`wb plan`: what would be run, and what the eval rows could show."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from workbench.cli.console import Console
from workbench.cli.options import jobs_option, json_option, out_option, task_argument, trust_option


@click.command("plan")
@task_argument
@click.option("--measure", is_flag=True, help="Measure the noise floor too: asks dev rows; cost said first.")
@click.option(
    "--limit",
    type=click.IntRange(2),
    default=40,
    show_default=True,
    metavar="N",
    help="With --measure: dev rows that are asked.",
)
@click.option(
    "--like",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Take spreads, and the approach to measure, from this run; left out, the task's newest.",
)
@out_option
@jobs_option
@trust_option
@json_option
@click.pass_obj
def command(
    console: Console,
    task: Path,
    measure: bool,
    limit: int,
    like: Path | None,
    out: Path,
    jobs: int,
    trusts_code: bool,
    as_json: bool,
) -> int:
    """Say what would be run and what these rows could show. Generates nothing without --measure.

    Exit code: 4 when a requirement cannot be shown with the test rows there are.
    """
    from evals.models import Loader
    from evals.store import plain
    from workbench.cli.planned import cost_line, plan_text
    from workbench.noise import measure_noise, prepare
    from workbench.plan import earlier_side, plan, with_noise

    models = Loader(jobs=jobs, trusts_code=trusts_code)
    planned = plan(task, out, like, models)
    if measure:
        from evals.task import load_task

        bench = prepare(task, out, limit, earlier_side(load_task(task), out, like, models), models)
        console.note(cost_line(bench, models))
        floors = measure_noise(bench, models, console.progress)
        noise = {
            "floors": plain(floors),
            "left_out": list(bench.left_out),
            "approach": bench.settings[0].approach.name,
        }
        planned = with_noise(planned, noise)
    if as_json:
        console.say_json(planned.to_json())
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        console.say(plan_text(planned, width))
    return planned.exit_code
