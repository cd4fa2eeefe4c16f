"""What an answer is: JSON by a schema, one of a list of labels, or free text.

Reads the schema or label file that a task names and refuses what no grader could use: a file that
is not JSON, a schema that is not one (draft 2020-12), a reference that leads nowhere or out of the
file (nothing is ever fetched).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from evals.errors import TaskError
from evals.yamlfile import YamlFile

if TYPE_CHECKING:
    from jsonschema.exceptions import SchemaError

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")


@dataclass(frozen=True)
class OutputSpec:
    """`schema` is set for json where one was given, `labels` for labels."""

    format: Literal["json", "labels", "text"]
    schema: dict[str, Any] | None = None
    labels: tuple[str, ...] = ()


def read_output(file: YamlFile, base: Path) -> OutputSpec:
    """The task file's `output`, its files read relative to `base`. Raises TaskError."""
    value = file.value["output"]
    if value == "text":
        return OutputSpec("text")
    if "labels" in value:
        return OutputSpec("labels", labels=_labels(file, value["labels"], base))
    schema = value.get("schema")
    if value["format"] == "text":
        if schema is not None:
            file.fail("a text output takes no schema", "output.schema", "Use {format: json, schema: ...}.")
        return OutputSpec("text")
    if schema is None:
        return OutputSpec("json")
    where, line = file.path, file.line("output.schema")
    if isinstance(schema, str):
        where, line = base / schema, None
        schema = _read_json(file, where, "output.schema")
    check_schema(schema, where, line)
    return OutputSpec("json", schema=schema)


def _labels(file: YamlFile, value: Any, base: Path) -> tuple[str, ...]:
    if isinstance(value, str):
        path = base / value
        text = _read(file, path, "output.labels")
        value = _read_json(file, path, "output.labels") if path.suffix == ".json" else text.split("\n")
        if not isinstance(value, list) or not all(isinstance(item, (str, int, float)) for item in value):
            raise TaskError("must be a JSON list of labels", where=path)
        value = [item.strip() if isinstance(item, str) else item for item in value if item != ""]
    labels = tuple(str(item) for item in value)
    twice = next((label for n, label in enumerate(labels) if label in labels[:n]), None)
    if twice is not None:
        file.fail(f"the label {twice!r} stands twice in the list", "output.labels")
    if len(labels) < 2:
        file.fail("names fewer than two labels", "output.labels")
    return labels


def _read(file: YamlFile, path: Path, key: str) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise TaskError("is not UTF-8 text", where=path) from error
    except OSError as error:
        file.fail(
            f"the file {str(path)!r} cannot be read ({error.strerror})",
            key,
            "Paths are read from the task file's folder.",
        )


def _read_json(file: YamlFile, path: Path, key: str) -> Any:
    try:
        return json.loads(_read(file, path, key))
    except json.JSONDecodeError as error:
        raise TaskError(
            f"is not JSON: {error.msg} (column {error.colno})", where=path, line=error.lineno
        ) from error
    except RecursionError as error:
        raise TaskError("is nested too deeply", where=path) from error


def check_schema(schema: Any, where: Path, line: int | None = None) -> None:
    """Raises TaskError, naming the place within the schema, when it is not a usable schema."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    if not isinstance(schema, dict):
        raise TaskError("a JSON Schema is an object {...}", where=where, line=line)
    dialect = schema.get("$schema", DIALECT)
    if str(dialect).rstrip("#") != DIALECT:
        raise TaskError(f"must be of draft 2020-12, not {dialect!r}", where=where, line=line, key="$schema")
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        place = ".".join(str(part) for part in error.absolute_path)
        raise TaskError(
            f"is not a JSON Schema (draft 2020-12): {error.message[:200]}",
            where=where,
            line=line,
            key=place or None,
            hint=_allowed(error),
        ) from error
    except RecursionError as error:
        raise TaskError("is nested too deeply", where=where, line=line) from error
    _check_references(schema, where, line)


def _allowed(error: SchemaError) -> str:
    """What may stand where a schema is wrong."""
    if error.absolute_path and error.absolute_path[-1] == "type":
        return f"Types: {', '.join(TYPES)}, or a list of them."
    return "The keywords are at https://json-schema.org/understanding-json-schema."


def _check_references(schema: dict[str, Any], where: Path, line: int | None) -> None:
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    resource = DRAFT202012.create_resource(schema)
    base = resource.id() or ""
    resolver = Registry().with_resource(base, resource).resolver(base)
    for place, reference in _references(schema, ""):
        try:
            resolver.lookup(reference)
        except Unresolvable as error:
            raise TaskError(
                f"the reference {reference!r} leads nowhere in this schema",
                where=where,
                line=line,
                key=place,
                hint="A schema must hold all its parts (#/$defs/...); nothing is fetched.",
            ) from error


def _references(schema: Any, place: str) -> Iterator[tuple[str, str]]:
    """Each "$ref" with its place; values that are data, not schemas, are passed over."""
    if isinstance(schema, list):
        for index, item in enumerate(schema):
            yield from _references(item, f"{place}[{index}]")
    elif isinstance(schema, dict):
        for key, value in schema.items():
            inner = f"{place}.{key}" if place else key
            if key in ("$ref", "$dynamicRef") and isinstance(value, str):
                yield inner, value
            elif key not in ("enum", "const", "default", "examples"):
                yield from _references(value, inner)
