"""The approaches as a table, in ladder order: one named column a figure, n beside every mean.

What most cells of a column share (the split, the number of rows, what a difference is to) stands
once in its head; a cell that differs says so itself. Columns nobody has a figure for are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports import figures
from reports.view import focus, metric_of, unlike


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure as text; `spread` is its interval, `note` what it is of, `sort` the bare number."""

    text: str = figures.NOTHING
    spread: str = ""
    note: str = ""
    sort: float | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column's name and what most of its cells are of."""

    label: str
    note: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One approach: `start` is the one it adds to, `chosen` what its rung chose, `mark` says why it stands
    out, `state` why it has no figures."""

    name: str
    start: str
    chosen: str
    kind: str
    mark: str
    state: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class ApproachTable:
    """Columns and lines; `columns[i]` belongs to `lines[*].cells[i]`. `absent` are the approaches
    that this task does not have, each with why; `levels` says what the brackets hold."""

    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    absent: tuple[str, ...]
    levels: str


def approach_table(decision: Mapping[str, Any]) -> ApproachTable:
    """The table of the first screen, in ladder order, which counts as the order of cost."""
    every: Sequence[Mapping[str, Any]] = decision["approaches"]
    approaches = [a for a in every if a.get("state") != "not applicable"]
    metric = metric_of(decision) or ""
    plans: list[tuple[str, Callable[[Mapping[str, Any]], Cell]]] = [
        (f"{metric}, dev", lambda a: measured(a, "dev", metric)),
        (f"{metric}, test", lambda a: measured(a, "test", metric)),
        ("Paired difference", lambda a: difference(a, metric)),
        ("No usable answer", _unusable),
        ("Prompt tokens", lambda a: _plain(a, "tokens_in")),
        ("Output tokens", lambda a: _plain(a, "tokens_out")),
        ("$ per 1,000 accepted", lambda a: _plain(a, "usd_per_1k_accepted")),
        ("p95 latency", lambda a: _plain(a, "p95_seconds")),
        ("Time to fit", lambda a: _plain(a, "fit_seconds")),
    ]
    if any(a.get("usd_per_1k") is not None for a in approaches):
        plans = [plan for plan in plans if plan[0] != "Output tokens"]
    columns = [_column(label, [read(a) for a in approaches]) for label, read in plans]
    kept = tuple(column for column in columns if any(cell.sort is not None for cell in column.cells))
    lines = tuple(
        Line(
            name=str(approach["name"]),
            start=str(approach.get("start") or ""),
            chosen=str(approach.get("chosen") or ""),
            kind=str(approach.get("kind") or ""),
            mark=_mark(decision, str(approach["name"])),
            state=_state(approach),
            cells=tuple(column.cells[i] for column in kept),
        )
        for i, approach in enumerate(approaches)
    )
    absent = tuple(
        f"{a['name']} ({a['why']})" if a.get("why") else str(a["name"]) for a in every if a not in approaches
    )
    return ApproachTable(kept, lines, absent, _levels_said(decision, levels(every)))


def _levels_said(decision: Mapping[str, Any], known: str) -> str:
    """The levels, and, where they are not those of the tests, that they are not."""
    if not known or not unlike(decision):
        return f"intervals, {known}" if known else ""
    return (
        f"intervals with both ends alike, {known}; a requirement was tested by the bounds that stand with it"
    )


def measured(approach: Mapping[str, Any], split: str, metric: str) -> Cell:
    """A metric of one split with its interval and n; empty when it was not measured."""
    cell = (approach.get(split) or {}).get(metric)
    if not cell or cell.get("value") is None:
        return Cell()
    return Cell(
        figures.figure(metric, cell["value"]),
        figures.interval(metric, cell),
        f"n = {figures.count(cell['n'])}",
        float(cell["value"]),
    )


def levels(approaches: Sequence[Mapping[str, Any]]) -> str:
    """The confidence levels of the intervals by split: "90 % on dev, 97.5 % on test"."""
    found = []
    for split in ("dev", "test"):
        cells = [cell for a in approaches for cell in (a.get(split) or {}).values() if cell.get("level")]
        known = sorted({f"{100 * cell['level']:.4g}" for cell in cells}, key=float)
        found += [f"{' or '.join(known)} % on {split}"] if known else []
    return ", ".join(found)


def difference(approach: Mapping[str, Any], metric: str) -> Cell:
    cell = (approach.get("delta") or {}).get(metric)
    if not cell or cell.get("value") is None:
        return Cell()
    spread = ""
    if cell.get("low") is not None and cell.get("high") is not None:
        spread = f"[{figures.signed(cell['low'], metric)}, {figures.signed(cell['high'], metric)}]"
    note = f"to {cell['vs']}, {cell['split']}, n = {figures.count(cell['n'])}"
    return Cell(figures.signed(cell["value"], metric), spread, note, float(cell["value"]))


def failure_counts(approach: Mapping[str, Any]) -> tuple[dict[str, int], str]:
    """Rows by cause of failure, and the split they are of."""
    failures: Mapping[str, Any] = approach.get("failures") or {}
    return {str(k): int(v) for k, v in failures.items()}, str(approach.get("split") or "dev")


def rows_of(approach: Mapping[str, Any], split: str) -> int:
    """How many rows of a split an approach was scored on."""
    return max((int(cell["n"]) for cell in (approach.get(split) or {}).values()), default=0)


def _unusable(approach: Mapping[str, Any]) -> Cell:
    """Rows without an answer that could be read: badly formatted, cut off, refused, the prompt too long."""
    counts, split = failure_counts(approach)
    n = rows_of(approach, split)
    if "format" not in counts or not n:
        return Cell()
    parts = {"format": "format", "truncated": "cut off", "refused": "refused", "too_long": "too long to ask"}
    found = {word: counts.get(kind, 0) for kind, word in parts.items()}
    total = sum(found.values())
    detail = ", ".join(f"{figures.count(k)} {word}" for word, k in found.items() if k)
    return Cell(figures.count(total), detail, f"of {figures.count(n)} {split} rows", total)


def _plain(approach: Mapping[str, Any], key: str) -> Cell:
    value = approach.get(key)
    if value is None:
        return Cell()
    metric = "p0_seconds" if key == "fit_seconds" else key
    text = figures.figure(metric, float(value))
    n = rows_of(approach, "dev")
    note = f"mean of {figures.count(n)} dev calls" if key.startswith(("tokens", "usd")) else ""
    return Cell(text, "", note, float(value))


def _column(label: str, cells: Sequence[Cell]) -> Column:
    notes = Counter(cell.note for cell in cells if cell.sort is not None)
    shared = notes.most_common(1)[0][0] if notes else ""
    own = (Cell(c.text, c.spread, "" if c.note == shared else c.note, c.sort) for c in cells)
    return Column(label, shared, tuple(own))


def _mark(decision: Mapping[str, Any], name: str) -> str:
    if decision.get("approach") == name:
        return "chosen"
    return "best so far" if focus(decision) == name else ""


def _state(approach: Mapping[str, Any]) -> str:
    state = str(approach.get("state") or "scored")
    why = str(approach.get("why") or "")
    if state == "scored":
        return ""
    return f"{state}: {why}" if why else state
