"""What can be said of a task's rows without a model: copies, leaks, balance, gold answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from evals.audit import repeats, revealing_columns, straddling_groups
from evals.data import Data
from evals.errors import DataError
from evals.graders import gold_prediction
from evals.task import Task
from evals.template import Template
from evals.types import Example, Grader, Json, Models, Score
from workbench.findings import Finding, Level

SPLITS = ("train", "dev", "test")
NAMED = 5
"""Rows that a finding names."""
MOSTLY_FAILING = 0.2
"""The share of gold answers failing their own grader above which the grader, not a row, is wrong."""
MAJORITY = 0.5
"""The share of test rows from which a constant answer is worth a note."""

Choice = tuple[str, list[str], Callable[[Example], Json]]
"""Something with a list of values: its name, the values, how to read a row's own."""


def findings_of_rows(task: Task, data: Data, graders: Sequence[Grader], models: Models) -> Iterator[Finding]:
    """Everything there is to say, in no order of gravity."""
    yield from _files(task)
    yield from _dropped(data)
    yield from _repeated(task, data)
    yield from _leaks(task, data)
    yield from _balance(task, data)
    yield from _gold(data, graders, models)


def _some(ids: Sequence[str]) -> str:
    """The first few ids, and how many more there are."""
    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    return ", ".join(ids[:NAMED]) + more


def _count(things: Sequence[object], word: str) -> str:
    return f"{len(things)} {word}{'' if len(things) == 1 else 's'}"


def _files(task: Task) -> Iterator[Finding]:
    """Files that are named for later steps."""
    for key in ("documents", "preferences"):
        name = getattr(task.data, key)
        if name and not name.startswith("hub:") and not (task.path.parent / name).exists():
            path = task.path.parent / name
            yield Finding(
                "error", f"data.{key}", f"there is no {path}", "Correct the path or remove the key."
            )


def _dropped(data: Data) -> Iterator[Finding]:
    for split, others in (("train", "dev or test"), ("dev", "test")):
        gone = [d for d in data.dropped if d.split == split]
        if gone:
            exact = sum(d.how == "exact" for d in gone)
            how = f"{exact} exactly, {len(gone) - exact} but for case or space"
            named = _some([f"{d.id} = {d.of_split} {d.of_id}" for d in gone])
            yield Finding(
                "warning",
                f"data.{split}",
                f"{_count(gone, 'row')} copied from {others} ({how}): {named}",
                f"They are left out of {split}; remove them from the file.",
            )
    if data.renamed:
        message = f"{_count(data.renamed, 'id')} of dev and of test at once: {_some(data.renamed)}"
        yield Finding("note", "data", message, "Of these the dev rows are called dev:ID.")


def _repeated(task: Task, data: Data) -> Iterator[Finding]:
    names = Template(task.prompt.template).names
    for split in SPLITS:
        found = repeats(getattr(data, split), names)
        against = [" = ".join(repeat.ids[:3]) for repeat in found if repeat.contradicts]
        copies = [" = ".join(repeat.ids[:3]) for repeat in found if not repeat.contradicts]
        if against:
            message = (
                f"{_count(against, 'input')} given more than once with different outputs: {_some(against)}"
            )
            todo = "Decide which output is right: no answer can match both."
            yield Finding("warning", f"data.{split}", message, todo)
        if copies:
            level: Level = "note" if split == "train" else "warning"
            message = f"{_count(copies, 'input')} given more than once: {_some(copies)}"
            yield Finding(level, f"data.{split}", message, "Copies are not further evidence.")


def _leaks(task: Task, data: Data) -> Iterator[Finding]:
    used = Template(task.prompt.template).names
    for found in revealing_columns(data):
        what = f"output.{found.part}" if found.part else "the output"
        shown = found.column in used
        yield Finding(
            "warning" if shown or found.how == "is" else "note",
            f"column {found.column!r}",
            f"{found.how} {what} in {found.share:.0%} of {found.n} rows"
            + (", and the template shows it" if shown else ""),
            "Take it out of the template, unless it is there when the task is asked in life."
            if shown
            else "Keep it out of the template.",
        )
    groups = straddling_groups(data)
    if groups:
        message = f"{_count(groups, 'group')} with rows in several splits: {_some(groups)}"
        yield Finding(
            "warning", "groups", message, "Give whole groups to one split; data.eval does so by hash."
        )


def _balance(task: Task, data: Data) -> Iterator[Finding]:
    """Labels and enumerated fields: values without rows, and how far a constant answer gets."""
    for name, values, read in _choices(task):
        for split in SPLITS:
            there = Counter(str(read(row)) for row in getattr(data, split))
            missing = [repr(value) for value in values if not there[value]]
            if there and missing:
                todo = "Nothing is learned or shown of these values."
                yield Finding("note", f"data.{split}", f"no row has {name} {_some(missing)}", todo)
        value, most = Counter(str(read(row)) for row in data.test).most_common(1)[0]
        if most / len(data.test) >= MAJORITY:
            share = most / len(data.test)
            yield Finding(
                "note", "data.test", f"always answering {name} {value!r} is right in {share:.0%} of rows"
            )


def _choices(task: Task) -> Iterator[Choice]:
    """The label, or each enumerated field of a JSON object."""
    if task.output.labels:
        yield "the label", list(task.output.labels), lambda row: row.target
    for name, part in ((task.output.schema or {}).get("properties") or {}).items():
        if isinstance(part, dict) and isinstance(part.get("enum"), list) and len(part["enum"]) > 1:
            yield name, [str(value) for value in part["enum"]], partial(_field, name)


def _field(name: str, row: Example) -> Json:
    return row.target.get(name) if isinstance(row.target, dict) else None


def _gold(data: Data, graders: Sequence[Grader], models: Models) -> Iterator[Finding]:
    """Every gold answer through every grader: what is right by definition must score 1."""
    for grader in graders:
        for split in SPLITS:
            rows: Sequence[Example] = getattr(data, split)
            pairs = [(row, gold_prediction(grader, row)) for row in rows]
            try:
                bad = [score for score in grader.grade(pairs, models) if score.value < 1]
            except DataError as error:
                yield Finding("error", f"data.{split}", f"{grader.name} cannot read a gold answer: {error}")
                continue
            if bad:
                yield _failing(grader.name, split, bad, len(rows))


def _failing(grader: str, split: str, bad: Sequence[Score], n: int) -> Finding:
    mostly = len(bad) / n > MOSTLY_FAILING
    named = _some([score.id for score in bad])
    return Finding(
        "error" if mostly else "warning",
        f"data.{split}",
        f"{len(bad)} of {n} gold answers fail their own grader {grader}: {named} ({bad[0].why})",
        "The grader or the output schema does not fit the data." if mostly else "Correct these rows.",
    )
