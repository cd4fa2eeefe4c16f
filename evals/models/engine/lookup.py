"""Drafts by prompt lookup: what followed the last tokens when they stood in the text before.

An answer that copies its input (extraction, editing, quoting) is guessed well by that, and a guess costs
little when few rows are computed: all its tokens go through the model in one pass, and those that the
model would have said itself stay (Saxena 2023; Leviathan et al. 2023). For greedy answers only, of which
it changes none.
"""

from __future__ import annotations

from collections.abc import Sequence

LONG, SHORT = 3, 2
"""So many last tokens are looked up; the longer match counts for more."""


class Lookup:
    """An index of where each run of two and three tokens was last followed by another token."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self._tokens: list[int] = []
        self._after: dict[tuple[int, ...], int] = {}
        for token in tokens:
            self.add(token)

    def add(self, token: int) -> None:
        """Append a token to the text."""
        end = len(self._tokens)
        for length in (LONG, SHORT):
            if end >= length:
                self._after[tuple(self._tokens[end - length :])] = end
        self._tokens.append(token)

    def draft(self, most: int) -> list[int]:
        """At most so many tokens that may come next; none when the last ones are new."""
        for length in (LONG, SHORT):
            after = self._after.get(tuple(self._tokens[-length:]))
            if after is not None:
                return self._tokens[after : after + most]
        return []
