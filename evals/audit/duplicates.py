"""Rows of one split that show a model the same thing, and whether their targets agree.

Two rows are the same when what the template shows of them is, apart from case and space. Copies
across splits are taken out when the data is loaded (`evals.data`); these stay, because how often a
question is asked may be how often it is asked in life, but they are not independent evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evals.data import folded, visible
from evals.store import canonical
from evals.types import Example


@dataclass(frozen=True)
class Repeat:
    """Rows that are the same, in file order. `exact` when even case and space agree,
    `contradicts` when their targets differ."""

    ids: tuple[str, ...]
    exact: bool
    contradicts: bool


def repeats(rows: Iterable[Example], names: Sequence[str] = ("input",)) -> list[Repeat]:
    """The rows that stand more than once, judged by the columns `names` that the template shows."""
    same: dict[str, list[Example]] = {}
    for row in rows:
        same.setdefault(folded(visible(row, names)), []).append(row)
    return [
        Repeat(
            tuple(row.id for row in alike),
            exact=len({visible(row, names) for row in alike}) == 1,
            contradicts=len({canonical(row.target) for row in alike}) > 1,
        )
        for alike in same.values()
        if len(alike) > 1
    ]
