"""`wb check`: validate a task and its data, and say what it will take."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.cli.console import Console
from workbench.cli.options import allow_code_option, json_option, task_argument, trust_option


@click.command("check")
@task_argument
@click.option("--judge", is_flag=True, help="Ask the task's judge about human-labelled rows: may it decide?")
@allow_code_option
@trust_option
@json_option
@click.pass_obj
def command(
    console: Console, task: Path, judge: bool, allow_code: bool, trusts_code: bool, as_json: bool
) -> int:
    """Validate a task and its data, estimate calls, tokens and minutes. Generates nothing,
    unless --judge asks the judge.

    Says for each requirement with how many rows and failures it could be met. Exit code: 0 with
    warnings, 1 with errors.
    """
    from evals.models import Loader
    from evals.task import load_task
    from workbench.checks.findings import text
    from workbench.checks.task import check

    models = Loader(allows_code=allow_code, trusts_code=trusts_code)
    found = check(load_task(task), models, try_judge=judge)
    if as_json:
        console.say_json(found.to_json())
    else:
        console.say(text(found))
    return found.exit_code
