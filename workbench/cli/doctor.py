"""`wb doctor`: what is missing on this machine."""

from __future__ import annotations

import click

from workbench.cli.console import Console
from workbench.cli.options import json_option


@click.command("doctor")
@json_option
@click.pass_obj
def command(console: Console, as_json: bool) -> int:
    """Say what is right and what is missing on this machine. Exit code 1 when something must be mended."""
    from workbench.machine.doctor import as_json as to_json
    from workbench.machine.doctor import as_text, doctor

    findings = doctor()
    if as_json:
        console.say_json(to_json(findings))
    else:
        console.say(as_text(findings))
    return 0 if to_json(findings)["ok"] else 1
