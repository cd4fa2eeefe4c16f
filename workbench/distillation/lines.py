"""A file of labelled inputs: training rows in the task's own columns, each saying who labelled it.

`wb escalate --distilled` reads them back, and holds them against the rows of dev and test again: the file may
be older than these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evals.data import Data
from evals.errors import DataError
from evals.examples import KEYS, read_placed
from evals.store import file_digest, write_lines
from evals.task import Task
from evals.template import Template
from evals.types import Example, Json
from workbench.distillation.inputs import apart, given

PART = "distilled"
"""The folder within a run that keeps what an approach labelled."""
LABELLED_BY = "labelled_by"
MARK = "distilled:"
"""What the ids of labelled rows begin with, so that none is that of a row of the task."""


def write_rows(
    path: Path, rows: Iterable[tuple[Example, Json]], columns: Mapping[str, str], by: Mapping[str, str]
) -> None:
    """Write the rows with their answers, whole or not at all."""
    named = {key: columns.get(key, key) for key in KEYS}
    write_lines(path, (_line(row, answer, named, by) for row, answer in rows))


def _line(row: Example, answer: Json, named: Mapping[str, str], by: Mapping[str, str]) -> dict[str, Json]:
    more: dict[str, Json] = {} if row.group is None else {named["group"]: row.group}
    if row.gold_doc_ids:
        more[named["gold_doc_ids"]] = list(row.gold_doc_ids)
    return {
        named["id"]: MARK + row.id,
        named["input"]: row.input,
        named["output"]: answer,
        **more,
        **row.fields,
        LABELLED_BY: dict(by),
    }


@dataclass(frozen=True)
class Distilled:
    """The rows of such a file that may be learned from. `by` counts them by who labelled them, `left_out`
    the others by the reason."""

    file: str
    hash: str
    rows: tuple[Example, ...]
    by: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)

    def told(self, *, alone: bool) -> dict[str, Any]:
        """What a run says of the rows it was trained on."""
        return {
            "file": self.file,
            "hash": self.hash,
            "rows": len(self.rows),
            "labelled_by": dict(self.by),
            "left_out": dict(self.left_out),
            "alone": alone,
        }


def read_distilled(path: Path, task: Task, data: Data) -> Distilled:
    """The rows of a file that `write_rows` wrote, without those that this data has. Raises DataError with
    file and line, and when no row is left."""
    source = given(path)
    rows, lines = read_placed(source, task.output, task.columns)
    for row in rows:
        if not isinstance(row.fields.get(LABELLED_BY), Mapping):
            raise DataError(
                f"has no {LABELLED_BY!r}, which wb distill writes",
                where=source.shown,
                line=lines[row.id],
                hint="Name rows that people labelled under data.train of the task.",
            )
    kept, left_out = apart(rows, data, Template(task.prompt.template).names)
    if not kept:
        raise DataError(
            "has no row to train on: " + "; ".join(f"{n} {why}" for why, n in left_out.items()),
            where=source.shown,
        )
    by = Counter(_who(row.fields[LABELLED_BY]) for row in kept)
    bare = [replace(row, fields={k: v for k, v in row.fields.items() if k != LABELLED_BY}) for row in kept]
    return Distilled(str(path), file_digest(path), tuple(bare), dict(by), dict(left_out))


def _who(by: Any) -> str:
    return f"{by.get('approach', '?')} {by.get('hash', '')}".strip()
