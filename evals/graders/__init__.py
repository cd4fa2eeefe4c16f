"""Graders: what reads a prediction against its row and says how good it is.

A grader is built from its name and options in the task file. Besides what `evals.types.Grader`
asks, it carries `identity`: everything its scores depend on apart from the row and the answer (the
version of its rules, its options, what it takes from the output spec), so that a score on disk is
known to be stale when any of these changes.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.errors import Mistakes, TaskError
from evals.graders.general import GENERAL, adjusted
from evals.requirements import is_built_in
from evals.store import digest
from evals.table import Table
from evals.types import Example, Grader, Json, Models, Prediction
from evals.yamlfile import join_key

if TYPE_CHECKING:
    from evals.output import OutputSpec
    from evals.task import GraderSpec, Task

GRADERS = Table(
    "grader",
    {
        "exact": "evals.graders.text:Exact",
        "regex": "evals.graders.text:Regex",
        "label": "evals.graders.label:Label",
        "valid_json": "evals.graders.json_output:ValidJson",
        "json_fields": "evals.graders.json_output:JsonFields",
        "squad_exact": "evals.graders.squad:SquadExact",
        "token_f1": "evals.graders.squad:TokenF1",
        "numeric": "evals.graders.numeric:Numeric",
        "rouge": "evals.graders.similarity:Rouge",
        "bleu": "evals.graders.similarity:Bleu",
        "chrf": "evals.graders.similarity:Chrf",
        "edit_similarity": "evals.graders.similarity:EditSimilarity",
        "embedding_similarity": "evals.graders.embedding:EmbeddingSimilarity",
        "contains": "evals.graders.assertions:Contains",
        "contains_any": "evals.graders.assertions:ContainsAny",
        "contains_all": "evals.graders.assertions:ContainsAll",
        "not_contains": "evals.graders.assertions:NotContains",
        "starts_with": "evals.graders.assertions:StartsWith",
        "ends_with": "evals.graders.assertions:EndsWith",
        "equals": "evals.graders.assertions:Equals",
        "length": "evals.graders.prose:Length",
        "readability": "evals.graders.prose:Readability",
        "sql": "evals.graders.sql:Sql",
        "python_tests": "evals.graders.python_tests:PythonTests",
        "citations": "evals.graders.citations:Citations",
        "judge": "evals.graders.judging.rubric:Judge",
        "pairwise": "evals.graders.judging.pairwise:Pairwise",
        "style": "evals.graders.style:Style",
        "weighted": "evals.graders.weighted:Weighted",
        "recorded": "evals.graders.recorded:Recorded",
        "assertions": "evals.graders.per_row:Assertions",
    },
)


def build(
    specs: Sequence[GraderSpec], output: OutputSpec, where: Any = None, task: Task | None = None
) -> tuple[Grader, ...]:
    """The graders of a task, in its order; `where` is the task file, whose folder the paths in
    options begin at, `task` what graders ask that read more of it than the output (its judge, its rows).

    Raises TaskError for an unknown name or option, a bad option value, or a name given twice.
    """
    graders: dict[str, Grader] = {}
    mistakes = Mistakes()
    for index, spec in enumerate(specs):
        with mistakes.noted(), _placed(index, where, task):
            grader = build_one(spec.name, spec.options, output, where, task)
            _check_name(grader, spec, graders)
            graders[grader.name] = grader
    mistakes.tell()
    return tuple(graders.values())


@contextmanager
def _placed(index: int, where: Any, task: Task | None) -> Iterator[None]:
    """A mistake of the block stands at this grader's line of the task file, where it is read from one."""
    key = join_key("graders", index)
    try:
        yield
    except TaskError as error:
        if task is None or key not in task.file.lines or error.line is not None:
            raise
        line = task.file.line(key)
        raise TaskError(error.message, where=where, line=line, key=key, hint=error.hint) from error


def _check_name(grader: Grader, spec: GraderSpec, others: Collection[str]) -> None:
    """Raises TaskError for a name that another grader has or could have."""
    if grader.name in others:
        raise TaskError(
            f"the grader {grader.name!r} stands twice",
            key="graders",
            hint="Scores are filed under the grader's name: give one of them another with `as`.",
        )
    if grader.name != spec.name and (grader.name in GRADERS or is_built_in(grader.name)):
        raise TaskError(
            f"the grader {spec.name!r} cannot be called {grader.name!r}: that is another's name",
            key="graders",
            hint="Choose a name that is no grader's and no built-in metric's.",
        )


def of_task(task: Task, where: Path | None = None) -> tuple[Grader, ...]:
    """The graders of a task; `where` is its file, if the task was read from a copy of it."""
    placed = task if where is None else replace(task, path=where)
    return build(task.graders, task.output, placed.path, placed)


def build_one(
    name: str,
    options: Mapping[str, Json],
    output: OutputSpec,
    where: Any = None,
    task: Task | None = None,
) -> Grader:
    """One grader. Raises TaskError for an unknown name or option, or a bad option value."""
    own = {option: value for option, value in options.items() if option not in GENERAL}
    general = {option: value for option, value in options.items() if option in GENERAL}
    folder = Path(where).parent if where is not None else Path()
    grader: Grader = GRADERS.build(
        name, own, where=where, key="graders", also=GENERAL, output=output, folder=folder, task=task
    )
    grader_hash(grader)
    try:
        return adjusted(grader, general)
    except ValueError as error:
        raise TaskError(f"the grader {name!r}: {error}", where=where, key="graders") from error


def grader_hash(grader: Grader) -> str:
    """16 hex digits that change when the grader's scores could: name, rules, options, output spec.

    Raises TaskError for a grader (of a plugin) that has no `identity`.
    """
    identity = getattr(grader, "identity", None)
    if identity is None:
        raise TaskError(
            f"the grader {grader.name!r} does not say what its scores depend on",
            hint="Give it an `identity`: its version, its options, what it takes from the output spec.",
        )
    return digest([grader.name, identity])


def allows_code(models: Models) -> bool:
    """Whether the command that opened these models allows code that a model wrote to be run."""
    return bool(getattr(models, "allows_code", False))


def make_ready(graders: Iterable[Grader], models: Models) -> None:
    """Raise for the first grader that could not grade here, before anything is paid for: code that may
    not be run, a judge that is not there."""
    for grader in graders:
        check = getattr(grader, "ready", None)
        if check is not None:
            check(models)


def metrics(graders: Iterable[Grader]) -> tuple[str, ...]:
    """Every metric these graders give, in their order."""
    return tuple(metric for grader in graders for metric in grader.metrics)


def gold_prediction(grader: Grader, example: Example) -> Prediction | None:
    """An answer that is right by definition: the row's gold answer, or what the grader's own `gold`
    makes of the row where it reads more than the text; None where the row need not have one for it."""
    make = getattr(grader, "gold", None)
    plain = Prediction(example.id, answer_text(example.target), "stop")
    gold: Prediction | None = make(example) if make else plain
    return gold


def answer_text(target: Json) -> str:
    """How a target is written as an answer: a string as it is, anything else as one line of JSON."""
    return target if isinstance(target, str) else json.dumps(target, ensure_ascii=False)
