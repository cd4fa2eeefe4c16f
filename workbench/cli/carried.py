"""What an import or an export says at its end: what was written, what was left out, what is next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.cli.console import Console
from workbench.exchange.omitted import Omitted, to_json


def say_carried(
    console: Console,
    found: Mapping[str, Any],
    said: Sequence[str],
    omitted: Sequence[Omitted],
    *,
    as_json: bool,
    label: str = "",
    then: str = "",
) -> int:
    """Print `found` with `left_out` as JSON, or the lines `said`, each part left out behind its `label`, and
    the command that comes `then`; gives exit code 0."""
    if as_json:
        console.say_json({**found, "left_out": to_json(omitted)})
        return 0
    for line in said:
        console.say(line)
    for one in omitted:
        console.say(f"  {label}{one.sentence()}")
    if then:
        console.say(f"next: {then}")
    return 0
