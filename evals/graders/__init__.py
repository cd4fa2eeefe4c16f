"""Graders: what reads a prediction against its row and says how good it is.

A grader is built from its name and options in the task file. Besides what `evals.types.Grader`
asks, it carries `identity`: everything its scores depend on apart from the row and the answer (the
version of its rules, its options, what it takes from the output spec), so that a score on disk is
known to be stale when any of these changes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from evals.errors import TaskError
from evals.store import digest
from evals.table import Table
from evals.types import Grader, Json

if TYPE_CHECKING:
    from evals.output import OutputSpec
    from evals.task import GraderSpec

GRADERS = Table(
    "grader",
    {
        "exact": "evals.graders.text:Exact",
        "regex": "evals.graders.text:Regex",
        "label": "evals.graders.label:Label",
        "valid_json": "evals.graders.json_output:ValidJson",
        "json_fields": "evals.graders.json_output:JsonFields",
    },
)


def build(specs: Sequence[GraderSpec], output: OutputSpec, where: Any = None) -> tuple[Grader, ...]:
    """The graders of a task, in its order; `where` is the task file, for messages.

    Raises TaskError for an unknown name or option, a bad option value, or a name given twice.
    """
    graders: dict[str, Grader] = {}
    for spec in specs:
        if spec.name in graders:
            raise TaskError(
                f"the grader {spec.name!r} stands twice",
                where=where,
                key="graders",
                hint="Keep one of them: scores are filed under the grader's name.",
            )
        grader: Grader = GRADERS.build(spec.name, spec.options, where=where, key="graders", output=output)
        grader_hash(grader)
        graders[spec.name] = grader
    return tuple(graders.values())


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


def metrics(graders: Iterable[Grader]) -> tuple[str, ...]:
    """Every metric these graders give, in their order."""
    return tuple(metric for grader in graders for metric in grader.metrics)


def answer_text(target: Json) -> str:
    """How a target is written as an answer: a string as it is, anything else as one line of JSON."""
    return target if isinstance(target, str) else json.dumps(target, ensure_ascii=False)
