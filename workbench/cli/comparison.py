"""How two runs stand side by side on the terminal."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from reports import figures
from reports.comparison import difference, moved
from reports.plaintext import one_line, visible
from workbench.cli.console import Console, table

SHOWN_FLIPS = 8
"""Rows of each direction that are listed."""


def show_sides(console: Console, found: Mapping[str, Any]) -> None:
    """What A and B are, and in what they differ."""
    for key in ("a", "b"):
        console.say(f"{key.upper()}  {side_line(found[key])}")
    if found["changed"]:
        console.say(f"changed  {visible(', '.join(found['changed']))}")
    if found["identical"]:
        console.say("every dev row was answered alike")


def side_line(side: Mapping[str, Any]) -> str:
    """An approach, where it is from and how old it is."""
    of = f"baseline {side['baseline']!r}, blessed {side['age']}, " if side["baseline"] else ""
    commit = f", commit {side['commit']}" if side["commit"] else ""
    return f"{side['approach']}: {of}run {side['run']}{commit}"


def show_splits(console: Console, found: Mapping[str, Any]) -> None:
    """A table of differences for each split, and the flips on dev."""
    for split, of in found["splits"].items():
        console.say()
        console.say(metrics_table(split, of))
        console.say(
            f"{found['primary']}: {of['better']} {split} rows better, {of['worse']} worse; "
            f"{of['mended']} became right, {of['broken']} wrong"
        )
        show_flips(console, of["flips"])
    for note in found["notes"]:
        console.say(f"note: {visible(note)}")
    console.say()
    console.say(f"B − A by row; intervals of {100 * found['level']:.3g} %")


def metrics_table(split: str, of: Mapping[str, Any]) -> str:
    """One line a metric, at most 80 columns wide unless a metric's name is long."""
    body = [
        [
            name,
            figures.figure(name, cell["a"]),
            figures.figure(name, cell["b"]),
            difference(name, cell),
            f"+{cell['up']} −{cell['down']}" if cell["up"] or cell["down"] else "",
        ]
        for name, cell in of["metrics"].items()
    ]
    return table([f"{split}, {of['rows']} rows", "A", "B", "B − A", "rows"], body, right=[1, 2])


def show_flips(console: Console, flips: Sequence[Mapping[str, Any]]) -> None:
    """The rows that moved furthest, worse ones first."""
    width = shutil.get_terminal_size().columns
    for word, colour, better in (("worse", "red", False), ("better", "green", True)):
        mine = [flip for flip in flips if flip["better"] is better]
        for flip in mine[:SHOWN_FLIPS]:
            head = f"  {word:<6} {flip['id']}  {flip['first']:.2f} → {flip['second']:.2f}  "
            room = max((width - len(head) - 3) // 2, 12)
            before, after, _ = (one_line(visible(text), room) for text in moved(flip))
            console.say(f"{console.style(head, fg=colour)}{before} → {after}")
        if len(mine) > SHOWN_FLIPS:
            console.say(f"  {word:<6} and {len(mine) - SHOWN_FLIPS} more (--json and --markdown have them)")
