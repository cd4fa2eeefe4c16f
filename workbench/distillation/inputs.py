"""Inputs that nobody has answered: read, and parted from the rows that decide and from those that train.

What is labelled is learned, so an input that a dev or test row has, nearly has, or shares a group with is
left out, by the rules of the audit (`evals.data`, `evals.audit.near`); so is one that has an answer already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from evals.data import Data, folded, visible
from evals.errors import DataError
from evals.examples import read_unlabelled
from evals.rows import KINDS, Source
from evals.table import nearest
from evals.task import Task
from evals.template import Template
from evals.types import Example

EVAL, NEAR, GROUP = "copy a dev or test row", "nearly repeat a dev or test row", "share a group with one"
TRAIN, TWICE = "have an answer in train", "repeat an earlier input"


def given(path: Path) -> Source:
    """A file named on the command line. Raises DataError when it is not there or of no known kind."""
    if path.suffix.lower() not in KINDS:
        raise DataError("is of no kind that can be read", where=path, hint=f"Kinds: {', '.join(KINDS)}.")
    if not path.is_file():
        there = [p.name for p in path.parent.glob("*") if p.suffix in KINDS] if path.parent.is_dir() else []
        raise DataError(f"there is no such file.{nearest(path.name, there)}", where=path)
    return Source(str(path), "", path, path.parent)


def read_inputs(path: Path, task: Task) -> list[Example]:
    """The inputs with the columns that the task's template shows, their targets None. Raises DataError with
    file and line, also for a row that is answered already."""
    source = given(path)
    rows, lines = read_unlabelled(source, task.columns)
    names = Template(task.prompt.template).names
    for row in rows:
        for name in names:
            if name != "input" and name not in row.fields:
                raise DataError(
                    f"has no {name!r}, which prompt.template shows.{nearest(name, row.fields)}",
                    where=source.shown,
                    line=lines[row.id],
                )
    return rows


def apart(rows: Sequence[Example], data: Data, names: Sequence[str]) -> tuple[list[Example], Counter[str]]:
    """The rows that may be learned from beside this data, and how many were left out for which reason.
    `names` are the columns that the template shows."""
    left_out: Counter[str] = Counter()
    seen = {folded(visible(row, names)): TRAIN for row in data.train}
    seen |= {folded(visible(row, names)): EVAL for row in (*data.dev, *data.test)}
    groups = {row.group for row in (*data.dev, *data.test)} - {None}
    kept: list[Example] = []
    for row in rows:
        text = folded(visible(row, names))
        reason = seen.get(text, "") or (GROUP if row.group in groups else "")
        seen.setdefault(text, TWICE)
        if reason:
            left_out[reason] += 1
        else:
            kept.append(row)
    far = _far(kept, data, names)
    if len(far) < len(kept):
        left_out[NEAR] = len(kept) - len(far)
    return far, left_out


def _far(rows: Sequence[Example], data: Data, names: Sequence[str]) -> list[Example]:
    """The rows of which none nearly repeats a row of dev or test. The audit names for each of those the
    nearest one alone, so it is asked until it names none."""
    from evals.audit.near import lexical, rows_of

    kept = list(rows)
    while kept:
        # dev rows stand with those of test, for the nearest earlier row to be one of these
        near, _ = lexical(rows_of(Data(tuple(kept), (), (*data.dev, *data.test)), names))
        twins = {twin.of_id for twin in near.twins}
        if not twins:
            break
        kept = [row for row in kept if row.id not in twins]
    return kept
