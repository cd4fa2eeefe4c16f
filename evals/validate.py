"""A task file's value against its JSON Schema, answered in one or two lines a person can act on.

jsonschema finds what is wrong; this module picks the first mistake of the file and says it with
its line, its key, what is allowed there and the nearest spelling. A schema's `title` names the
kind of value in messages; `writeOnly` marks values that must not be repeated in a message.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from evals.errors import TaskError
from evals.table import nearest
from evals.yamlfile import YamlFile, join_key

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_KINDS = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping of keys",
    "null": "empty",
}
_LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "above {}",
    "exclusiveMaximum": "below {}",
}


def validate(file: YamlFile, schema: Mapping[str, Any]) -> None:
    """Check the file's value. Raises TaskError for the mistake that stands first in the file."""
    from jsonschema import Draft202012Validator

    found = [_explain(file, error) for error in Draft202012Validator(schema).iter_errors(file.value)]
    if found:
        raise min(found, key=lambda error: error.line or 0)


def _key(error: ValidationError) -> str:
    key = ""
    for part in error.absolute_path:
        key = join_key(key, part)
    return key


def _explain(file: YamlFile, error: ValidationError) -> TaskError:
    error = _relevant(error)
    key = _key(error)
    if error.validator == "additionalProperties":
        return _unknown_key(file, error, key)
    message, hint = _message(error)
    return TaskError(message, where=file.path, line=file.line(key), key=key or None, hint=hint)


def _relevant(error: ValidationError) -> ValidationError:
    """Of a choice of forms, the mistake within the form that was evidently meant."""
    while error.validator in ("anyOf", "oneOf") and error.context:
        branches: dict[Any, list[ValidationError]] = {}
        for inner in error.context:
            branches.setdefault(inner.schema_path[0], []).append(inner)
        meant = [errors for errors in branches.values() if not any(map(_other_form, errors))]
        if not meant:
            return error
        error = min(meant, key=len)[0]
    return error


def _other_form(error: ValidationError) -> bool:
    """Whether the error says that the value is of another form altogether."""
    return not error.relative_path and error.validator in ("type", "const", "enum", "required")


def _unknown_key(file: YamlFile, error: ValidationError, key: str) -> TaskError:
    allowed = list(error.schema.get("properties", {}))
    name = min(
        (k for k in error.instance if k not in allowed), key=lambda k: file.line(join_key(key, k)) or 0
    )
    path = join_key(key, name)
    return TaskError(
        f"unknown key {name!r}.{nearest(name, allowed)}",
        where=file.path,
        line=file.line(path),
        key=path,
        hint=f"Allowed here: {', '.join(allowed)}.",
    )


def _message(error: ValidationError) -> tuple[str, str | None]:
    """What is wrong, and what to do."""
    rule, value, schema = error.validator, error.validator_value, error.schema
    about = schema.get("description") if isinstance(schema, Mapping) else None
    shown = (
        "" if isinstance(schema, Mapping) and schema.get("writeOnly") else f", not {_shown(error.instance)}"
    )
    if error.instance is None:
        return "is left empty", about
    if rule == "required":
        name = next(k for k in value if k not in error.instance)
        described = schema.get("properties", {}).get(name, {}).get("description")
        return f"the key {name!r} is missing", f"{name}: {described}" if described else None
    if rule == "type":
        return f"must be {_any_of(_KINDS[k] for k in _listed(value))}{shown}", about
    if rule in ("enum", "const"):
        choices = [str(c) for c in (value if rule == "enum" else [value])]
        return f"must be {_any_of(choices)}{shown}.{nearest(str(error.instance), choices)}", about
    if rule in ("anyOf", "oneOf"):
        return f"must be {_any_of(_title(branch) for branch in value)}{shown}", about
    if rule in _LIMITS:
        return f"must be {_LIMITS[rule].format(value)}{shown}", about
    if rule in ("minLength", "minItems", "minProperties"):
        return "must not be empty", about
    if rule == "uniqueItems":
        return "holds the same value twice", about
    if rule == "pattern":
        return f"must be {schema.get('title', 'of the form ' + str(value))}{shown}", about
    return error.message, about


def _title(branch: Mapping[str, Any]) -> str:
    if "title" in branch:
        return str(branch["title"])
    if "const" in branch:
        return repr(branch["const"])
    return _any_of(_KINDS[k] for k in _listed(branch.get("type", [])))


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _any_of(words: Iterable[str]) -> str:
    found = list(words)
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} or {found[-1]}"


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a mapping of keys"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
