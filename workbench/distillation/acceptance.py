"""Which answers are kept where nobody knows the right one: those that graders accept which need not know it.

Whether a grader needs the answer of a row is tried, not looked up: it is given rows whose answer raises when
it is read. So a plugin, a `weighted` or a `contains` that takes its text from a column is told apart as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from baselines.decoding.form import Form, form_of
from evals.errors import DataError
from evals.graders.folding import fold
from evals.graders.strict_json import read_json_text
from evals.run import UNFINISHED, grade
from evals.task import Task
from evals.types import Embedder, Example, Grader, Json, ModelRef, Models, Prediction, Score, Split

PROBED = 20
"""Rows of each kind that a grader is tried on."""
Pairs = Sequence[tuple[Example, Prediction]]


class NoAnswer(DataError):
    """The answer of a row was read, and it has none."""


class Unanswered(Example):
    """A row whose answer nobody may read: whoever does gets a NoAnswer."""

    __slots__ = ()

    def __getattribute__(self, name: str) -> Any:
        if name in ("target", "references"):
            raise NoAnswer(f"row {self.id!r} has no answer to compare with")
        return object.__getattribute__(self, name)


def unanswered(row: Example) -> Example:
    """The row without its answer."""
    return Unanswered(row.id, row.input, None, (), row.group, row.gold_doc_ids, row.fields)


class _Asked(Exception):
    """A model was asked for, which only a judge that needs no reference comes to."""


@dataclass(frozen=True)
class _Deaf:
    """Models of which none answers; their embedders do."""

    models: Models

    def open(self, ref: ModelRef) -> NoReturn:
        raise _Asked

    def embedder(self, name: str) -> Embedder:
        return self.models.embedder(name)


@dataclass(frozen=True)
class Sieve:
    """What answers must pass: the task's form, and `graders`. `unable` says of the others why they cannot
    judge here."""

    form: Form
    graders: tuple[Grader, ...]
    unable: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """Who judges, for people; empty where nobody can."""
        form = ("the form of the answer",) if self.form.checks else ()
        return (*form, *(grader.name for grader in self.graders))

    def reasons(self, pairs: Pairs, models: Models, kept_in: Path, split: Split) -> dict[str, str]:
        """Why each answer is not kept, "" for one that is. What judges say is kept in `kept_in`."""
        reasons = {prediction.id: self._unfit(prediction) for _, prediction in pairs}
        for grader in self.graders:
            todo = [(row, p) for row, p in pairs if not reasons[row.id]]
            for score in _scores(grader, todo, models, kept_in, split):
                if not score.judged:
                    reasons[score.id] = f"got no verdict of {grader.name} that can be read"
                elif score.failure is not None or score.value < grader.pass_at:
                    reasons[score.id] = f"fail {grader.name}"
        return reasons

    def _unfit(self, prediction: Prediction) -> str:
        if prediction.error is not None:
            return "ended in an error"
        if prediction.finish in UNFINISHED:
            return "have no whole answer"
        if not prediction.text.strip():
            return "have an empty answer"
        return "have not the form of an answer" if self.form.fault(prediction.text) else ""


def sieve_of(
    task: Task,
    graders: Sequence[Grader],
    judges: Mapping[str, str],
    answered: Pairs,
    rows: Sequence[Example],
    models: Models,
) -> Sieve:
    """What can judge without a reference, tried on `answered` dev rows and on the rows to be labelled, with
    dev answers; no language model is asked. `judges` are those that are asked, and why each may not decide,
    "" when it may."""
    texts = [prediction for _, prediction in answered[:PROBED]]
    tried = [*answered[:PROBED], *zip(rows, texts, strict=False)]
    tried = [(unanswered(row), replace(prediction, id=row.id)) for row, prediction in tried]
    unable = {grader.name: _unable(grader, judges, tried, models) for grader in graders}
    able = tuple(grader for grader in graders if not unable[grader.name])
    return Sieve(form_of(task), able, {name: why for name, why in unable.items() if why})


def _unable(grader: Grader, judges: Mapping[str, str], tried: Pairs, models: Models) -> str:
    """Why a grader cannot judge these rows; "" when it can."""
    if getattr(grader, "advisory", False):
        return "may only advise"
    try:
        for pair in tried:
            list(grader.grade([pair], _Deaf(models)))
    except NoAnswer:
        return "needs the right answer"
    except DataError as error:
        return error.message
    except _Asked:
        pass
    return f"the judge is not admitted: {judges[grader.name]}" if judges.get(grader.name) else ""


def _scores(grader: Grader, pairs: Pairs, models: Models, kept_in: Path, split: Split) -> Sequence[Score]:
    if not pairs:
        return ()
    if not getattr(grader, "asks_model", False):
        return list(grader.grade([(unanswered(row), prediction) for row, prediction in pairs], models))
    known = grade([grader], [(_blank(row), p) for row, p in pairs], models, kept_in, split)
    return [scores[grader.name] for scores in known.values() if grader.name in scores]


def _blank(row: Example) -> Example:
    return replace(row, target=None, references=())


def target_of(task: Task, text: str) -> Json:
    """An accepted answer as the task's rows have it: the JSON value, the label in its own spelling, the text
    without the space around it."""
    if task.output.format == "labels":
        return next(label for label in task.output.labels if fold(label) == fold(text))
    if task.output.format == "json":
        value: Json = read_json_text(text)
        return text.strip() if isinstance(value, str) else value
    return text.strip()
