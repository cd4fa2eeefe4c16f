"""Whether two alternatives can admit the same value: what `oneOf` forbids."""

from __future__ import annotations

from collections.abc import Sequence

from evals.models.schemas.shapes import OF_TYPE, TYPES, Shape, alternatives, same
from evals.types import Json


def written_types(shape: Shape) -> tuple[str, ...] | None:
    """The types that are written for a shape: where it names none, those its keywords speak of, and
    None when they speak of none."""
    if shape.types is not None:
        wider = "number" in shape.types
        return tuple(t for t in shape.types if not (wider and t == "integer"))
    spoken = {OF_TYPE[key] for key in shape.at if key in OF_TYPE}
    return tuple(t for t in TYPES if t in spoken) or None


def closed(shape: Shape) -> bool:
    """Whether an object is written with the declared properties only: by `additionalProperties`, or
    because it declares some and says nothing of others."""
    if shape.additional is not None:
        return any(node.schema is False for node in shape.additional)
    fewest = shape.words.get("minProperties", 0)
    return bool(shape.properties) and not shape.patterns and fewest <= len(shape.properties)


def apart(a: Shape, b: Shape) -> bool:
    """Whether no value that is written for one is valid under the other."""
    return _misses(a, b) and _misses(b, a)


def _misses(a: Shape, b: Shape) -> bool:
    """Whether every value that is written for `a` is refused by `b`."""
    if a.values is not None and b.values is not None:
        return _disjoint(a.values, b.values)
    common = [t for t in _types(a, written_types(a)) if any(_alike(t, u) for u in _types(b, b.types))]
    if common != ["object"]:
        return not common
    if closed(a) and not set(b.required) <= a.properties.keys() | set(a.required):
        return True
    return any(
        _disjoint(_listed(a, name), _listed(b, name))
        for name in a.required
        if name in a.properties and name in b.properties
    )


def _types(shape: Shape, types: Sequence[str] | None) -> Sequence[str]:
    if shape.values is None:
        return TYPES if types is None else types
    kinds = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return [kinds.get(type(value), "null") for value in shape.values]


def _alike(a: str, b: str) -> bool:
    return a == b or {a, b} == {"integer", "number"}


def _listed(shape: Shape, name: str) -> Sequence[Json] | None:
    """The values that a property may have, where they are listed."""
    found: list[Json] = []
    for inner in alternatives(shape.properties[name]):
        if inner.values is None:
            return None
        found += inner.values
    return found


def _disjoint(a: Sequence[Json] | None, b: Sequence[Json] | None) -> bool:
    return a is not None and b is not None and not any(same(v, w) for v in a for w in b)
