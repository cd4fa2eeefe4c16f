"""How a verdict stands on the terminal, and the exit code it means."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evals.store import plain
from evals.types import Decision
from reports.approaches import approach_table
from reports.brought import brought
from reports.spent import spent_sentence
from reports.trained import trainings
from workbench.cli.console import Console, table

EXIT_CODES = {"ship": 0, "escalate": 3, "stop": 3, "collect": 4, "incomplete": 5}
COLORS = {"ship": "green", "escalate": "yellow", "stop": "red", "collect": "yellow", "incomplete": "red"}


def exit_code(decision: Decision) -> int:
    """0 ship, 3 escalate or stop, 4 collect, 5 incomplete."""
    return EXIT_CODES[decision.verdict]


def show(console: Console, folder: Path, decision: Decision, *, as_json: bool = False) -> None:
    """Print approaches, requirements, what was trained, where the report is and, last, the verdict."""
    if as_json:
        console.say_json(decision)
        return
    console.say(approaches_table(decision))
    for approach in decision.approaches:
        if approach["why"]:
            console.say(f"{approach['name']}: {approach['why']}")
    console.say(brackets(decision))
    console.say()
    for requirement in decision.requirements:
        of = f", {requirement['approach']}" if requirement.get("approach") else ""
        console.say(f"{requirement['status']:<22} {requirement['sentence']}{of}: {requirement['why']}")
    for line in brought(plain(decision))[:1]:
        console.say(line)
    for note in decision.notes:
        console.say(f"note: {note}")
    if decision.diagnosis:
        console.say("\nWhy, measured on dev")
    for line in decision.diagnosis:
        console.say(f"  {line}")
    for one in trainings(plain(decision)):
        console.say(f"\n{one.name}, as it was trained")
        for name, text in one.facts:
            console.say(f"  {name.lower():<15} {text}")
    console.say()
    if told := spent_sentence(plain(decision)):
        console.say(f"spent    {told}")
    console.say(f"report   {folder / 'report.html'}")
    command = decision.recommendation.get("command")
    if command:
        console.say(f"next     {command}")
    console.say(console.style(decision.headline, fg=COLORS[decision.verdict], bold=True))


def interruption(decision: Decision) -> str:
    """What left rows missing, and how to go on: the two lines on stderr of an incomplete run."""
    short = [a for a in decision.approaches if a["why"] and a["state"] in ("incomplete", "scored")]
    first = min(short, key=lambda a: a["state"] != "incomplete", default=None)
    why = f"{first['name']}: {first['why']}" if first else decision.headline
    return f"{why}\nThe same command continues: {decision.recommendation.get('command')}"


def brackets(decision: Decision) -> str:
    """What the brackets of the table hold, in a line: intervals of these levels, not the bounds below."""
    table = approach_table(plain(decision))
    return f"In brackets: {table.levels}." if table.levels else ""


def approaches_table(decision: Decision) -> str:
    """One line an approach: dev and, where any was judged there, test score with interval on each
    required format and quality metric."""
    approaches: Any = decision.approaches
    labels = [str(r["label"]) for r in decision.requirements if r["kind"] in ("format", "quality")]
    splits = ["dev", "test"] if any(a.get("test") for a in approaches) else ["dev"]
    head = ["approach", *(f"{label} ({split})" for split in splits for label in labels), "prompt tokens"]
    rows = []
    for approach in approaches:
        if approach.get("dev"):
            figures = [_figure(approach.get(split), label) for split in splits for label in labels]
            rows.append([approach["name"], *figures, _count(approach.get("tokens_in"))])
        else:
            rows.append([approach["name"], approach["state"]] + [""] * (len(head) - 2))
    return table(head, rows, right=[len(head) - 1])


def _figure(split: Mapping[str, Any] | None, label: str) -> str:
    found = (split or {}).get(label)
    if not found or found["value"] is None:
        return "–"
    interval = "" if found["low"] is None else f" [{found['low']:.2f}, {found['high']:.2f}]"
    return f"{found['value']:.2f}{interval} n={found['n']}"


def _count(tokens: Any) -> str:
    return "–" if tokens is None else f"{tokens:.0f}"
