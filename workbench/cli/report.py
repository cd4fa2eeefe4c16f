"""`wb report`: decide and render again from a run folder."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.cli.console import Console
from workbench.cli.options import allow_code_option, exit_zero_option, json_option, run_argument


@click.command("report")
@run_argument
@allow_code_option
@json_option
@exit_zero_option
@click.pass_obj
def command(console: Console, run: Path, allow_code: bool, as_json: bool, exit_zero: bool) -> int:
    """Decide and render again from what a run left on disk. Calls no model.

    RUN is a run folder, or runs/TASK for its newest run. From the same folder the same bytes are
    written. Exit codes as those of `wb assess`.
    """
    from evals.models import Loader
    from evals.store import lock
    from workbench.cli.verdict import exit_code, interruption, show
    from workbench.evidence import conclude
    from workbench.runs import find_run

    found = find_run(run)
    with lock(found.folder / ".lock"):
        decision = conclude(found, Loader(allows_code=allow_code))
    show(console, found.folder, decision, as_json=as_json)
    if decision.verdict == "incomplete":
        console.error(interruption(decision))
    return 0 if exit_zero and decision.verdict != "incomplete" else exit_code(decision)
