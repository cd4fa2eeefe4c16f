"""Options that several commands share."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click


class Share(click.FloatRange):
    """A number from 0 to 1; `nan`, which lies neither in nor out of any range, is none."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = float(super().convert(value, param, ctx))
        if math.isnan(found):
            self.fail(f"{value} is no number", param, ctx)
        return found


task_argument = click.argument("task", type=click.Path(path_type=Path), metavar="TASK.YAML")
run_argument = click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
out_option = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("runs"),
    show_default=True,
    metavar="DIR",
    help="Where run folders are kept.",
)
jobs_option = click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1, 256),
    default=8,
    show_default=True,
    metavar="N",
    help="Concurrent requests to an endpoint.",
)
exit_zero_option = click.option(
    "--exit-zero", is_flag=True, help="Exit with 0 whatever the verdict (errors keep their code)."
)
allow_code_option = click.option(
    "--allow-code",
    is_flag=True,
    help="Let graders run code that a model wrote, contained (docs/graders.md, python_tests).",
)
trust_option = click.option(
    "--trust-remote-code",
    "trusts_code",
    is_flag=True,
    help="Let a local model run code that it brings along, as you (docs/models.md).",
)
approach_option = click.option(
    "--approach",
    metavar="NAME[=NAME]",
    help="The approach of A and of B; left out, the one that each run's decision is about.",
)
markdown_option = click.option(
    "--markdown",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the comparison as Markdown, for a pull request.",
)
output_option = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="FOLDER",
    help="The folder to write.",
)
file_option = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The file to write.",
)
replace_option = click.option("--force", is_flag=True, help="Replace a file that is there.")
exported_option = click.option(
    "--approach", metavar="NAME", help="Left out, the one that the run's decision is about."
)
split_option = click.option(
    "--split",
    type=click.Choice(["dev", "test"]),
    default="dev",
    show_default=True,
    help="The rows to export; of test only with --reveal-test.",
)
reveal_option = click.option(
    "--reveal-test",
    is_flag=True,
    help="Write the text of test rows: they are no unseen evidence then, which is noted in looks.jsonl.",
)
distilled_option = click.option(
    "--distilled",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Train on these rows too, which wb distill labelled.",
)
distilled_only_option = click.option(
    "--distilled-only", is_flag=True, help="With --distilled: on those rows alone."
)
force_option = click.option("--force", is_flag=True, help="Write into a folder that has something in it.")


def revealed(run: Path, split: str, reveal: bool, form: str) -> None:
    """See to it that test rows leave a run as text only on demand, and that this stands in the ledger. Raises
    click.UsageError where it was not asked for, RunError as `workbench.ledger.reveal`."""
    if split != "test":
        return
    if not reveal:
        raise click.UsageError("--split test writes the text of test rows: add --reveal-test to mean it.")
    from workbench.ledger import reveal as note

    note(run, form)
