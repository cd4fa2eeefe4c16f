"""Reading JSON the way a program that consumes it does: all of it, or not at all (RFC 8259).

The whole text is one JSON value with nothing around it. Beyond the grammar, what readers disagree
on is refused: duplicate keys, NaN and infinities, numbers no double can hold, deep nesting.
"""

from __future__ import annotations

import json
from collections import Counter
from itertools import chain
from typing import Any, NoReturn

from evals.types import Json

MAX_DEPTH = 100
"""Deeper nesting is refused: every later step walks values recursively."""
_MAX_DIGITS = 300
"""Longer integers are refused: a double holds no more than 309 digits."""


class NotJson(ValueError):
    """The text cannot be read as JSON; the message says why, in a few words."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise NotJson(f"duplicate key {twice[:80]!r}")
    return value


def _constant(word: str) -> NoReturn:
    raise NotJson(f"not JSON: {word}")


def _int(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise NotJson("number out of range")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise NotJson("number out of range")
    return value


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_int=_int, parse_float=_float
)


def read_json_text(text: str) -> Json:
    """The one JSON value that the text is. Raises NotJson saying what stands in the way."""
    try:
        value: Json = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise NotJson(_reason(text, error)) from error
    except RecursionError as error:
        raise NotJson("nested too deeply") from error
    if text.count("[") + text.count("{") > MAX_DEPTH and too_deep(value):
        raise NotJson("nested too deeply")
    return value


def too_deep(value: Json) -> bool:
    """Whether lists and objects stand more than MAX_DEPTH inside each other."""
    level: list[Json] = [value]
    for _ in range(MAX_DEPTH):
        lists = [v for v in level if isinstance(v, list)]
        objects = [list(v.values()) for v in level if isinstance(v, dict)]
        level = list(chain.from_iterable(lists + objects))
    return any(isinstance(v, (dict, list)) for v in level)


def _reason(text: str, error: json.JSONDecodeError) -> str:
    place = f"{error.lineno}:{error.colno}"
    if not text.strip():
        return "empty answer"
    if text.lstrip().startswith("```"):
        return "code fence"
    if error.msg == "Extra data":
        return f"text after the JSON at {place}"
    if _json_later(text):
        return "text before the JSON"
    return f"not JSON: {error.msg} at {place}"


def _json_later(text: str) -> bool:
    """Whether an object or list that can be read starts after some other text."""
    starts = [at for at in (text.find("{"), text.find("[")) if at >= 0]
    if not starts or not text[: min(starts)].strip():
        return False
    try:
        _DECODER.raw_decode(text, min(starts))
    except (ValueError, RecursionError):
        return False
    return True
