"""`wb models`: the models that can be used here."""

from __future__ import annotations

import click

from workbench.cli.console import Console
from workbench.cli.options import json_option


@click.command("models")
@json_option
@click.pass_obj
def command(console: Console, as_json: bool) -> None:
    """List the known models, whether they are on this machine and how to get them."""
    from workbench.machine.models import as_json as to_json
    from workbench.machine.models import as_text, list_models

    entries = list_models()
    if as_json:
        console.say_json(to_json(entries))
    else:
        console.say(as_text(entries))
