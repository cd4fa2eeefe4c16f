"""Strings and numbers in the words that hold. What does not is named with its case."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias

from evals.models.schemas.automata import Automaton, TooLarge
from evals.models.schemas.patterns import NotHeld, automaton, length
from evals.models.schemas.shapes import Impossible
from evals.types import Json

COUNTED = 128
"""Up to this many characters a length is counted by an automaton, which knows escapes. The compiler's own
count allows none, but is made in the same time for any number."""

LARGE = 300
"""A length makes a pattern's automaton larger; beyond this many states it is left out."""

FORMATS = (
    *("date", "time", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uri-reference"),
    *("uri-template", "uuid", "json-pointer", "relative-json-pointer"),
)
"""Formats whose outer form the compiler knows."""

LISTED = 1000
"""A range with no more multiples than these is written as the list of them."""

MODULUS = 1024
"""The largest `multipleOf` that the compiler counts by."""

WHOLE = 2**63
"""The compiler reads whole numbers below this (and above its negative)."""

DIGITS = 18
"""Where nothing bounds a number, so many digits do on each side of the point: else a small model that
repeats itself would write digits without end."""
_INTEGER = f"-?(0|[1-9][0-9]{{0,{DIGITS - 1}}})"
_NUMBER = f"{_INTEGER}([.][0-9]{{1,{DIGITS}}})?([eE][-+]?[0-9]{{1,2}})?"

ANYTHING = length(0, None)

Words: TypeAlias = Mapping[str, Any]
Part: TypeAlias = tuple[Any, Sequence[tuple[str, str]]]
"""A schema (None when it admits nothing), and what it leaves out: keyword, case. An automaton stands for what
is accepted: of text the characters between the quotes, of numbers their digits."""


def bounds(words: Words, what: str) -> tuple[int, int | None]:
    """The least and the most `Length`, `Items` or `Properties`."""
    high = words.get(f"max{what}")
    return int(words.get(f"min{what}", 0)), None if high is None else int(high)


def string(words: Words) -> Part:
    """Text: patterns with a length, or else a format, which the compiler holds only alone."""
    held, left = _patterned(words.get("pattern", ()))
    low, high = bounds(words, "Length")
    lengths = [key for key in ("minLength", "maxLength") if key in words]
    if held is None or (high is not None and low > high):
        return None, ()
    if held == ANYTHING and words.get("format") in FORMATS:
        left += [(key, "length beside format") for key in lengths]
        return {"type": "string", "format": words["format"]}, left
    if "format" in words:
        left.append(("format", "format" if held == ANYTHING else "format beside pattern"))
    if not lengths:
        return {"type": "string"} if held == ANYTHING else held, left
    if held == ANYTHING and max(low, high or 0) > COUNTED:
        return {"type": "string", "minLength": low, **({} if high is None else {"maxLength": high})}, left
    try:
        fitted = held.both(length(low, high))
        if fitted is None or len(fitted.arrows) <= LARGE:
            return fitted, left
    except (NotHeld, TooLarge):
        pass
    return held, [*left, *((key, "length beside pattern") for key in lengths)]


def _patterned(patterns: Sequence[str]) -> tuple[Automaton | None, list[tuple[str, str]]]:
    """What all patterns accept (None for nothing), but for those that are not held."""
    held: Automaton | None = ANYTHING
    left = []
    for pattern in patterns:
        try:
            found = automaton(pattern, whole=False)
            held = found and held and held.both(found)
        except (NotHeld, TooLarge):
            left.append(("pattern", "pattern"))
    return held, left


def number(kind: str, words: Words) -> Part:
    """A number within its bounds; multiples are held of whole numbers only."""
    step = words.get("multipleOf")
    if step is not None and step == int(step):
        kind, step = "integer", int(step)
    if kind == "integer":
        return _whole(words, step)
    left = [] if step is None else [("multipleOf", "multipleOf")]
    lows = {key: words[key] for key in ("minimum", "exclusiveMinimum") if key in words}
    highs = {key: words[key] for key in ("maximum", "exclusiveMaximum") if key in words}
    if not lows and not highs:
        return _regex(_NUMBER), left
    lows = lows or {"minimum": min(-(10.0**DIGITS), *highs.values())}
    highs = highs or {"maximum": max(10.0**DIGITS, *lows.values())}
    low, high = max(lows.values()), min(highs.values())
    if low > high or (low == high and low in (lows.get("exclusiveMinimum"), highs.get("exclusiveMaximum"))):
        return None, ()
    return {"type": "number", **lows, **highs}, left


def _whole(words: Words, step: int | float | None) -> Part:
    lows = [math.ceil(words["minimum"])] if "minimum" in words else []
    lows += [math.floor(words["exclusiveMinimum"]) + 1] if "exclusiveMinimum" in words else []
    highs = [math.floor(words["maximum"])] if "maximum" in words else []
    highs += [math.ceil(words["exclusiveMaximum"]) - 1] if "exclusiveMaximum" in words else []
    if not lows and not highs and (step is None or step == 1):
        return _regex(_INTEGER), ()
    if isinstance(step, int) and not lows and not highs and step <= MODULUS:
        return {"type": "integer", "multipleOf": step}, ()
    low = max(lows, default=min(1 - 10**DIGITS, *highs, 0))
    high = min(highs, default=max(10**DIGITS - 1, *lows, 0))
    if max(abs(low), abs(high)) >= WHOLE:
        raise Impossible("a bound has more than 64 bits")
    if low > high:
        return None, ()
    if isinstance(step, int) and step > 1:
        multiples = range(-(-low // step) * step, high + 1, step)
        if len(multiples) <= LISTED:
            return {"enum": list(multiples)} if multiples else None, ()
    left = [] if step in (None, 1) else [("multipleOf", "multipleOf")]
    return {"type": "integer", "minimum": low, "maximum": high}, left


@cache
def _regex(pattern: str) -> Automaton | None:
    return automaton(pattern, whole=True)


def constant(value: Json) -> str:
    """The text of a value, as a target is written."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isascii() or _is_text(text) else json.dumps(value)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
