"""`wb init`: write a commented task folder to start from."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.cli.console import Console


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path), default=Path("my-task"), metavar="[FOLDER]")
@click.pass_obj
def command(console: Console, folder: Path) -> None:
    """Write a small working task into FOLDER (default: my-task), every key explained. Asks nothing."""
    from workbench.init import write_starter

    for path in write_starter(folder):
        console.say(f"wrote    {path}")
    console.say(f"next     wb check {folder / 'task.yaml'}")
