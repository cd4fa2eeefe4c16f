"""Whether an option's value is of the type that the thing configured says: read from its annotations.

A task file holds JSON's values, so a list may stand for any sequence and a whole number for any number; a
Literal's own members are for the thing itself to check, which says what they mean.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

WORDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false", type(None): ""}
MANY = {int: "whole numbers", float: "numbers", str: "texts", bool: "true or false"}


def hints_of(thing: Any) -> dict[str, Any]:
    """The types of the options of a dataclass or a function, none where they cannot be read."""
    try:
        return get_type_hints(thing)
    except (NameError, TypeError):
        return {}


def fits(value: Any, kind: Any) -> bool:
    """Whether the value is of this type; of a type that is not known here everything is."""
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return any(fits(value, one) for one in args)
    if origin is Literal:
        return any(type(value) is type(one) for one in args)
    if origin in (Sequence, list, tuple):
        return isinstance(value, (list, tuple)) and all(fits(item, args[0]) for item in value)
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind in WORDS:
        return type(value) is kind
    return True


def in_words(kind: Any) -> str:
    """The type for people: "a whole number, or a list of whole numbers"."""
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return ", or ".join(dict.fromkeys(filter(None, map(in_words, sorted(args, key=_listed)))))
    if origin is Literal:
        return ", or ".join(dict.fromkeys(in_words(type(one)) for one in args))
    if origin in (Sequence, list, tuple):
        return f"a list of {MANY.get(_plain(args[0]), 'values')}"
    if origin in (Mapping, dict):
        return "a mapping"
    return WORDS.get(kind, getattr(kind, "__name__", str(kind)))


def _listed(kind: Any) -> bool:
    return get_origin(kind) in (Sequence, list, tuple)


def _plain(kind: Any) -> Any:
    return type(get_args(kind)[0]) if get_origin(kind) is Literal else kind
