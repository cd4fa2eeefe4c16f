"""Requirements on a part of the rows (`where`) with no row in it: a misspelt column, or a value none has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from evals.data import Data
from evals.preferences import METRIC, load_pairs
from evals.table import nearest
from evals.task import Task
from evals.types import Json, Requirement
from evals.yamlfile import join_key
from workbench.checks.findings import Finding

SHOWN = 8
"""Values of a column that are named."""


def slices(task: Task, data: Data) -> Iterator[Finding]:
    """An error for each column that no eval row has, a warning for each value that no row has in it."""
    for index, requirement in enumerate(task.requirements):
        if not requirement.where:
            continue
        columns = _columns(task, data, requirement)
        for name, value in requirement.where.items():
            key = join_key(join_key("requirements", index), f"where.{name}")
            place = f"{task.path}:{task.file.line(key)}: {key}"
            if name not in columns:
                message = f"no dev or test row has the column {name!r}.{nearest(name, columns)}"
                todo = f"Their columns: {', '.join(columns)}." if columns else "They have no further columns."
                yield Finding("error", place, message, todo)
            elif not any(
                one in columns[name] for one in (value, *(value if isinstance(value, list) else ()))
            ):
                words = [str(one) for one in _distinct(columns[name])]
                message = f"no dev or test row has {_shown(value)} as its {name}.{nearest(str(value), words)}"
                yield Finding("warning", place, message, f"There are: {_listed(words)}.")


def _columns(task: Task, data: Data, requirement: Requirement) -> Mapping[str, list[Json]]:
    """The columns of the eval rows that a requirement is on, or of the pairs, each with its values."""
    if requirement.metric == METRIC:
        pairs = load_pairs(task)
        rows: list[Mapping[str, Json]] = [pair.fields for pair in (*pairs.dev, *pairs.test)]
    else:
        rows = [example.fields for example in (*data.dev, *data.test)]
    columns: dict[str, list[Json]] = {}
    for fields in rows:
        for name, value in fields.items():
            columns.setdefault(name, []).append(value)
    return columns


def _distinct(values: Sequence[Json]) -> list[Json]:
    """The values without repetitions; lists and mappings among them cannot be hashed."""
    found: list[Json] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


def _shown(value: Json) -> str:
    return " or ".join(map(repr, value)) if isinstance(value, list) else repr(value)


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words[:SHOWN]) + (f" and {len(words) - SHOWN} more" if len(words) > SHOWN else "")
