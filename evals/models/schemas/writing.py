"""Shapes written as the JSON Schema that xgrammar compiles and holds, and what was left out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from evals.models.schemas.automata import Automaton, literal
from evals.models.schemas.overlap import apart, closed, written_types
from evals.models.schemas.scalars import bounds, constant, number, string
from evals.models.schemas.shapes import (
    ASSERTIONS,
    OF_TYPE,
    REFERENCES,
    Impossible,
    Node,
    Nodes,
    Shape,
    alternatives,
    matches,
)
from evals.types import Json

SHUT = {"additionalProperties": False}


@dataclass(frozen=True, order=True)
class Left:
    """A keyword that is not held: where it stands, its name, and which case of `IGNORED` it is."""

    pointer: str
    keyword: str
    case: str


@dataclass(frozen=True)
class Held:
    """A schema in the words that hold. Where a mark stands in it (as a constant, or as the pattern of a
    name), the rule of that name is to stand in the grammar; `rules` are written in the compiler's
    notation. `left` is what the schema leaves out, in order of place.
    """

    schema: Any
    rules: Mapping[str, str]
    left: tuple[Left, ...]


def write(schema: Mapping[str, Any] | bool) -> Held:
    """What can be held of a JSON Schema (draft 2020-12).

    What it admits, as one compact line of JSON, is valid under `schema` but for what is left out.
    Raises Impossible when nothing is admitted or a reference has no end.
    """
    from referencing import Registry
    from referencing.jsonschema import DRAFT202012

    resource = DRAFT202012.create_resource(schema)
    base = resource.id() or ""
    writer = _Writer(schema)
    root = writer.schema((Node(schema, "", Registry().with_resource(base, resource).resolver(base)),))
    if root is None:
        raise Impossible("it admits no value")
    whole = {**root, "$defs": writer.defs} if writer.defs else root
    return Held(whole, writer.rules, tuple(sorted(writer.left)))


class _Writer:
    """Writes one schema. `defs` are the parts that references lead to, by name."""

    def __init__(self, root: Mapping[str, Any] | bool) -> None:
        from jsonschema import Draft202012Validator

        self.defs: dict[str, Any] = {}
        self.rules: dict[str, str] = {}
        self.left: set[Left] = set()
        self._names: dict[frozenset[int], str | None] = {}
        self._validator = Draft202012Validator(root)
        self._marks: dict[str, str] = {}
        self._stem = "held"
        while self._stem in json.dumps(root):
            self._stem += "x"

    def schema(self, nodes: Nodes) -> Any:
        """What all these schemas admit; None when that is nothing. What stands behind a reference is
        written once, so that a schema may refer to itself."""
        targets = tuple(map(_target, nodes))
        if targets == nodes and not any(map(_refers, nodes)):
            return self._written(nodes)
        key = frozenset(id(node.schema) for node in targets)
        if key not in self._names:
            name = self._names[key] = f"part{len(self._names)}"
            written = self._written(targets)
            if written is None:
                self._names[key] = None
            else:
                self.defs[name] = written
        known = self._names[key]
        return None if known is None else {"$ref": f"#/$defs/{known}"}

    def _written(self, nodes: Nodes) -> Any:
        shapes = alternatives(nodes)
        for a, b in combinations(shapes, 2):
            for pointer in {p for p, i in a.chosen for q, j in b.chosen if p == q and i != j}:
                if not apart(a, b):
                    self.left.add(Left(pointer, "oneOf", "oneOf"))
        parts = {json.dumps(part): part for shape in shapes for part in self._parts(shape, nodes)}
        if "{}" in parts or len(parts) < 2:
            return next((parts[key] for key in ("{}", *parts) if key in parts), None)
        return {"anyOf": list(parts.values())}

    def _parts(self, shape: Shape, nodes: Nodes) -> Iterator[Any]:
        """One schema for each type of a shape; its values, where it lists them."""
        if shape.values is not None:
            values = [v for v in shape.values if all(self._valid(v, node) for node in nodes)]
            if values:
                texts = " | ".join(literal(constant(value)) for value in values)
                yield self._rule(texts, lambda name: f"{name} ::= {texts}\n")
            return
        types = written_types(shape)
        for case, pointer in shape.left:
            keyword = pointer.rpartition("/")[2]
            kind = OF_TYPE.get(keyword)
            if types is None or kind is None or kind in types or (kind == "number" and "integer" in types):
                self.left.add(Left(pointer, keyword, case))
        if types is None:
            yield {}
        for kind in types or ():
            part = self._part(shape, kind)
            if part is not None:
                yield part

    def _part(self, shape: Shape, kind: str) -> Any:
        if kind == "array":
            return self._array(shape)
        if kind == "object":
            return self._object(shape)
        if kind in ("boolean", "null"):
            return {"type": kind}
        part, left = string(shape.words) if kind == "string" else number(kind, shape.words)
        self.left |= {Left(shape.at[key], key, case) for key, case in left}
        if isinstance(part, Automaton):
            quoted = kind == "string"
            edge = '"' if quoted else ""
            return self._rule(repr((edge, part)), lambda name: part.rules(name, quoted=quoted, edge=edge))
        return part

    def _rule(self, key: str, text: Callable[[str], str]) -> Any:
        """A schema that stands for a rule; `text` writes it under a name, `key` is the same for the same."""
        return {"const": self._mark(key, text)}

    def _mark(self, key: str, text: Callable[[str], str]) -> str:
        if key not in self._marks:
            mark = self._marks[key] = f"{self._stem}{len(self._marks):05}"
            self.rules[mark] = text(mark)
        return self._marks[key]

    def _valid(self, value: Json, node: Node) -> bool:
        validator: Any = self._validator
        try:
            return bool(validator.evolve(schema=node.schema, _resolver=node.enter().resolver).is_valid(value))
        except re.error:
            return True

    def _array(self, shape: Shape) -> Any:
        low, high = bounds(shape.words, "Items")
        prefix: list[Any] = []
        for nodes in shape.prefix[:high]:
            part = self.schema(nodes)
            if part is None:
                high = len(prefix)
                break
            prefix.append(part)
        items: Any = shape.items is not None or not prefix or low > len(prefix)
        if shape.items:
            items = self.schema(shape.items)
        if items is None or items is False:
            items, high = False, len(prefix) if high is None else min(high, len(prefix))
        if high is not None and low > high:
            return None
        if high == 0:
            return {"const": []}
        written = {"type": "array", "items": items, "minItems": low}
        written |= {"prefixItems": prefix} if prefix else {}
        return written | ({} if high is None or items is False else {"maxItems": high})

    def _object(self, shape: Shape) -> Any:
        low, high = bounds(shape.words, "Properties")
        written: dict[str, Any] = {}
        listed = _listed(shape.names)
        shut = listed is not None
        for name in dict.fromkeys((*shape.properties, *shape.required, *(listed or ()))):
            part = self._property(shape, name)
            if part is not None:
                written[name] = part
            elif name in shape.required:
                return None
            else:
                shut = True  # a name that is forbidden: only a closed object can do without it
        rest: dict[str, Any] = SHUT
        if not shut and not closed(shape):
            rest = self._rest(shape, written)
        is_open = rest != SHUT
        if is_open and low > len(shape.required):
            self.left.add(Left(shape.at["minProperties"], "minProperties", "minProperties"))
        most = high if is_open else min(len(written), len(written) if high is None else high)
        if most is not None and max(low, len(shape.required)) > most:
            return None
        whole = {"type": "object", "properties": written, "required": list(shape.required), **rest}
        whole |= {"minProperties": low} if low > len(shape.required) else {}
        return whole | ({} if high is None else {"maxProperties": high})

    def _property(self, shape: Shape, name: str) -> Any:
        """The value of a property that is named; None when it cannot be there."""
        if not all(self._valid(name, node) for node in shape.names):
            return None
        said = [nodes for pattern, nodes in shape.patterns.items() if matches(pattern, name)]
        nodes = tuple(node for nodes in said for node in nodes)
        if name in shape.properties:
            nodes += shape.properties[name]
        elif not said:
            nodes += shape.additional or ()
        return self.schema(nodes)

    def _rest(self, shape: Shape, written: Mapping[str, Any]) -> dict[str, Any]:
        """What is said of the names that are not declared, where there may be such."""
        if not shape.patterns and not shape.names:
            held = self.schema(shape.additional or ())
            return SHUT if held is None else {"additionalProperties": held or True}
        if written:
            return SHUT  # a name that follows a rule could be one of the declared, a second time
        pattern = _one_pattern(shape)
        if pattern is None:
            for key in ("patternProperties", "propertyNames"):
                if key in shape.at:
                    self.left.add(Left(shape.at[key], key, key))
            return {"additionalProperties": True}
        nodes = next(iter(shape.patterns.values()), shape.additional or ())
        held = self.schema(nodes)
        mark = self._mark(repr(("name", pattern)), lambda name: pattern.rules(name, quoted=True))
        return SHUT if held is None else {"patternProperties": {mark: held}, "additionalProperties": False}


def _listed(names: Nodes) -> list[str] | None:
    """The only names that there may be, where they are listed."""
    found = alternatives(names) if names else [Shape()]
    values = [value for shape in found for value in shape.values or ()]
    return None if any(shape.values is None for shape in found) else [v for v in values if isinstance(v, str)]


def _one_pattern(shape: Shape) -> Automaton | None:
    """The one rule that every name follows; None when there is no such, or it cannot be held."""
    if len(shape.patterns) + bool(shape.names) > 1:
        return None
    rules = [Shape(words={"pattern": (pattern,)}) for pattern in shape.patterns] or alternatives(shape.names)
    if len(rules) != 1 or rules[0].left:
        return None
    part, left = string(rules[0].words)
    return part if isinstance(part, Automaton) and not left else None


def _refers(node: Node) -> bool:
    return isinstance(node.schema, Mapping) and any(key in node.schema for key in REFERENCES)


def _target(node: Node) -> Node:
    """Where a schema leads that is nothing but a reference."""
    seen: set[int] = set()
    while _refers(node) and len(node.schema.keys() & ASSERTIONS) == 1:
        if id(node.schema) in seen:
            raise Impossible("it refers to itself without end")
        seen.add(id(node.schema))
        (node,) = node.referred()
    return node
