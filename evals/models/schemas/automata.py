"""Deterministic automata over characters, written as rules that xgrammar follows exactly.

xgrammar has regular expressions of its own, and they do not hold: `(a|a(|a))` lets "aaa" through, a
repetition beside another alternative repeats without end. Rules that begin with a character and end
with another rule are followed exactly, and cost microseconds a token. Automata can also be
intersected: a pattern with a length, a pattern with another.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias, TypeVar

Ranges: TypeAlias = tuple[tuple[int, int], ...]
"""Code points, as ascending ranges that do not touch; both ends are part of a range."""

LAST = 0x10FFFF
SURROGATES = ((0xD800, 0xDFFF),)
"""No UTF-8 text holds them."""

STATES = 2000
"""Larger automata are refused. Each state costs the compiler about 10 ms at 50,000 tokens."""

_ESCAPES = {0x08: "b", 0x09: "t", 0x0A: "n", 0x0C: "f", 0x0D: "r", 0x22: '"', 0x5C: "\\"}
"""What stands behind the backslash, for the characters that have an escape of one letter."""

State = TypeVar("State", bound=Hashable)


class TooLarge(ValueError):
    """The automaton would have more than STATES states."""


@dataclass(frozen=True)
class Automaton:
    """State 0 is the first. `arrows[state]` are (low, high, next state), ascending and apart; from every
    state one of `ends`, where a text may end, can be reached."""

    arrows: tuple[tuple[tuple[int, int, int], ...], ...]
    ends: frozenset[int]

    def both(self, other: Automaton) -> Automaton | None:
        """What both accept; None when that is nothing. Raises TooLarge."""

        def arrows(pair: tuple[int, int]) -> Iterator[tuple[int, int, tuple[int, int]]]:
            for low, high, a in self.arrows[pair[0]]:
                for low2, high2, b in other.arrows[pair[1]]:
                    if low <= high2 and low2 <= high:
                        yield max(low, low2), min(high, high2), (a, b)

        return settle((0, 0), arrows, lambda pair: pair[0] in self.ends and pair[1] in other.ends)

    def rules(self, name: str, *, quoted: bool = False, edge: str = "") -> str:
        """Rules in the compiler's notation (GBNF) for the texts it accepts, beginning with rule `name`.

        `edge` stands before and after a text. With `quoted`, characters are written as in a JSON string.
        """
        lines = [f"{name} ::= {literal(edge)} {name}_0"]
        for state, arrows in enumerate(self.arrows):
            goals: dict[int, list[tuple[int, int]]] = defaultdict(list)
            for low, high, goal in arrows:
                goals[goal].append((low, high))
            ways = [literal(edge)] * (state in self.ends)
            ways += [
                f"{c} {name}_{goal}" for goal, ranges in goals.items() for c in _characters(ranges, quoted)
            ]
            lines.append(f"{name}_{state} ::= {' | '.join(ways)}")
        return "\n".join(lines) + "\n"


def settle(
    start: State,
    arrows: Callable[[State], Iterable[tuple[int, int, State]]],
    ends: Callable[[State], bool],
) -> Automaton | None:
    """The automaton of the states that are reached from `start` and lead to an end; None when none do.

    Raises TooLarge.
    """
    found: dict[State, list[tuple[int, int, State]]] = {}
    before: dict[State, set[State]] = defaultdict(set)
    waiting = [start]
    while waiting:
        state = waiting.pop()
        if state in found:
            continue
        if len(found) == STATES:
            raise TooLarge(f"more than {STATES} states")
        found[state] = sorted(arrows(state), key=lambda arrow: arrow[0])
        for _, _, goal in found[state]:
            before[goal].add(state)
            waiting.append(goal)
    alive = {state for state in found if ends(state)}
    waiting = list(alive)
    while waiting:
        fresh = before[waiting.pop()] - alive
        alive |= fresh
        waiting += fresh
    if start not in alive:
        return None
    number = {state: i for i, state in enumerate([start, *(s for s in found if s in alive and s != start)])}
    return Automaton(
        tuple(tuple((a, b, number[goal]) for a, b, goal in found[s] if goal in alive) for s in number),
        frozenset(number[state] for state in number if ends(state)),
    )


class Net:
    """A nondeterministic automaton that is being put together: states, arrows, and ways that are free."""

    def __init__(self) -> None:
        self._free: list[list[int]] = []
        self._arrows: list[list[tuple[Ranges, int]]] = []

    def state(self) -> int:
        """A new state."""
        if len(self._free) > 20 * STATES:
            raise TooLarge(f"more than {STATES} states")
        self._free.append([])
        self._arrows.append([])
        return len(self._free) - 1

    def free(self, start: int, goal: int) -> None:
        """A way from one state to another that takes no character."""
        self._free[start].append(goal)

    def arrow(self, start: int, ranges: Ranges, goal: int) -> None:
        """A way that takes one of these characters."""
        self._arrows[start].append((without(ranges, SURROGATES), goal))

    def settled(self, start: int, end: int) -> Automaton | None:
        """The deterministic automaton; None when it accepts nothing. Raises TooLarge."""

        def arrows(states: frozenset[int]) -> Iterator[tuple[int, int, frozenset[int]]]:
            turns: dict[int, list[tuple[int, int]]] = defaultdict(list)
            for state in states:
                for ranges, goal in self._arrows[state]:
                    for low, high in ranges:
                        turns[low].append((goal, 1))
                        turns[high + 1].append((goal, -1))
            active: Counter[int] = Counter()
            points = sorted(turns)
            for point, following in pairwise(points):
                for goal, change in turns[point]:
                    active[goal] += change
                if goals := frozenset(goal for goal, count in active.items() if count):
                    yield point, following - 1, self._reached(goals)

        return settle(self._reached({start}), arrows, lambda states: end in states)

    def _reached(self, states: Collection[int]) -> frozenset[int]:
        found, waiting = set(states), list(states)
        while waiting:
            fresh = set(self._free[waiting.pop()]) - found
            found |= fresh
            waiting += fresh
        return frozenset(found)


def without(ranges: Iterable[tuple[int, int]], gone: Iterable[tuple[int, int]]) -> Ranges:
    """The code points of `ranges` that are not in `gone`."""
    left = list(ranges)
    for low, high in gone:
        parts = [((first, min(last, low - 1)), (max(first, high + 1), last)) for first, last in left]
        left = [part for pair in parts for part in pair if part[0] <= part[1]]
    return tuple(left)


def joined(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The same code points as ascending ranges that do not touch."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)


def literal(text: str) -> str:
    """The text as a literal of the compiler's notation."""
    return f'"{"".join(map(_character, text))}"'


def _character(char: str) -> str:
    return char if char.isalnum() or not char.isascii() else f"\\u{ord(char):04x}"


def _characters(ranges: Sequence[tuple[int, int]], quoted: bool) -> Iterator[str]:
    """One character out of these, as it stands in the text: a class, and what is escaped."""
    ranges = joined(ranges)
    plain = without(ranges, ((0, 0x1F), (0x22, 0x22), (0x5C, 0x5C))) if quoted else ranges
    if plain:
        yield "[" + "".join(f"{_character(chr(a))}-{_character(chr(b))}" for a, b in plain) + "]"
    points = [p for p in (*range(0x20), 0x22, 0x5C) if quoted and any(a <= p <= b for a, b in ranges)]
    if letters := "".join(_character(_ESCAPES[p]) for p in points if p in _ESCAPES):
        yield f"{literal(chr(0x5C))} [{letters}]"
    for high in (0, 1):
        digits = "".join(f"{p % 16:x}" for p in points if p not in _ESCAPES and p // 16 == high)
        if digits:
            yield f"{literal(f'{chr(0x5C)}u00{high}')} [{digits}]"
