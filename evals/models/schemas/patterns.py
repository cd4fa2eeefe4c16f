"""Python's regular expressions as automata: what `re` matches, and nothing else.

Python's own parser reads the pattern, so that a pattern means here what it means to a grader.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any

from evals.models.schemas.automata import LAST, Automaton, Net, Ranges, TooLarge, joined, without

_UNHELD = {
    "ASSERT": "a lookahead or lookbehind",
    "ASSERT_NOT": "a lookahead or lookbehind",
    "GROUPREF": "a reference to a group",
    "GROUPREF_EXISTS": "a reference to a group",
    "ATOMIC_GROUP": "an atomic group",
    "POSSESSIVE_REPEAT": "a possessive repetition",
}
_STARTS = ("AT_BEGINNING", "AT_BEGINNING_STRING")
_ENDS = ("AT_END", "AT_END_STRING")
_ALL: Ranges = ((0, LAST),)


class NotHeld(ValueError):
    """The pattern has a part that no grammar here can hold; the message says which."""


def automaton(pattern: str, *, whole: bool) -> Automaton | None:
    """Accepts what `re.fullmatch` (`whole`) or `re.search` finds the pattern in; None for nothing.

    Raises NotHeld.
    """
    try:
        tree = _parser().parse(pattern)
        flags = tree.state.flags & ~(re.UNICODE | re.VERBOSE | re.DOTALL)
        if flags:
            raise NotHeld(f"the flag {re.RegexFlag(flags).name}")
        reader = _Reader(_ALL if tree.state.flags & re.DOTALL else ((0, 9), (11, LAST)))
        start = reader.net.state()
        end = reader.top(tree, not whole, start)
        return reader.net.settled(start, end)
    except (re.error, OverflowError) as error:
        raise NotHeld(f"what Python cannot read: {error}") from error
    except RecursionError as error:
        raise NotHeld("too deep a nesting") from error
    except TooLarge as error:
        raise NotHeld(str(error)) from error


def length(low: int, high: int | None) -> Automaton:
    """Accepts texts of `low` to `high` characters. Raises NotHeld."""
    found = automaton(f"(?s).{{{low},{'' if high is None else high}}}", whole=True)
    assert found is not None
    return found


def _parser() -> Any:
    # The parser of the standard library's re: private, and the only one that reads a pattern
    # exactly as re does.
    from re import _parser  # type: ignore[attr-defined]

    return _parser


class _Reader:
    """Puts the net of a parsed pattern together. Methods take a state and give the one behind."""

    def __init__(self, dot: Ranges) -> None:
        """`dot` is what a dot matches."""
        self.net, self.dot = Net(), dot

    def top(self, tree: Iterable[Any], around: bool, start: int) -> int:
        """The whole pattern; with `around`, anything may stand at an end that no anchor holds."""
        items = list(tree)
        if len(items) == 1:
            op, value = str(items[0][0]), items[0][1]
            if op == "BRANCH":
                return self._joined(start, (partial(self.top, branch, around) for branch in value[1]))
            if op == "SUBPATTERN" and not value[1] and not value[2]:
                return self.top(value[3], around, start)
        before = after = around
        while items and _anchor(items[0]) in _STARTS:
            items, before = items[1:], False
        while items and _anchor(items[-1]) in _ENDS:
            items, after = items[:-1], False
        end = self._sequence(items, self._anything(start) if before else start)
        return self._anything(end) if after else end

    def _sequence(self, tree: Iterable[Any], state: int) -> int:
        for op, value in tree:
            state = self._item(str(op), value, state)
        return state

    def _item(self, op: str, value: Any, start: int) -> int:
        if op == "BRANCH":
            return self._joined(start, (partial(self._sequence, branch) for branch in value[1]))
        if op == "SUBPATTERN":
            if value[1] or value[2]:
                raise NotHeld("a flag for a part of it")
            return self._sequence(value[3], start)
        if op in ("MAX_REPEAT", "MIN_REPEAT"):
            return self._repeated(start, *value)
        if op == "AT":
            middle = str(value) in (*_STARTS, *_ENDS)
            raise NotHeld("an anchor in its middle" if middle else "the edge of a word (\\b)")
        if op in _UNHELD:
            raise NotHeld(_UNHELD[op])
        end = self.net.state()
        self.net.arrow(start, self.dot if op == "ANY" else _set(op, value), end)
        return end

    def _repeated(self, start: int, low: int, high: Any, tree: Any) -> int:
        for _ in range(low):
            start = self._sequence(tree, start)
        end = self.net.state()
        if high == _parser().MAXREPEAT:
            loop = self.net.state()
            self.net.free(start, loop)
            self.net.free(self._sequence(tree, loop), loop)
            self.net.free(loop, end)
            return end
        for _ in range(high - low):
            self.net.free(start, end)
            start = self._sequence(tree, start)
        self.net.free(start, end)
        return end

    def _joined(self, start: int, branches: Iterable[Callable[[int], int]]) -> int:
        end = self.net.state()
        for branch in branches:
            first = self.net.state()
            self.net.free(start, first)
            self.net.free(branch(first), end)
        return end

    def _anything(self, start: int) -> int:
        loop = self.net.state()
        self.net.free(start, loop)
        self.net.arrow(loop, _ALL, loop)
        return loop


def _anchor(item: tuple[Any, Any]) -> str:
    return str(item[1]) if str(item[0]) == "AT" else ""


def _set(op: str, value: Any) -> Ranges:
    """The code points that one item of a parsed pattern matches."""
    if op == "LITERAL":
        return ((value, value),)
    if op == "NOT_LITERAL":
        return without(_ALL, ((value, value),))
    if op == "RANGE":
        return ((value[0], value[1]),)
    if op == "CATEGORY":
        return _category(str(value))
    if op != "IN":
        raise NotHeld(f"a part that is not known here ({op})")
    items = [(str(inner), argument) for inner, argument in value]
    found = joined(r for inner, argument in items if inner != "NEGATE" for r in _set(inner, argument))
    return without(_ALL, found) if items[0][0] == "NEGATE" else found


@cache
def _category(name: str) -> Ranges:
    """What \\d, \\w or \\s matches, or its negation."""
    tests: dict[str, Callable[[str], bool]] = {
        "DIGIT": str.isdecimal,
        "WORD": lambda char: char.isalnum() or char == "_",
        "SPACE": str.isspace,
    }
    test = tests[name.rpartition("_")[2]]
    found = joined((point, point) for point in range(LAST + 1) if test(chr(point)))
    return without(_ALL, found) if "_NOT_" in name else found
