"""Rows that people labelled, on which a judge is tried.

A row has `input`, `answer` (the text that was judged), a label in the column of the judge's name or in
`label`, and may have `output` (the gold answer), `other` (what a pair is compared with), `group`.
"""

from __future__ import annotations

from dataclasses import dataclass

from evals.errors import DataError
from evals.graders import answer_text
from evals.graders.judging.pairwise import Pairwise
from evals.graders.judging.rubric import PASS_FAIL, Judge
from evals.rows import Raw, find_source, read_rows, source_digest
from evals.store import digest
from evals.table import nearest
from evals.task import Task
from evals.types import Example, Json

YES, NO = ("pass", "yes", "true", "good", "1"), ("fail", "no", "false", "bad", "0")


@dataclass(frozen=True)
class Labelled:
    """An answer, what people said of it (a grade of the judge's own), and what it was compared with."""

    example: Example
    answer: str
    grade: str
    other: str = ""


def read_labels(task: Task, judge: Judge | Pairwise, name: str) -> tuple[list[Labelled], str]:
    """The labelled rows for one judge, and a hash of the file. Raises DataError with file and line."""
    assert task.judge is not None
    source = find_source(str(task.judge.labels), "labels", task.path.parent)
    raws = list(read_rows(source))
    if not raws:
        raise DataError("has no rows", where=source.shown, hint="Add rows with input, answer and label.")
    rows = [_row(task, judge, name, source.shown, raw) for raw in raws]
    return rows, source_digest(source, (digest(raw) for _, raw in raws))


def _row(task: Task, judge: Judge | Pairwise, name: str, shown: str, numbered: Raw) -> Labelled:
    line, raw = numbered

    def column(*names: str) -> Json:
        for wanted in names:
            if raw.get(wanted) is not None:
                value: Json = raw[wanted]
                return value
        raise DataError(
            f"has no {names[-1]!r}.{nearest(names[-1], raw)}",
            where=shown,
            line=line,
            hint=f"A labelled row has input, answer and {name!r} or 'label'; this one has {', '.join(raw)}.",
        )

    said = column(name, "label")
    grade = _grade(judge, said)
    if grade is None:
        allowed = "answer, other or tie" if isinstance(judge, Pairwise) else " or ".join(judge.verdicts)
        raise DataError(
            f"the label {answer_text(said)!r} is no verdict of the judge {name!r}",
            where=shown,
            line=line,
            hint=f"Its verdicts: {allowed}.",
        )
    output = task.columns.get("output", "output")
    gold = raw.get(output)
    given = column(task.columns.get("input", "input"))
    example = Example(
        str(raw.get("id") or line),
        given if isinstance(given, str) else answer_text(given),
        "" if gold is None else gold,
        group=None if raw.get("group") is None else str(raw["group"]),
        fields=raw,
    )
    other = ""
    if isinstance(judge, Pairwise):
        other = answer_text(column(*([judge.column] if judge.column else []), "other", output))
    return Labelled(example, answer_text(column("answer")), grade, other)


def _grade(judge: Judge | Pairwise, said: Json) -> str | None:
    """A label as the judge's own grade, None when it is none of them."""
    word = answer_text(said).strip().casefold()
    if isinstance(judge, Pairwise):
        return word if word in ("answer", "other", "tie") else None
    if judge.verdicts == PASS_FAIL:
        return "pass" if word in YES else "fail" if word in NO else None
    try:
        grade = f"{float(word):g}"
    except ValueError:
        return None
    return grade if grade in judge.verdicts else None
