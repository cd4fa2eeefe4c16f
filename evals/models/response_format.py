"""A grammar as an endpoint takes it: `response_format` of the OpenAI API, which is always a JSON Schema.

Labels and patterns are asked for as the one field of an object, and taken out of it again; a server that
pays no attention answers with plain text, which is left as it is and validated like any other answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from evals.types import Completion, Json, Message, Request

FIELD = "answer"
"""The name of the schema, and of the field that holds a label or a text."""


def response_format(grammar: Mapping[str, Json]) -> dict[str, Any]:
    """What stands for `Request.grammar` in the body of a call. Raises ValueError for what is no grammar."""
    ((kind, value),) = grammar.items()
    if kind == "schema" and isinstance(value, dict):
        return _named(value)
    if kind == "schema":
        return {"type": "json_object"}
    if kind == "labels":
        return _named(_object({"type": "string", "enum": value}))
    if kind == "regex":
        return _named(_object({"type": "string", "pattern": f"^(?:{value})$"}))
    raise ValueError(f"there is no grammar of the kind {kind!r}")


ONLY = "quokka"
PROOF = Request("proof", (Message("user", "Name a colour."),), max_tokens=32, grammar={"labels": [ONLY]})
"""A question to which nobody gives the only answer that its grammar allows, unless held to it."""


def pays_no_attention(proof: Completion) -> bool:
    """Whether the answer to PROOF shows that a server does not hold answers to a schema; one that was cut
    off shows nothing."""
    return proof.finish == "stop" and proof.text != ONLY


def is_schema(grammar: Mapping[str, Json] | None) -> bool:
    """Whether a JSON Schema stands for it, and not the mere wish for JSON."""
    return grammar is not None and response_format(grammar)["type"] == "json_schema"


def opened(grammar: Mapping[str, Json] | None, text: str) -> str:
    """The answer in what a server wrote under this grammar."""
    if grammar is None or "schema" in grammar:
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    inner = value.get(FIELD) if isinstance(value, dict) else None
    return inner if isinstance(inner, str) else text


def _named(schema: dict[str, Any]) -> dict[str, Any]:
    """`strict` binds some services to the schema and makes them refuse one that leaves anything open."""
    wanted = {"name": FIELD, "schema": schema, "strict": _closed(schema)}
    return {"type": "json_schema", "json_schema": wanted}


def _object(field: Json) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {FIELD: field},
        "required": [FIELD],
        "additionalProperties": False,
    }


def _closed(node: Any) -> bool:
    """Whether every object of a schema has exactly its declared properties, all of them required."""
    if isinstance(node, list):
        return all(map(_closed, node))
    if not isinstance(node, dict):
        return True
    inner = [value for key, value in node.items() if key not in ("enum", "const", "default", "examples")]
    if "properties" in node or node.get("type") == "object":
        names = node.get("properties", {}).keys()
        if node.get("additionalProperties") is not False or set(node.get("required", ())) != set(names):
            return False
        inner = [*node.get("properties", {}).values(), *(v for k, v in node.items() if k in _WITHIN)]
    return all(map(_closed, inner))


_WITHIN = ("anyOf", "allOf", "oneOf", "$defs", "items")
