"""Ways in which the answer is in front of the model or the splits are not apart.

A column that holds the target is found by comparison with chance: in how many rows it holds the
row's own target, less in how many it holds that of another row (drawn by the hash of the ids). So a
long text in which the word "yes" is common is not reported, and a column with the label in it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from evals.data import Data, folded, membership
from evals.types import Example, Json

ROWS = 2000
"""Rows that are looked at, chosen by the hash of their ids."""
FEWEST = 8
"""Below this many rows with a value nothing is said of a column."""
ABOVE_CHANCE = 0.25
SHARES: dict[Literal["is", "contains"], float] = {"is": 0.5, "contains": 0.8}
"""The least share of rows at which a column is reported: it is the target, or has it within."""


@dataclass(frozen=True)
class Reveal:
    """A column that gives the answer away. `part` is the key of the target that it holds, "" for
    the whole; `share` of the `n` rows with a value, `chance` the share with other rows' targets."""

    column: str
    part: str
    how: Literal["is", "contains"]
    share: float
    chance: float
    n: int


def revealing_columns(data: Data) -> list[Reveal]:
    """Each column that holds the target or a part of it, with the form that tells most."""
    rows = [*data.train, *data.dev, *data.test]
    if len(rows) > ROWS:
        rows = sorted(rows, key=lambda row: membership(0, row.id))[:ROWS]
    columns = dict.fromkeys(name for row in rows for name in row.fields)
    return [found for column in columns if (found := _reveal(rows, column)) is not None]


def _reveal(rows: Sequence[Example], column: str) -> Reveal | None:
    pairs = [(_text(row.fields[column]), row) for row in rows if row.fields.get(column) not in (None, "")]
    parts = dict.fromkeys(part for _, row in pairs for part, _ in _parts(row.target))
    found = [reveal for part in parts for reveal in _compare(pairs, column, part)]
    return max(found, key=lambda r: (r.how == "is", r.part == "", r.share - r.chance), default=None)


def _compare(pairs: Sequence[tuple[str, Example]], column: str, part: str) -> Iterator[Reveal]:
    """The forms in which a column holds one part of the target, often enough to be reported."""
    held = [(text, dict(_parts(row.target)).get(part), row.id) for text, row in pairs]
    both = [(text, wanted, id) for text, wanted, id in held if wanted]
    n = len(both)
    if n < FEWEST:
        return
    others = [wanted for _, wanted, _ in sorted(both, key=lambda item: membership(1, item[2]))]
    for how, least in SHARES.items():
        share = sum(_holds(how, text, wanted) for text, wanted, _ in both) / n
        chance = sum(_holds(how, text, other) for (text, _, _), other in zip(both, others, strict=True)) / n
        if share >= least and share - chance >= ABOVE_CHANCE:
            yield Reveal(column, part, how, round(share, 4), round(chance, 4), n)


def _holds(how: Literal["is", "contains"], text: str, wanted: str) -> bool:
    return text == wanted if how == "is" else f" {wanted} " in f" {text} "


def _parts(target: Json) -> Iterator[tuple[str, str]]:
    """The target as folded text, then each text or number under a key of it."""
    yield "", _text(target)
    if isinstance(target, dict):
        for key, value in target.items():
            if isinstance(value, (str, int, float)) and not isinstance(value, bool):
                yield key, _text(value)


def _text(value: Json) -> str:
    return folded(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True))


def straddling_groups(data: Data) -> list[str]:
    """Groups with rows in more than one split, sorted: only files that were split by hand have any."""
    where: dict[str, set[str]] = {}
    for split in ("train", "dev", "test"):
        for row in getattr(data, split):
            if row.group is not None:
                where.setdefault(row.group, set()).add(split)
    return sorted(group for group, splits in where.items() if len(splits) > 1)
