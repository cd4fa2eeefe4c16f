"""promptfoo's assertions as ours: what each of its types is among our graders, row by row.

What is carried over gives the same pass or fail on the same answer (the tests hold both side by side),
but for two rules of ours: whitespace around an answer never counts, and an empty answer is never
right by not containing something. What is not carried over is listed with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import regex
import yaml

from evals.errors import TaskError
from evals.output import check_schema
from evals.types import Json
from workbench.exchange.promptfoo.cells import comma_separated
from workbench.exchange.promptfoo.source import Source, is_code, load, read_text, read_yaml
from workbench.exchange.promptfoo.words import filled

Node = dict[str, Json]

WHY = {
    "javascript": "code is not run; write it as a grader of your own",
    "python": "code is not run; write it as a grader of your own",
    "ruby": "code is not run; write it as a grader of your own",
    "webhook": "nothing is sent to other services",
    "llm-rubric": "a model's opinion: add the grader `judge` with these criteria (docs/judges.md)",
    "model-graded-closedqa": "a model's opinion: add the grader `judge` (docs/judges.md)",
    "model-graded-factuality": "a model's opinion: add the grader `judge` (docs/judges.md)",
    "factuality": "a model's opinion: add the grader `judge` (docs/judges.md)",
    "g-eval": "a model's opinion: add the grader `judge` (docs/judges.md)",
    "select-best": "compares answers of several approaches: `wb assess` does so for all of them",
    "similar": "another embedder gives other values: add the grader `embedding_similarity`",
    "rouge-n": "is computed otherwise: add the grader `rouge`",
    "bleu": "is computed otherwise: add the grader `bleu`",
    "levenshtein": "counts edits, ours their share: add the grader `edit_similarity`",
    "latency": "is no property of an answer: add a requirement on p95_seconds",
    "cost": "is no property of an answer: add a requirement on usd_per_1k",
}
PLAIN_KEYS = {"type", "value", "weight", "metric"}
"""What an assertion may have for us; `threshold` means something to types that are not carried over."""


def assertion(given: Any, variables: Mapping[str, Any], source: Source, key: str, where: str) -> Node | None:
    """One assertion, or set of them, of a test with these variables; None where it is left out.
    `key` and `where` say where it stands."""
    if not isinstance(given, dict) or not isinstance(given.get("type"), str):
        source.leave_out(key, "is no assertion: it has no type", where)
        return None
    weight = given.get("weight", 1)
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or weight < 0:
        source.leave_out(f"{key}.weight", f"is no number from 0: {weight!r}", where)
        return None
    if weight == 0:
        source.leave_out(key, "has weight 0 and so decides nothing", where)
        return None
    make = _set if given["type"] == "assert-set" else _one
    node = make(given, variables, source, key, where)
    if node is not None and weight != 1:
        node["weight"] = weight
    return node


def _set(
    given: Mapping[str, Any], variables: Mapping[str, Any], source: Source, key: str, where: str
) -> Node | None:
    members = given.get("assert")
    if not isinstance(members, list) or not members:
        source.leave_out(f"{key}.assert", "is no list of assertions", where)
        return None
    read = [
        assertion(one, variables, source, f"{key}.assert[{place}]", where)
        for place, one in enumerate(members)
    ]
    kept: list[Json] = [one for one in read if one is not None]
    if not kept:
        return None
    node: Node = {"assertions": kept}
    if isinstance(given.get("threshold"), (int, float)):
        node["threshold"] = given["threshold"]
    return node


def _one(
    given: Mapping[str, Any], variables: Mapping[str, Any], source: Source, key: str, where: str
) -> Node | None:
    said = given["type"]
    kind = said.removeprefix("not-")
    make = KINDS.get(kind)
    if make is None:
        source.leave_out(key, f"{said}: {WHY.get(kind, 'has no counterpart here')}", where)
        return None
    for extra in sorted(given.keys() - PLAIN_KEYS - {"threshold", "description"}):
        what = "changes the answer by code" if extra == "transform" else "has no counterpart here"
        source.leave_out(f"{key}.{extra}", what, where)
        if extra in ("transform", "contextTransform"):
            return None
    if given.get("metric"):
        source.leave_out(f"{key}.metric", "assertions of a row have one metric together", where)
    try:
        node = make(_value(given.get("value"), variables, source, key))
    except (ValueError, TaskError) as error:
        why = error.message if isinstance(error, TaskError) else str(error)
        source.leave_out(key, f"{said}: {why}", where)
        return None
    if said != kind:
        node["not"] = True
    return node


def _value(value: Any, variables: Mapping[str, Any], source: Source, key: str) -> Any:
    """An assertion's value with its file read and its variables filled in. Raises ValueError, TaskError."""
    if isinstance(value, list):
        return [_value(item, variables, source, key) for item in value]
    if not isinstance(value, str):
        return value
    if value.startswith("package:") or (value.startswith("file://") and is_code(value)):
        raise ValueError("code is not run")
    if not value.startswith("file://"):
        return filled(value, variables)
    path = source.find(value, key)[0]
    if path.suffix in (".json", ".yaml", ".yml"):
        return load(path)
    return read_text(path).strip()


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)) or not str(value).strip():
        raise ValueError(f"its value is a text that is not blank, not {value!r}")
    return _number(value) if isinstance(value, float) else str(value)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _texts(value: Any) -> list[Json]:
    items = comma_separated(value) if isinstance(value, str) else value
    if not isinstance(items, list) or not items:
        raise ValueError(f"its value is a list of texts, not {value!r}")
    return [_text(item) for item in items]


def _contains(
    name: str, read: Callable[[Any], Json], option: str, ignore_case: bool
) -> Callable[[Any], Node]:
    def make(value: Any) -> Node:
        node: Node = {"name": name, option: read(value)}
        return {**node, "ignore_case": True} if ignore_case else node

    return make


def _equals(value: Any) -> Node:
    if isinstance(value, (dict, list)):
        return {"name": "valid_json", "schema": {"const": value}}
    if isinstance(value, bool):
        return {"name": "equals", "value": "true" if value else "false"}
    return {"name": "equals", "value": _text(value)}


def _regex(value: Any) -> Node:
    """The pattern as the `regex` package reads it: JavaScript's classes know ASCII letters and digits only,
    and its $ is the very end."""
    pattern = _text(value)
    if re.search(r"\\[wWdDbB]", pattern):
        pattern = f"(?a){pattern}"
    try:
        regex.compile(pattern)
    except regex.error as error:
        raise ValueError(f"is not a pattern here: {error}") from error
    return {"name": "regex", "pattern": pattern, "match": "search"}


def _json(value: Any) -> Node:
    if value in (None, ""):
        return {"name": "valid_json"}
    if isinstance(value, str):
        try:
            value = read_yaml(value)
        except yaml.YAMLError as error:
            raise ValueError("its schema cannot be read") from error
    if not isinstance(value, dict):
        raise ValueError("its value is a JSON Schema")
    schema = {name: part for name, part in value.items() if name != "$schema"}
    check_schema(schema, Path("schema"))
    return {"name": "valid_json", "schema": schema}


def _words(value: Any) -> Node:
    if isinstance(value, dict):
        limits: Node = {end: value[end] for end in ("min", "max") if end in value}
    else:
        count = float(_text(value))
        limits = {"min": count, "max": count}
    if not limits:
        raise ValueError("it has neither min nor max")
    return {"name": "length", "unit": "tokens", **limits}


KINDS: dict[str, Callable[[Any], Node]] = {
    "equals": _equals,
    "contains": _contains("contains", _text, "value", False),
    "icontains": _contains("contains", _text, "value", True),
    "contains-any": _contains("contains_any", _texts, "values", False),
    "icontains-any": _contains("contains_any", _texts, "values", True),
    "contains-all": _contains("contains_all", _texts, "values", False),
    "icontains-all": _contains("contains_all", _texts, "values", True),
    "starts-with": _contains("starts_with", _text, "value", False),
    "regex": _regex,
    "is-json": _json,
    "word-count": _words,
}
"""What is carried over."""
