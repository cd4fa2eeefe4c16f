"""What can be said of a task's rows without a model: what the audit found, balance, gold answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evals.audit import Audit, choices
from evals.data import Data
from evals.errors import DataError
from evals.graders import gold_prediction
from evals.task import Task
from evals.template import Template
from evals.types import Example, Grader, Models, Score
from workbench.checks.audit import findings_of_audit, some
from workbench.checks.findings import Finding

SPLITS = ("train", "dev", "test")
MOSTLY_FAILING = 0.2
"""The share of gold answers failing their own grader above which the grader, not a row, is wrong."""
MAJORITY = 0.5
"""The share of test rows from which a constant answer is worth a note."""


def findings_of_rows(
    task: Task, data: Data, found: Audit, graders: Sequence[Grader], models: Models
) -> Iterator[Finding]:
    """Everything there is to say, in no order of gravity."""
    yield from _files(task)
    yield from _template(task)
    yield from findings_of_audit(task, data, found)
    yield from _balance(task, data, found)
    yield from _gold(data, graders, models)


def _files(task: Task) -> Iterator[Finding]:
    """A file that is named for later steps; documents are read by the audit."""
    name = task.data.preferences
    if name and not name.startswith("hub:") and not (task.path.parent / name).exists():
        path = task.path.parent / name
        yield Finding(
            "error", "data.preferences", f"there is no {path}", "Correct the path or remove the key."
        )


def _template(task: Task) -> Iterator[Finding]:
    """A template that shows nothing of the row."""
    if not Template(task.prompt.template).names:
        line = task.file.line("prompt.template")
        yield Finding(
            "warning",
            f"{task.path}:{line}: prompt.template" if line else "prompt.template",
            "uses neither {{ input }} nor another column: every row is asked the same",
            "Write {{ input }} where the row's text belongs.",
        )


def _balance(task: Task, data: Data, found: Audit) -> Iterator[Finding]:
    """Values without rows, how far a constant answer gets, and a test split unlike train."""
    values = {choice.name: choice.values for choice in choices(task.output)}
    for balance in found.balance:
        for split, there in balance.counts.items():
            missing = [repr(value) for value in values.get(balance.name, ()) if value not in there]
            if missing:
                todo = "Nothing is learned or shown of these values."
                yield Finding("note", f"data.{split}", f"no row has {balance.name} {some(missing)}", todo)
        value, most = next(iter(balance.counts["test"].items()))
        if most / len(data.test) >= MAJORITY:
            share = most / len(data.test)
            message = f"always answering {balance.name} {value!r} is right in {share:.0%} of rows"
            yield Finding("note", "data.test", message)
        if balance.shift is not None:
            message = (
                f"{balance.name} is spread otherwise than in train: {balance.shift:.0%} of rows would have "
            )
            todo = "Shots and training follow train: see that test is what the task meets in life."
            yield Finding("note", "data.test", f"{message}to change", todo)


def _gold(data: Data, graders: Sequence[Grader], models: Models) -> Iterator[Finding]:
    """Every gold answer through every grader: what is right by definition must score 1."""
    for grader in graders:
        for split in SPLITS:
            rows: Sequence[Example] = getattr(data, split)
            try:
                golds = [(row, gold_prediction(grader, row)) for row in rows]
                pairs = [(row, gold) for row, gold in golds if gold is not None]
                bad = [score for score in grader.grade(pairs, models) if score.value < 1]
            except DataError as error:
                yield Finding("error", f"data.{split}", f"{grader.name} cannot read a gold answer: {error}")
                continue
            if len(pairs) < len(rows):
                without = f"{len(rows) - len(pairs)} of {len(rows)} rows"
                what = f"{without} have no gold answer to try {grader.name} on"
                yield Finding("note", f"data.{split}", what, "What they ask for is not checked beforehand.")
            if bad:
                yield _failing(grader.name, split, bad, len(pairs), data)


def _failing(grader: str, split: str, bad: Sequence[Score], n: int, data: Data) -> Finding:
    mostly = len(bad) / n > MOSTLY_FAILING
    rows = some([f"{score.id} ({data.place(split, score.id)})" for score in bad])
    return Finding(
        "error" if mostly else "warning",
        f"data.{split}",
        f"{len(bad)} of {n} gold answers fail their own grader {grader}: {rows} ({bad[0].why})",
        "The grader or the output schema does not fit the data." if mostly else "Correct these rows.",
    )
