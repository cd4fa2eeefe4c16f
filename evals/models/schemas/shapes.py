"""A JSON Schema taken apart into alternatives, each a flat set of keywords that must hold together.

References are followed, `allOf` and what stands beside a reference or a combinator is merged, and
`anyOf` and `oneOf` become alternatives. So nothing is left that holds only by being beside another
keyword.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from evals.types import Json

MOST = 64
"""More alternatives than these are not written out: the combinator is left out instead."""

TYPES = ("string", "number", "integer", "boolean", "null", "array", "object")
OF_TYPE: Mapping[str, str] = {
    **dict.fromkeys(("minLength", "maxLength", "pattern", "format"), "string"),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), "number"),
    **dict.fromkeys(
        ("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains", "unevaluatedItems"),
        "array",
    ),
    **dict.fromkeys(
        (
            *("properties", "patternProperties", "additionalProperties", "unevaluatedProperties", "required"),
            *("propertyNames", "minProperties", "maxProperties", "dependentRequired", "dependentSchemas"),
        ),
        "object",
    ),
}
"""The type that a keyword speaks of."""

REFERENCES = ("$ref", "$dynamicRef")
ASSERTIONS = {*OF_TYPE, *REFERENCES, "type", "enum", "const", "allOf", "anyOf", "oneOf", "not", "if"}
"""The keywords that can refuse a value."""

_LARGER = ("minLength", "minItems", "minProperties", "minimum", "exclusiveMinimum")
_SMALLER = ("maxLength", "maxItems", "maxProperties", "maximum", "exclusiveMaximum")
_NEVER = ("uniqueItems", "contains", "dependentRequired", "dependentSchemas")
_ANY = ("not", "if")
"""These speak of every type. Neither they nor those above are ever held."""


class Impossible(ValueError):
    """The schema cannot be written as a grammar at all; the message says why."""


@dataclass(frozen=True)
class Node:
    """A schema with its place in the whole: a JSON pointer, and what resolves its references."""

    schema: Any
    pointer: str
    resolver: Any

    def inner(self, *steps: str | int) -> Node:
        """The subschema at these steps."""
        schema, pointer = self.schema, self.pointer
        for step in steps:
            schema = schema[step]
            pointer += "/" + str(step).replace("~", "~0").replace("/", "~1")
        return Node(schema, pointer, self.resolver)

    def enter(self) -> Node:
        """The same, seen from within: references are relative to its own `$id`."""
        if not isinstance(self.schema, Mapping) or "$id" not in self.schema or not self.pointer:
            return self
        from referencing.jsonschema import DRAFT202012

        return replace(self, resolver=self.resolver.in_subresource(DRAFT202012.create_resource(self.schema)))

    def referred(self) -> Iterator[Node]:
        """What its references lead to. Raises Impossible when one leads nowhere."""
        from referencing.exceptions import Unresolvable

        for key in REFERENCES:
            if key in self.schema:
                reference = str(self.schema[key])
                try:
                    found = self.enter().resolver.lookup(reference)
                except Unresolvable as error:
                    raise Impossible(f"the reference {reference!r} leads nowhere") from error
                yield Node(found.contents, reference.partition("#")[2], found.resolver)


Nodes: TypeAlias = tuple[Node, ...]
"""Schemas that must hold together."""


@dataclass(frozen=True)
class Shape:
    """One alternative. `words` are keywords with plain values, `at` where each stands; the others
    hold subschemas. `values` are those of `enum` and `const`; `left` are keywords that are not held
    (keyword, pointer); `chosen` says which branch of which `oneOf` it comes from."""

    types: tuple[str, ...] | None = None
    values: tuple[Json, ...] | None = None
    words: Mapping[str, Any] = field(default_factory=dict)
    at: Mapping[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    properties: Mapping[str, Nodes] = field(default_factory=dict)
    patterns: Mapping[str, Nodes] = field(default_factory=dict)
    additional: Nodes | None = None
    names: Nodes = ()
    prefix: tuple[Nodes, ...] = ()
    items: Nodes | None = None
    left: tuple[tuple[str, str], ...] = ()
    chosen: tuple[tuple[str, int], ...] = ()


def alternatives(nodes: Nodes, within: frozenset[int] = frozenset()) -> list[Shape]:
    """The shapes of a value that all these schemas admit; none when they admit none.

    `within` are the schemas that are being taken apart for the same value. Raises Impossible.
    """
    found = [Shape()]
    for node in nodes:
        found = _product(found, _of(node, within), node.pointer)
    return found


def _of(node: Node, within: frozenset[int]) -> list[Shape]:
    schema = node.schema
    if isinstance(schema, bool):
        return [Shape()] if schema else []
    if id(schema) in within:
        raise Impossible("it refers to itself without end")
    node, within = node.enter(), within | {id(schema)}
    found = [_plain(node)]
    for inner in (*node.referred(), *(node.inner("allOf", i) for i in range(len(schema.get("allOf", ()))))):
        found = _product(found, _of(inner, within), inner.pointer)
    for key in ("anyOf", "oneOf"):
        if key not in schema:
            continue
        branches = [_of(node.inner(key, i), within) for i in range(len(schema[key]))]
        pointer = f"{node.pointer}/{key}"
        if key == "oneOf":
            branches = [
                [replace(s, chosen=(*s.chosen, (pointer, i))) for s in b] for i, b in enumerate(branches)
            ]
        found = _product(found, [shape for branch in branches for shape in branch], pointer)
    return [_evaluated(node, shape) for shape in found]


def _plain(node: Node) -> Shape:
    """The keywords of a schema itself, without its references and combinators."""
    schema = node.schema
    words = {k: v for k, v in schema.items() if k in OF_TYPE and not isinstance(v, (Mapping, list, bool))}
    left = [key for key in _ANY if key in schema and _matters(schema, key)]
    left += [key for key in _NEVER if schema.get(key) not in (None, False)]
    if "pattern" in words:
        words["pattern"] = (words["pattern"],)
    values: tuple[Json, ...] | None = tuple(schema["enum"]) if "enum" in schema else None
    if "const" in schema:
        values = tuple(v for v in values if same(v, schema["const"])) if values else (schema["const"],)
    types = schema.get("type")

    def each(key: str) -> dict[str, Nodes]:
        return {name: (node.inner(key, name),) for name in schema.get(key, ())}

    return Shape(
        types=None if types is None else tuple([types] if isinstance(types, str) else types),
        values=values,
        words=words,
        at={key: f"{node.pointer}/{key}" for key in schema},
        required=tuple(schema.get("required", ())),
        properties=each("properties"),
        patterns=each("patternProperties"),
        additional=(node.inner("additionalProperties"),) if "additionalProperties" in schema else None,
        names=(node.inner("propertyNames"),) if "propertyNames" in schema else (),
        prefix=tuple((node.inner("prefixItems", i),) for i in range(len(schema.get("prefixItems", ())))),
        items=(node.inner("items"),) if "items" in schema else None,
        left=tuple((key, f"{node.pointer}/{key}") for key in left),
    )


def _matters(schema: Mapping[str, Any], key: str) -> bool:
    """Whether it can refuse anything."""
    if key == "if":
        return schema.get("then", True) is not True or schema.get("else", True) is not True
    return schema[key] is not False


def _evaluated(node: Node, shape: Shape) -> Shape:
    """The unevaluated is what all parts of its schema together say nothing of."""
    if "unevaluatedProperties" in node.schema and shape.additional is None:
        shape = replace(shape, additional=(node.inner("unevaluatedProperties"),))
    if "unevaluatedItems" in node.schema and shape.items is None:
        shape = replace(shape, items=(node.inner("unevaluatedItems"),))
    return shape


def _product(found: list[Shape], other: list[Shape], pointer: str) -> list[Shape]:
    """Every shape of one with every shape of the other; `pointer` is where the other come from."""
    if len(found) * len(other) > MOST:
        return [replace(shape, left=(*shape.left, ("many alternatives", pointer))) for shape in found]
    return [merged for a in found for b in other if (merged := both(a, b)) is not None]


def both(a: Shape, b: Shape) -> Shape | None:
    """The shape of what has both shapes; None when nothing can."""
    types = a.types if b.types is None else b.types if a.types is None else _common(a.types, b.types)
    values = a.values if b.values is None else b.values
    if a.values is not None and b.values is not None:
        values = tuple(v for v in a.values if any(same(v, w) for w in b.values))
    if types == () or values == ():
        return None
    words, left = dict(a.words), [*a.left, *b.left]
    for key, value in b.words.items():
        if key in _LARGER + _SMALLER:
            words[key] = (max if key in _LARGER else min)(words.get(key, value), value)
        elif key == "pattern":
            words[key] = tuple(dict.fromkeys((*words.get(key, ()), *value)))
        elif words.setdefault(key, value) != value:
            left.append((f"several {key}", b.at[key]))
    return Shape(
        types=types,
        values=values,
        words=words,
        at={**b.at, **a.at},
        required=tuple(dict.fromkeys((*a.required, *b.required))),
        properties=_merged(a, b, "properties"),
        patterns=_merged(a, b, "patterns"),
        additional=_together(a.additional, b.additional),
        names=a.names + b.names,
        prefix=_prefixes(a, b),
        items=_together(a.items, b.items),
        left=tuple(dict.fromkeys(left)),
        chosen=a.chosen + b.chosen,
    )


def _common(a: Sequence[str], b: Sequence[str]) -> tuple[str, ...]:
    found = [t for t in a if t in b or (t == "integer" and "number" in b)]
    found += [t for t in b if t == "integer" and "number" in a and t not in found]
    return tuple(found)


def _together(a: Nodes | None, b: Nodes | None) -> Nodes | None:
    return b if a is None else a if b is None else a + b


def _merged(a: Shape, b: Shape, which: str) -> dict[str, Nodes]:
    """What both say of each name; what one does not name, its `additionalProperties` speak of."""
    found: dict[str, Nodes] = {}
    for one, other in ((a, b), (b, a)):
        for name, nodes in getattr(one, which).items():
            said = getattr(other, which).get(name)
            if said is None:
                said = () if _named(other, name) else other.additional or ()
            found.setdefault(name, nodes + said)
    return found


def _named(shape: Shape, name: str) -> bool:
    return any(matches(pattern, name) for pattern in shape.patterns)


def matches(pattern: str, name: str) -> bool:
    """Whether the pattern is found in the name; one that Python cannot read is not."""
    try:
        return re.search(pattern, name) is not None
    except re.error:
        return False


def _prefixes(a: Shape, b: Shape) -> tuple[Nodes, ...]:
    def at(shape: Shape, i: int) -> Nodes:
        return shape.prefix[i] if i < len(shape.prefix) else shape.items or ()

    return tuple(at(a, i) + at(b, i) for i in range(max(len(a.prefix), len(b.prefix))))


def same(a: Json, b: Json) -> bool:
    """Equal as JSON Schema has it: 1 is 1.0, and is not true."""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return a == b and isinstance(a, bool) == isinstance(b, bool)
