"""`wb schema`: print a JSON Schema."""

from __future__ import annotations

import json
from importlib.resources import files

import click

from workbench.cli.console import Console


@click.command("schema")
@click.argument("which", type=click.Choice(["task", "decision", "policy"]), default="task")
@click.pass_obj
def command(console: Console, which: str) -> None:
    """Print the JSON Schema (draft 2020-12) of task.yaml, of decision.json or of a gate's policy."""
    text = (files("evals") / "schemas" / f"{which}.schema.json").read_text(encoding="utf-8")
    console.say_json(json.loads(text))
