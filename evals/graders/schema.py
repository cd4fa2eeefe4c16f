"""The output schema as a question: what is wrong with this value?

The `jsonschema` package answers it, with two of its keywords replaced because answers come from a
model: `pattern` has a timeout, and `uniqueItems` takes linear time whatever the items are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

import jsonschema
import regex
from jsonschema.exceptions import ValidationError, best_match
from referencing import Registry

from evals.types import Json

_TIMEOUT = 1.0


def open_schema(schema: Mapping[str, Any]) -> Callable[[Json], str]:
    """A function that says what is wrong with a value under this schema ("" when nothing is).

    The schema is one that `evals.output` let pass; nothing it refers to is fetched. Raises
    ValueError when one of its patterns is not a regular expression.
    """
    for pattern, package in _patterns(schema):
        try:
            package.compile(pattern)
        except (re.error, regex.error) as error:
            raise ValueError(f"the output schema's pattern {pattern!r} is not one: {error}") from error
    validator = _Validator(schema, registry=Registry())

    def fault(value: Json) -> str:
        try:
            error = best_match(validator.iter_errors(value))
        except RecursionError:
            return "nested too deeply"
        return "" if error is None else _sentence(error)

    return fault


def _patterns(node: Any) -> Iterator[tuple[str, Any]]:
    """Every pattern of a schema, with the package that will read it."""
    if isinstance(node, Mapping):
        if isinstance(node.get("pattern"), str):
            yield node["pattern"], regex
        for key, inner in node.items():
            if key == "patternProperties" and isinstance(inner, Mapping):
                yield from ((pattern, re) for pattern in inner)
            if key not in ("enum", "const", "default", "examples"):
                yield from _patterns(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _patterns(inner)


_LONG, _EDGE = 200, 95


def _sentence(error: ValidationError) -> str:
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
    message: str = error.message
    if len(message) > _LONG:  # the value stands in front, the rule behind
        message = f"{message[:_EDGE]} … {message[-_EDGE:]}"
    return f"{place.removeprefix('.')}: {message}" if place else message


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, str):
        return
    try:
        if not regex.search(pattern, instance, timeout=_TIMEOUT):
            yield ValidationError(f"{instance!r} does not match {pattern!r}")
    except TimeoutError:
        yield ValidationError(f"the pattern {pattern!r} took more than {_TIMEOUT:g} s")


def _unique_items(_validator: Any, wanted: bool, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if wanted and isinstance(instance, list) and len(set(map(_identity, instance))) < len(instance):
        yield ValidationError(f"{instance!r} has items that are equal")


def _identity(value: Json) -> Hashable:
    """Equal for values that JSON Schema calls equal: 1 and 1.0 are, 1 and true are not."""
    if isinstance(value, list):
        return ("list", tuple(map(_identity, value)))
    if isinstance(value, dict):
        return ("object", frozenset((key, _identity(inner)) for key, inner in value.items()))
    return (isinstance(value, bool), value)


_extend: Any = jsonschema.validators.extend
_Validator = _extend(jsonschema.Draft202012Validator, {"pattern": _pattern, "uniqueItems": _unique_items})
