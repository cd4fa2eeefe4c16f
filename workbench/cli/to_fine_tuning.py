"""`wb export fine-tuning`: what a provider of hosted models trains on."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.cli.carried import say_carried
from workbench.cli.console import Console
from workbench.cli.options import (
    distilled_only_option,
    distilled_option,
    file_option,
    json_option,
    replace_option,
    task_argument,
)


@click.command("fine-tuning")
@task_argument
@click.option(
    "--prompt",
    type=click.Choice(["zero_shot", "system_prompt"]),
    default="zero_shot",
    show_default=True,
    help="The rung whose prompt asks each row, and is to ask the model that comes of it.",
)
@distilled_option
@distilled_only_option
@click.option("--preferences", is_flag=True, help="The pairs of data.preferences, for the provider's DPO.")
@click.option(
    "--max-tokens",
    type=click.IntRange(min=1),
    default=65_536,
    show_default=True,
    metavar="N",
    help="The longest example that the provider takes of this model.",
)
@file_option
@replace_option
@json_option
@click.pass_obj
def command(
    console: Console,
    task: Path,
    prompt: str,
    distilled: Path | None,
    distilled_only: bool,
    preferences: bool,
    max_tokens: int,
    output: Path,
    force: bool,
    as_json: bool,
) -> int:
    """Write a task's training rows as the file that a provider of hosted models fine-tunes on.

    Rows that dev or test have, repeated ones, empty answers and examples that are too long are left out.
    Name the model that comes of it as the task's `model`, and `wb assess` measures it with the same prompt.
    """
    from evals.models import Loader
    from workbench.exchange.fine_tuning import Lesson, export_fine_tuning

    if preferences and distilled is not None:
        raise click.UsageError("--distilled are rows, and --preferences writes pairs: choose one.")
    lesson = Lesson(prompt, distilled, distilled_only, preferences, max_tokens)
    done = export_fine_tuning(task, output, lesson, Loader(), force=force)
    found = {"file": done.file, "rows": done.rows, "prompt": prompt}
    said = [f"wrote {done.file}: {done.rows} examples, asked by the prompt of {prompt}"]
    return say_carried(console, found, said, done.omitted, as_json=as_json)
