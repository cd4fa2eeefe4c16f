"""Comparing two JSON objects field by field.

A field is a leaf of the objects: a value that is not an object itself, under the path of keys that
leads to it (`slots.city`). The fields compared are those of either side, so a missing field and one
that should not be there both cost their share. A list is one field.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evals.graders.folding import bag_f1, fold, shown, token_f1
from evals.types import Json

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One field compared: its path, its score in [0, 1], and what is wrong when it is below 1."""

    path: tuple[str, ...]
    score: float
    why: str = ""


class FieldRule:
    """How much of a field is right.

    Numbers, booleans and null are compared exactly (1 is 1.0, and not true); strings exactly where
    the schema lists the values (`enum`, `const`), else folded or, with `text="token_f1"`, by shared
    tokens; lists as multisets, by the F1 of their items.
    """

    def __init__(self, schema: Schema | None, text: str = "normalised") -> None:
        self.schema: Schema = schema or {}
        self.text = text

    def compare(self, gold: dict[str, Json], said: dict[str, Json]) -> list[Field]:
        """The fields of both objects, the gold's first."""
        return list(self._objects(gold, said, resolve(self.schema, self.schema), ()))

    def key(self, value: Json) -> Hashable:
        """Equal for values of which every field is right when the other is gold."""
        return self._key(value, resolve(self.schema, self.schema))

    def _objects(
        self, gold: dict[str, Json], said: dict[str, Json], schema: Schema, path: tuple[str, ...]
    ) -> Iterator[Field]:
        for key, value in gold.items():
            inner = (*path, key)
            if key in said:
                yield from self._values(value, said[key], self._under(schema, key), inner)
            else:
                yield from (Field(p, 0.0, "missing") for p in paths(value, inner))
        for key, value in said.items():
            if key not in gold:
                yield from (Field(p, 0.0, "not asked for") for p in paths(value, (*path, key)))

    def _values(self, gold: Json, said: Json, schema: Schema, path: tuple[str, ...]) -> Iterator[Field]:
        if isinstance(gold, dict) and isinstance(said, dict) and (gold or said):
            yield from self._objects(gold, said, schema, path)
        elif isinstance(gold, dict) and gold:
            yield from (Field(p, 0.0, "missing") for p in paths(gold, path))
        else:
            score = self._score(gold, said, schema)
            yield Field(path, score, "" if score >= 1 else f"{_brief(said)}, not {_brief(gold)}")

    def _score(self, gold: Json, said: Json, schema: Schema) -> float:
        if isinstance(gold, list) and isinstance(said, list):
            items = self._under(schema, None)
            wanted = Counter(self._key(v, items) for v in gold)
            return bag_f1(wanted, Counter(self._key(v, items) for v in said))
        if isinstance(gold, str) and isinstance(said, str) and self.text == "token_f1" and not listed(schema):
            return token_f1(gold, said)
        return float(self._key(gold, schema) == self._key(said, schema))

    def _key(self, value: Json, schema: Schema) -> Hashable:
        """Equal for values that count as equal; the kind stands in front, so that 1 is not true."""
        if isinstance(value, str):
            return ("text", value if listed(schema) else fold(value))
        if isinstance(value, list):
            items = self._under(schema, None)
            return ("list", frozenset(Counter(self._key(v, items) for v in value).items()))
        if isinstance(value, dict):
            return ("object", frozenset((k, self._key(v, self._under(schema, k))) for k, v in value.items()))
        return (isinstance(value, bool), value)

    def _under(self, schema: Schema, key: str | None) -> Schema:
        """The schema of a property, or of a list's items (key None); {} where it says nothing."""
        inner = schema.get("items") if key is None else (schema.get("properties") or {}).get(key)
        return resolve(self.schema, inner) if isinstance(inner, Mapping) else {}


def paths(value: Json, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The paths of the fields in a value that stands at `path`; an empty object is one field."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from paths(inner, (*path, key))
    else:
        yield path


def listed(schema: Schema) -> bool:
    """Whether the schema lists the values it allows, directly or in one of its alternatives."""
    if "enum" in schema or "const" in schema:
        return True
    choices = [c for word in ("anyOf", "oneOf", "allOf") for c in schema.get(word, ())]
    return any(isinstance(c, Mapping) and listed(c) for c in choices)


_HOPS = 20


def resolve(root: Schema, schema: Schema) -> Schema:
    """The schema that a local reference ("#/$defs/city") leads to; {} when it leads nowhere."""
    for _ in range(_HOPS):
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return schema
        found: Any = root
        for step in reference.removeprefix("#").split("/")[1:]:
            found = (
                found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
            )
        if not reference.startswith("#") or not isinstance(found, Mapping):
            return {}
        schema = found
    return {}


def _brief(value: Json) -> str:
    return shown(json.dumps(value, ensure_ascii=False), 60)
