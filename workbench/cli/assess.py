"""`wb assess`: run the baselines, decide, write the report."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.cli.console import Console
from workbench.cli.options import (
    allow_code_option,
    exit_zero_option,
    jobs_option,
    json_option,
    out_option,
    task_argument,
    trust_option,
)


@click.command("assess")
@task_argument
@click.option("--dev-only", is_flag=True, help="Touch no test row: for working on a prompt. Not binding.")
@click.option("--only", multiple=True, metavar="NAME", help="Only this rung; repeatable. Not binding.")
@click.option(
    "--limit",
    type=click.IntRange(1),
    metavar="N",
    help="At most N dev rows and no test row: for trying out. Not binding.",
)
@click.option(
    "--no-diagnosis",
    "diagnosis",
    flag_value=False,
    default=True,
    help="Where nothing ships, do not measure why: no dev row is asked once more.",
)
@click.option("--latency", is_flag=True, help="Time single requests of the shortlisted approaches.")
@click.option(
    "--seed", type=int, default=0, show_default=True, help="For generation; splits never depend on it."
)
@click.option(
    "--no-cache", is_flag=True, help="Ask an endpoint also what it has answered before; keep no answer."
)
@out_option
@jobs_option
@allow_code_option
@trust_option
@json_option
@exit_zero_option
@click.pass_obj
def command(
    console: Console,
    task: Path,
    dev_only: bool,
    only: tuple[str, ...],
    limit: int | None,
    latency: bool,
    diagnosis: bool,
    seed: int,
    no_cache: bool,
    out: Path,
    jobs: int,
    allow_code: bool,
    trusts_code: bool,
    as_json: bool,
    exit_zero: bool,
) -> int:
    """Run the baselines of a task, decide, and write the report.

    The run folder is runs/TASK/<time>-<hash>/; the same command continues a run that was
    interrupted. Where nothing ships, variants of the best approach are asked on dev rows: is
    it retrieval, the form, the model or the labels that fails?

    Exit code: 0 an approach meets every requirement, 3 none does, 4 the rows cannot tell, 5
    incomplete, the same command continues.
    """
    from evals.models import Loader
    from workbench.assess import assess
    from workbench.cli.verdict import exit_code, interruption, show
    from workbench.runs import Scope
    from workbench.session import Plan

    scope = Scope(tuple(only), limit, dev_only, seed)
    plan = Plan(task, out, scope, latency, not no_cache, diagnosis, console.progress, allow_code, trusts_code)
    allowed = {"allows_code": allow_code, "trusts_code": trusts_code}
    run, decision = assess(plan, Loader(jobs=jobs, keep=not no_cache, **allowed))
    show(console, run.folder, decision, as_json=as_json)
    if decision.verdict == "incomplete":
        console.error(interruption(decision))
    return 0 if exit_zero and decision.verdict != "incomplete" else exit_code(decision)
