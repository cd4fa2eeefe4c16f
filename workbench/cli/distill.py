"""`wb distill`: label inputs with the best approach, for a smaller model to learn from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from workbench.cli.console import Console
from workbench.cli.options import (
    allow_code_option,
    file_option,
    jobs_option,
    json_option,
    out_option,
    task_argument,
    trust_option,
)

if TYPE_CHECKING:
    from workbench.distillation.distill import Labelled


@click.command("distill")
@task_argument
@click.option(
    "--inputs",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The rows to label: as training rows, without the output.",
)
@file_option
@click.option(
    "--approach",
    metavar="NAME",
    help="Who labels; left out, the best baseline, asked of the task's stronger_model if it has one.",
)
@click.option(
    "--run", type=click.Path(path_type=Path), metavar="RUN", help="Take the approaches from this run folder."
)
@click.option(
    "--force",
    is_flag=True,
    help="Replace a file that is there; label with an approach that is often wrong, or of a run not binding.",
)
@out_option
@jobs_option
@allow_code_option
@trust_option
@json_option
@click.pass_obj
def command(
    console: Console,
    task: Path,
    inputs: Path,
    output: Path,
    approach: str | None,
    run: Path | None,
    force: bool,
    out: Path,
    jobs: int,
    allow_code: bool,
    trusts_code: bool,
    as_json: bool,
) -> int:
    """Label inputs with the best approach of the newest binding run, for a smaller model to learn from.

    Inputs that dev, test or train have are left out. Answers are kept where the graders that need no
    reference accept them; `wb escalate --distilled FILE` trains on the file. What was answered is kept:
    the same command continues (exit code 5 when the budget is spent or the model is away).
    """
    from evals.models import Loader
    from workbench.distillation.distill import Labelling, distill

    asked = Labelling(task, inputs, output, out, run, approach, force, console.progress)
    done = distill(asked, Loader(jobs=jobs, allows_code=allow_code, trusts_code=trusts_code))
    if as_json:
        console.say_json(done.told())
        return 0
    for line in said(done):
        console.say(line)
    console.say(f"next: wb escalate {task} --distilled {output}")
    return 0


def said(done: Labelled) -> list[str]:
    """What came of it, for people."""
    by = done.by
    lines = [
        f"wrote {done.file}: {done.rows} rows of {done.inputs}, "
        f"labelled by {by['approach']} (model {by['model']})"
    ]
    lines += [f"  left out: {count} {why}" for why, count in done.left_out.items()]
    lines += [f"  dropped: {count} answers {why}" for why, count in done.dropped.items()]
    lines += [f"  cannot judge: {name} ({why})" for name, why in done.unable.items()]
    judges = ", ".join(done.judged_by) or "nobody"
    lines.append(f"judged by {judges}; {done.worth.sentence()}")
    if not done.graded:
        lines.append("no grader can judge without a reference: what is kept is as good as who labelled it")
    if done.worth.misses:
        lines.append(
            f"that is below the {done.worth.wanted:g} that the task asks for: its errors are learned too"
        )
    return lines
