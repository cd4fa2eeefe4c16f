"""A task file's value against its JSON Schema, answered in one or two lines a person can act on.

jsonschema finds what is wrong; this module says each mistake of the file, the first one first, with
its line, its key, what is allowed there and the nearest spelling. A schema's `title` names the
kind of value in messages; `writeOnly` marks values that must not be repeated in a message.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evals.errors import Mistakes, TaskError
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
    "minLength": "more than an empty text",
    "minItems": "a list of at least {}",
    "minProperties": "a mapping of at least {} key",
    "uniqueItems": "a list without repetitions",
}

MOST = 9
"""Mistakes that are told beside the first."""


def validate(file: YamlFile, schema: Mapping[str, Any]) -> None:
    """Check the file's value. Raises TaskError for the mistake that stands first in the file, with up to
    `MOST` others; what is missing comes after what is there and wrong, because a misspelt key is both."""
    from jsonschema import Draft202012Validator

    errors = [_relevant(error) for error in Draft202012Validator(schema).iter_errors(file.value)]
    errors.sort(key=lambda e: (e.validator == "required", file.line(_key(e)) or 0))
    mistakes, misspelt = Mistakes(), "".join(nearest(*word) for error in errors for word in _unknown(error))
    for error in errors:
        if error.validator == "required" and repr(_missing(error)) in misspelt:
            continue
        mistakes.found += _explain(file, error)
    mistakes.found[MOST + 1 :] = []
    mistakes.tell()


def _unknown(error: ValidationError) -> list[tuple[str, list[str]]]:
    """Each unknown key with those that are allowed in its place."""
    if error.validator != "additionalProperties":
        return []
    allowed = list(_schema(error).get("properties", {}))
    return [(key, allowed) for key in _instance(error) if key not in allowed]


def _missing(error: ValidationError) -> str:
    """The key that is required and not there; jsonschema has an error for each."""
    absent = [str(key) for key in _listed(error.validator_value) if key not in _instance(error)]
    return next(key for key in absent if error.message.startswith(repr(key)))


def _key(error: ValidationError) -> str:
    key = ""
    for part in error.absolute_path:
        key = join_key(key, part)
    return key


def _explain(file: YamlFile, error: ValidationError) -> list[TaskError]:
    key = _key(error)
    if error.validator == "additionalProperties":
        return [_unknown_key(file, join_key(key, name), name, allowed) for name, allowed in _unknown(error)]
    message, hint = _message(error)
    return [TaskError(message, where=file.path, line=file.line(key), key=key or None, hint=hint)]


def _relevant(error: ValidationError) -> ValidationError:
    """Of a choice of forms, the mistake within the form that was evidently meant."""
    while error.validator in ("anyOf", "oneOf") and error.context:
        branches: dict[Any, list[ValidationError]] = {}
        for inner in error.context:
            branches.setdefault(inner.schema_path[0], []).append(inner)
        alike = [errors for errors in branches.values() if not _has(errors, ("type", "const", "enum"))]
        meant = [errors for errors in alike if not _has(errors, ("required",))] or alike
        if len(meant) != 1:
            return error
        error = meant[0][0]
    return error


def _has(errors: Sequence[ValidationError], rules: tuple[str, ...]) -> bool:
    """Whether one of these rules is broken by the value as a whole, not by a part of it."""
    return any(not error.relative_path and error.validator in rules for error in errors)


def _unknown_key(file: YamlFile, path: str, name: str, allowed: Sequence[str]) -> TaskError:
    return TaskError(
        f"unknown key {name!r}.{nearest(name, allowed)}",
        where=file.path,
        line=file.line(path),
        key=path,
        hint=f"Allowed here: {', '.join(allowed)}.",
    )


def _message(error: ValidationError) -> tuple[str, str | None]:
    """What is wrong, and what to do."""
    schema = _schema(error)
    about = schema.get("description")
    if error.instance is None:
        return "is left empty", about
    if error.validator == "required":
        name = _missing(error)
        described = schema.get("properties", {}).get(name, {}).get("description")
        hint = f"{name}: {described}" if described else f"`wb schema task` says what {name} may be."
        return f"the key {name!r} is missing", hint
    wanted = _wanted(str(error.validator), error.validator_value, schema)
    if wanted is None:
        return error.message, about
    shown = (
        ""
        if schema.get("writeOnly") or str(error.validator).endswith("Items")
        else f", not {_shown(error.instance)}"
    )
    near = nearest(*_spelling(error))
    share = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", str(error.instance))
    if share and error.validator == "type" and "number" in _listed(error.validator_value):
        about = f"Write a share: {float(share[1]) / 100:g}."
    return f"must be {wanted}{shown}{near and f'.{near}'}", about


def _spelling(error: ValidationError) -> tuple[str, list[str]]:
    """What may be misspelt in a value, and what it may have been meant to be."""
    if error.validator in ("enum", "const"):
        return str(error.instance), [str(word) for word in _listed(error.validator_value)]
    forms = _listed(error.validator_value) if error.validator in ("anyOf", "oneOf") else []
    if isinstance(error.instance, str):
        return error.instance, [str(form["const"]) for form in forms if "const" in form]
    keys = [key for form in forms for key in form.get("properties", {})]
    return next((str(key) for key in _instance(error) if key not in keys), ""), keys


def _wanted(rule: str, value: Any, schema: Mapping[str, Any]) -> str | None:
    """What a rule of the schema asks for, in words."""
    if rule == "type":
        return _any_of(_KINDS[kind] for kind in _listed(value))
    if rule in ("enum", "const"):
        return _any_of(map(str, _listed(value)))
    if rule in ("anyOf", "oneOf"):
        return _any_of(map(_title, value))
    if rule == "pattern":
        return str(schema.get("title", f"of the form {value}"))
    words = _LIMITS.get(rule)
    return None if words is None else words.format(value)


def _instance(error: ValidationError) -> Mapping[str, Any]:
    return error.instance if isinstance(error.instance, Mapping) else {}


def _schema(error: ValidationError) -> Mapping[str, Any]:
    return error.schema if isinstance(error.schema, Mapping) else {}


def _title(branch: Mapping[str, Any]) -> str:
    if "title" in branch:
        return str(branch["title"])
    if "const" in branch:
        return repr(branch["const"])
    return _any_of(_KINDS[k] for k in _listed(branch.get("type", [])))


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def _any_of(words: Iterable[str]) -> str:
    found = list(words)
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} or {found[-1]}"


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: ...' for key in value)}}}"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
