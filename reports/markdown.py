"""summary.md: the verdict for a CI step summary or a pull-request comment that is updated.

Its first line is a hidden marker that stays the same for a task, so that a job finds and replaces
its own comment. Under 20 KB whatever the decision holds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from evals.store import digest
from reports import Report
from reports.approaches import Cell, approach_table
from reports.brought import brought
from reports.figures import NOTHING
from reports.plaintext import code, markdown, visible
from reports.spent import spent_sentence
from reports.trained import trainings
from reports.view import headline, next_step, requirement_lines, tested

MAX_BYTES = 20_000
_LIMITS = ((30, 240), (20, 100), (8, 60), (4, 40))
"""Rows a table may have and characters a text may have: the first pair that fits is taken."""

_COMMAND = 1000


def render(report: Report) -> str:
    """The summary as GitHub or GitLab Markdown, under 20 KB of UTF-8."""
    for rows, letters in _LIMITS:
        text = _summary(report.decision, rows, letters)
        if len(text.encode()) < MAX_BYTES:
            break
    return text


def marker(decision: Mapping[str, Any]) -> str:
    """The hidden line by which a job finds the comment it wrote for this task."""
    name = visible(str(decision["task"]["name"]))
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
    return f"<!-- workbench summary {slug} {digest(name, 8)} -->"


def _summary(decision: Mapping[str, Any], rows: int, letters: int) -> str:
    verdict, advice = headline(decision), next_step(decision)
    blocks = [marker(decision), f"## {markdown(verdict.sentence, 400)}"]
    if not verdict.binding:
        blocks.append("**Not binding**: this run leaves something out, so it may not be acted on.")
    blocks += [markdown(line, 500) for line in brought(decision)]
    why = f" Why: {markdown(advice.why[0], 2 * letters)}" if advice.why else ""
    blocks.append(f"**Next:** {markdown(advice.sentence, 2 * letters)}{why}")
    if advice.command:
        blocks.append(_fenced(advice.command))
    notes = [f"- {markdown(str(note), letters)}" for note in (decision.get("notes") or ())[: rows // 2]]
    if notes:
        blocks.append("\n".join(notes))
    blocks += [
        *_requirements(decision, rows, letters),
        *_approaches(decision, rows, letters),
        *_trained(decision, rows, letters),
        *_diagnosis(decision, rows, letters),
        _footer(decision),
    ]
    return "\n\n".join(blocks) + "\n"


def _fenced(command: str) -> str:
    """A code block that the command cannot close."""
    text = visible(command[:_COMMAND])[:_COMMAND]
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}sh\n{text}\n{fence}"


def _requirements(decision: Mapping[str, Any], rows: int, letters: int) -> list[str]:
    lines = requirement_lines(decision)
    if not lines:
        return []
    body = [
        (
            f"{line.glyph} {line.status}{' (advisory)' if line.advisory else ''}",
            code(line.sentence, letters),
            f"{line.observed} {line.interval}<br>{markdown(line.basis, letters)}",
            markdown(line.why, letters),
        )
        for line in lines[:rows]
    ]
    said = tested(decision)
    table = _table(("Status", "Asked", "Observed", "Why"), body, len(lines) - rows)
    return ["### Requirements", table, *([f"In brackets: {said}."] if said else [])]


def _approaches(decision: Mapping[str, Any], rows: int, letters: int) -> list[str]:
    table = approach_table(decision)
    head = ["Approach"]
    for column in table.columns:
        note = f"<br><sub>{markdown(column.note, letters)}</sub>" if column.note else ""
        head.append(markdown(column.label, letters) + note)
    body = []
    for line in table.lines[:rows]:
        name = code(line.name, min(letters, 80)) + (f" on {code(line.start, 80)}" if line.start else "")
        name += " (tuned)" if line.kind == "tuned" else ""
        name += f" **{line.mark}**" if line.mark else ""
        name += f"<br><sub>{markdown(line.chosen, letters)}</sub>" if line.chosen else ""
        cells = [_cell(cell, letters) for cell in line.cells]
        if line.state and cells:
            cells = [markdown(line.state, letters), *[""] * (len(cells) - 1)]
        body.append((name, *cells))
    title = "### Approaches, in the order of the ladder"
    blocks = [title, _table(head, body, len(table.lines) - rows, right=True)]
    if table.levels:
        blocks.append(f"In brackets: {table.levels}.")
    if table.absent:
        blocks.append(f"Not applicable: {markdown('; '.join(table.absent), 2 * letters)}")
    return blocks


def _trained(decision: Mapping[str, Any], rows: int, letters: int) -> list[str]:
    """What was trained, and what it took and brought beside its score."""
    lines = [
        f"- {code(one.name, 80)}: {markdown(one.sentence, 4 * letters)}" for one in trainings(decision)[:rows]
    ]
    return ["### Training", "\n".join(lines)] if lines else []


def _diagnosis(decision: Mapping[str, Any], rows: int, letters: int) -> list[str]:
    """Why nothing ships, in the decision's own sentences."""
    lines = [f"- {markdown(str(line), 2 * letters)}" for line in (decision.get("diagnosis") or ())[:rows]]
    return ["### Why, measured on dev", "\n".join(lines)] if lines else []


def _cell(cell: Cell, letters: int) -> str:
    text = cell.text if not cell.spread else f"{cell.text} {cell.spread}"
    note = f"<br><sub>{markdown(cell.note, letters)}</sub>" if cell.note else ""
    return text + note


def _table(head: Any, body: list[Any], left_out: int, right: bool = False) -> str:
    rule = ["---", *["--:" if right else "---"] * (len(head) - 1)]
    lines = [f"| {' | '.join(row)} |" for row in (head, rule, *body)]
    if left_out > 0:
        lines.append(f"\n{left_out} more in `report.html`.")
    return "\n".join(lines)


def _footer(decision: Mapping[str, Any]) -> str:
    task, looks = decision["task"], decision.get("looks") or {}
    looked = f" Looks at the test set: {looks['used']} of {looks['planned']}." if "used" in looks else ""
    money = spent_sentence(decision)
    money = f" Spent: {markdown(money, 300)}." if money else ""
    return (
        f"Task {code(str(task['name']), 80)}, hash {code(str(task.get('hash') or NOTHING), 40)}."
        f"{looked}{money} "
        "Rows, failures and provenance: `report.html` in the run folder; all figures: `decision.json`."
    )
