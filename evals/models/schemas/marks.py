"""Free text up to a mark: what a model may think before its answer."""

from __future__ import annotations

from collections.abc import Iterator

from evals.models.schemas.automata import LAST, Automaton, settle, without

SURROGATES = (0xD800, 0xDFFF)
BOLD = ord("*")
GAPS = (ord("\n"), ord(" "))


def until(mark: str) -> Automaton:
    """Any text that ends with the first `mark` in it and one space or line break; between the two the
    closing `**` of bold may stand. Raises ValueError for an empty mark.

    State i has read i characters of the mark (Knuth, Morris, Pratt); then come asterisks and the end.
    """
    if not mark:
        raise ValueError("a mark is not empty")
    whole, end = len(mark), len(mark) + 3

    def arrows(state: int) -> Iterator[tuple[int, int, int]]:
        if state < whole:
            yield from _reading(mark, state)
        elif state < end:
            if state < whole + 2:
                yield BOLD, BOLD, state + 1
            if state != whole + 1:
                yield from ((gap, gap, end) for gap in GAPS)

    found = settle(0, arrows, lambda state: state == end)
    assert found is not None, "from every state the rest of the mark leads to the end"
    return found


def _reading(mark: str, state: int) -> Iterator[tuple[int, int, int]]:
    told = {ord(char): _known(mark, mark[:state] + char) for char in set(mark)}
    yield from ((char, char, goal) for char, goal in told.items())
    yield from ((low, high, 0) for low, high in without(((0, LAST),), (SURROGATES, *((c, c) for c in told))))


def _known(mark: str, read: str) -> int:
    """How much of the mark the end of what was read is."""
    return next(length for length in range(len(read), -1, -1) if read.endswith(mark[:length]))
