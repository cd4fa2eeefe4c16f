"""Rows become Examples: columns mapped, targets read, every mistake named with file and line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from evals.errors import DataError
from evals.output import OutputSpec
from evals.rows import Source, read_rows
from evals.table import nearest
from evals.types import Example, Json

KEYS = ("id", "input", "output", "group", "references", "gold_doc_ids")
"""The columns with a meaning of their own; all others become `fields`."""


_canonical = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
).encode
"""As `evals.store.canonical`, without its walk: an Example's content is JSON already."""


def row_hash(example: Example) -> str:
    """16 hex digits of what a row says: its input, fields, target and references (not its id)."""
    content = [example.input, example.fields, example.target, example.references]
    return hashlib.sha256(_canonical(content).encode()).hexdigest()[:16]


def read_examples(source: Source, output: OutputSpec, columns: Mapping[str, str]) -> list[Example]:
    """All rows of a source. `columns` maps a key of KEYS to the source's column. See `read_placed`."""
    return read_placed(source, output, columns)[0]


def read_placed(
    source: Source, output: OutputSpec, columns: Mapping[str, str]
) -> tuple[list[Example], dict[str, int]]:
    """All rows of a source, and the line of each by its id.

    A row without an id is named by its content's hash (a repeated row gets "-2", "-3", ...).
    Raises DataError for the first row that is wrong, for an id given twice, for no rows at all.
    """
    return _placed(source, _RowReader(source, output, columns).read)


def read_unlabelled(source: Source, columns: Mapping[str, str]) -> tuple[list[Example], dict[str, int]]:
    """All rows of a source that has inputs and no answers, their targets None, and the line of each by its
    id. As `read_placed`; raises DataError for a row that has an answer, too."""
    return _placed(source, _RowReader(source, OutputSpec("text"), columns).read_unlabelled)


def _placed(
    source: Source, read: Callable[[int, Mapping[str, Any]], tuple[Example, str]]
) -> tuple[list[Example], dict[str, int]]:
    examples: list[Example] = []
    seen: dict[str, int] = {}
    for line, raw in read_rows(source):
        example, hashed = read(line, raw)
        name = example.id or _free(hashed, seen)
        if name in seen:
            raise DataError(
                f"the id {name!r} stands on line {seen[name]} too",
                where=source.shown,
                line=line,
                hint="Give every row an id of its own.",
            )
        seen[name] = line
        examples.append(example if example.id else replace(example, id=name))
    if not examples:
        raise DataError(
            "has no rows",
            where=source.shown,
            hint=f"Add rows, or take data.{source.role} out of the task file."
            if source.role
            else "Add rows.",
        )
    return examples, seen


def _free(name: str, seen: Mapping[str, int]) -> str:
    if name not in seen:
        return name
    number = 2
    while f"{name}-{number}" in seen:
        number += 1
    return f"{name}-{number}"


class _RowReader:
    """Reads the rows of one source."""

    def __init__(self, source: Source, output: OutputSpec, columns: Mapping[str, str]) -> None:
        self.source = source
        self.column = {key: columns.get(key, key) for key in KEYS}
        self.taken = {*KEYS, *self.column.values()}
        self.labels = frozenset(output.labels)
        self.all_labels = output.labels
        self.is_json = output.format == "json"

    def read(self, line: int, raw: Mapping[str, Any]) -> tuple[Example, str]:
        """One row as an Example (its id is empty where the row has none), and its hash."""
        return self._read(line, raw, self.target(line, self._required(line, raw, "output")))

    def read_unlabelled(self, line: int, raw: Mapping[str, Any]) -> tuple[Example, str]:
        """The same of a row without an answer."""
        for key in ("output", "references"):
            if raw.get(self.column[key]) not in (None, "", []):
                raise self._error(
                    line,
                    f"has an answer already, in {self.column[key]!r}",
                    "Name labelled rows under data.train, or take that column out to have them labelled.",
                )
        return self._read(line, raw, None)

    def _read(self, line: int, raw: Mapping[str, Any], target: Json) -> tuple[Example, str]:
        value = self._required(line, raw, "input")
        references = self._list(raw.get(self.column["references"]))
        example = Example(
            id=self._name(line, raw, "id") or "",
            input=value if isinstance(value, str) else json.dumps(value, ensure_ascii=False),
            target=target,
            references=tuple(self.target(line, item) for item in references),
            group=self._name(line, raw, "group"),
            gold_doc_ids=tuple(str(item) for item in self._list(raw.get(self.column["gold_doc_ids"]))),
            fields={key: item for key, item in raw.items() if key not in self.taken},
        )
        try:
            return example, row_hash(example)
        except ValueError as error:
            raise self._error(line, f"holds text that is not Unicode ({error})") from error

    def _error(self, line: int, message: str, hint: str | None = None) -> DataError:
        return DataError(message, where=self.source.shown, line=line, hint=hint)

    def _required(self, line: int, raw: Mapping[str, Any], key: str) -> Any:
        column = self.column[key]
        value = raw.get(column)
        if value is not None:
            return value
        if column in raw:
            raise self._error(line, f"{column!r} is null")
        there = ", ".join(raw) or "nothing"
        raise self._error(
            line,
            f"has no {column!r}.{nearest(column, raw)}",
            f"The row has: {there}. Map other names in task.yaml: columns: {{{key}: ...}}.",
        )

    def _name(self, line: int, raw: Mapping[str, Any], key: str) -> str | None:
        value = raw.get(self.column[key])
        if value is None or value == "":
            return None
        if isinstance(value, (dict, list, bool)):
            raise self._error(line, f"{self.column[key]!r} must be text or a number")
        return str(value)

    def _list(self, value: Any) -> list[Any]:
        """A list, one value, or (in CSV) a JSON list as text."""
        if value is None or value == "":
            return []
        if isinstance(value, str) and value.lstrip().startswith("["):
            try:
                value = json.loads(value)
            except ValueError:
                return [value]
        return value if isinstance(value, list) else [value]

    def target(self, line: int, value: Any) -> Json:
        """A row's output as the task's format has it."""
        if self.is_json and isinstance(value, str):
            try:
                parsed: Json = json.loads(value)
            except (ValueError, RecursionError) as error:
                raise self._error(line, f"the output is text that is no JSON: {error}") from error
            return parsed
        if not self.labels:
            given: Json = value
            return given
        label = value if isinstance(value, str) else json.dumps(value)
        if label not in self.labels:
            raise self._error(
                line,
                f"the label {label[:80]!r} is not in the list.{nearest(label, self.all_labels)}",
                f"Labels: {', '.join(self.all_labels[:12])}{', ...' if len(self.all_labels) > 12 else ''}.",
            )
        return label
