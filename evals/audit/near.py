"""Rows of dev and test that nearly repeat a row of a split that approaches are fitted or chosen on.

Ordinary label data is full of near twins, so a fixed limit would report much of it. The limit is set
above the 99th percentile of what is usual *within* the earlier split: the similarity of its rows to
their own nearest neighbour. Rows beyond it are listed, and the scores are shown with and without
them; they stay where they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from evals.audit.contained import containing
from evals.audit.minhash import candidates, signatures
from evals.audit.shingles import Array, Shingles, shared, shingles
from evals.data import Data, folded, membership, visible
from evals.types import Example

RUN = 5
"""Characters in a run."""
FLOOR: dict[str, float] = {"resembles": 0.7, "within": 0.9, "means": 0.9}
"""No row is reported below these, however unlike the rows of the earlier split are."""
USUAL = 0.99
"""The quantile of similarity within the earlier split that a limit stands above."""
FEWEST = 100
"""With fewer earlier rows the quantile says nothing, and UNKNOWN is the limit."""
UNKNOWN = 0.95
SAMPLED = 5000
"""Earlier rows, chosen by the hash of their ids, from which the quantile is taken."""
LONGER = 1.25
"""How much longer a text must be, in runs, than one that stands within it: those of like length are compared
as wholes."""
CLOSE = 0.5
"""Jaccard similarity from which two rows may mean the same."""
_TRIED = 3
"""Candidates of a row that are compared exactly: those that look most alike."""

How = Literal["resembles", "within", "means"]
SplitName = Literal["train", "dev", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "dev", "test")


@dataclass(frozen=True)
class Twin:
    """A row and the earlier row that it nearly repeats. `share` is the Jaccard similarity of their runs
    (resembles), the share of the shorter one's runs that stand in the longer (within) or the cosine of
    their embeddings (means)."""

    split: Literal["dev", "test"]
    id: str
    of_split: Literal["train", "dev"]
    of_id: str
    how: How
    share: float


@dataclass(frozen=True)
class Rows:
    """All rows in one order, earlier splits first: `shown` is what a prompt shows of them, `texts` the
    same with case and space folded."""

    examples: tuple[Example, ...]
    splits: Array
    shown: tuple[str, ...]
    texts: tuple[str, ...]

    def where(self, split: int) -> Array:
        """The places of a split: 0 train, 1 dev, 2 test."""
        return np.flatnonzero(self.splits == split)

    def name(self, place: int) -> tuple[SplitName, str]:
        """The split and the id of a row."""
        return SPLITS[int(self.splits[place])], self.examples[place].id


def rows_of(data: Data, names: Sequence[str]) -> Rows:
    """The rows of all splits with what the template shows of them."""
    return _rows((data.train, data.dev, data.test), names)


def _rows(parts: tuple[Sequence[Example], ...], names: Sequence[str]) -> Rows:
    examples = tuple(row for part in parts for row in part)
    splits = np.repeat(np.arange(3), [len(part) for part in parts])
    shown = tuple(visible(row, names).replace("\0", " ") for row in examples)
    return Rows(examples, splits, shown, tuple(map(folded, shown)))


@dataclass(frozen=True)
class Near:
    """The twins found, at most one a row, and the limits they are beyond. `usual` are the 99th
    percentiles within the earlier split, None where it has too few rows."""

    twins: tuple[Twin, ...] = ()
    limits: Mapping[str, float] = field(default_factory=dict)
    usual: Mapping[str, float | None] = field(default_factory=dict)

    def ids(self, split: Literal["dev", "test"]) -> tuple[str, ...]:
        """The rows of a split that have a twin, in file order."""
        return tuple(twin.id for twin in self.twins if twin.split == split)


def lexical(rows: Rows) -> tuple[Near, Array]:
    """Twins by their characters, among all rows; and pairs of rows of two splits that are close, the
    closest first, for a comparison of what they mean."""
    sets = shingles(rows.texts, RUN)
    alike = _alike(rows, sets)
    inside = _inside(rows, sets)
    measures: dict[How, tuple[Array, Array]] = {"resembles": alike, "within": inside}
    usual: dict[str, float | None] = {}
    limits: dict[str, float] = {}
    twins: dict[tuple[str, str], Twin] = {}
    for how, (pairs, share) in measures.items():
        usual[how] = _usual(rows, pairs, share)
        limits[how] = limit(how, usual[how])
        for twin in beyond(rows, pairs, share, how, limits[how]):
            twins.setdefault((twin.split, twin.id), twin)
    return Near(tuple(twins.values()), limits, usual), _close(rows, *alike)


def repeated(pool: Sequence[Example], asked: Sequence[Example], names: Sequence[str]) -> list[frozenset[int]]:
    """For each asked row the places in the pool of those that show what it shows, and of those that it nearly
    repeats: its likeliest twins beyond the limits."""
    rows = _rows((pool, (), asked), names)
    sets = shingles(rows.texts, RUN)
    first: dict[str, set[int]] = {}
    for place in rows.where(0):
        first.setdefault(rows.texts[place], set()).add(int(place))
    found = [set(first.get(rows.texts[place], ())) for place in rows.where(2)]
    measures: dict[How, tuple[Array, Array]] = {
        "resembles": _alike(rows, sets),
        "within": _inside(rows, sets),
    }
    for how, (pairs, share) in measures.items():
        across = rows.splits[pairs[:, 0]] != rows.splits[pairs[:, 1]]
        for pair in pairs[across & (share > limit(how, _usual(rows, pairs, share)))]:
            found[int(max(pair)) - len(pool)].add(int(min(pair)))
    return [frozenset(places) for places in found]


def _close(rows: Rows, pairs: Array, share: Array) -> Array:
    across = (rows.splits[pairs[:, 0]] != rows.splits[pairs[:, 1]]) & (share >= CLOSE)
    order = np.argsort(-share[across], kind="stable")
    found: Array = pairs[across][order]
    return found


def limit(how: str, usual: float | None) -> float:
    """What a similarity must exceed: the usual one, or the floor where that is lower."""
    return max(FLOOR[how], UNKNOWN if usual is None else usual)


def sampled(rows: Rows, most: int = SAMPLED) -> Array:
    """Places of earlier rows to learn from what is usual: distinct texts of train, or of dev without it."""
    first: dict[str, int] = {}
    for place in rows.where(0) if len(rows.where(0)) else rows.where(1):
        first.setdefault(rows.texts[place], int(place))
    order = sorted(first.values(), key=lambda place: membership(0, rows.examples[place].id))
    return np.array(sorted(order[:most]), np.int64)


def _usual(rows: Rows, pairs: Array, share: Array) -> float | None:
    """The 99th percentile of the similarity of earlier rows to their nearest other text in their split."""
    chosen = sampled(rows)
    if len(chosen) < FEWEST:
        return None
    best = np.zeros(len(rows.texts), np.float32)
    mine = rows.splits[chosen[0]]
    both = (rows.splits[pairs] == mine).all(axis=1) & (share < 1)
    for side in (0, 1):
        np.maximum.at(best, pairs[both, side], share[both])
    return round(float(np.quantile(best[chosen], USUAL)), 4)


def beyond(rows: Rows, pairs: Array, share: Array, how: How, above: float) -> list[Twin]:
    """The nearest earlier row of each row of dev and test, where it is above the limit."""
    late = np.where(rows.splits[pairs[:, 0]] > rows.splits[pairs[:, 1]], 0, 1)
    index = np.arange(len(pairs))
    mine, other = pairs[index, late], pairs[index, 1 - late]
    keep = (rows.splits[mine] > rows.splits[other]) & (share > above)
    mine, other, share = mine[keep], other[keep], share[keep]
    order = np.lexsort((other, -share, mine))
    found = []
    for place in order[np.concatenate([[True], mine[order][1:] != mine[order][:-1]])] if len(order) else ():
        split, name = rows.name(mine[place])
        of_split, of_name = rows.name(other[place])
        assert split != "train"
        assert of_split != "test"
        found.append(Twin(split, name, of_split, of_name, how, round(float(share[place]), 4)))
    return found


def _alike(rows: Rows, sets: Shingles) -> tuple[Array, Array]:
    """(pairs, Jaccard similarity): for every row its likeliest twins in its own and in earlier splits."""
    pairs, estimate = candidates(signatures(sets))
    chosen = np.zeros(len(pairs), bool)
    splits = rows.splits[pairs]
    for side in (0, 1):
        for inside in (True, False):
            at = np.flatnonzero((splits[:, 0] == splits[:, 1]) == inside)
            chosen[at[_top(pairs[at, side], estimate[at])]] = True
    pairs = pairs[chosen]
    both = shared(sets, pairs)
    sizes = sets.sizes[pairs].sum(axis=1)
    return pairs, both / np.maximum(sizes - both, 1)


def _top(owner: Array, estimate: Array) -> Array:
    """Places of the few best estimates of each owner."""
    order = np.lexsort((-estimate, owner))
    start = np.concatenate([[True], owner[order][1:] != owner[order][:-1]]) if len(order) else order
    group = np.flatnonzero(start)
    rank = np.arange(len(order)) - np.repeat(group, np.diff(np.append(group, len(order))))
    best: Array = order[rank < _TRIED]
    return best


def _inside(rows: Rows, sets: Shingles) -> tuple[Array, Array]:
    """(pairs, share of the first's runs that stand in the second), where the second is longer. Rows of
    dev and test are looked up in earlier splits, a sample of the earliest rows among themselves."""
    train, dev, test = (rows.where(split) for split in range(3))
    asked = (
        (test, np.concatenate([train, dev])),
        (dev, train),
        (sampled(rows), train if len(train) else dev),
    )
    pairs = np.concatenate([containing(sets, inner, outer) for inner, outer in asked])
    turned = np.concatenate([containing(sets, outer, inner) for inner, outer in asked[:2]])
    pairs = np.unique(np.concatenate([pairs, turned]), axis=0)
    pairs = pairs[sets.sizes[pairs[:, 0]] * LONGER <= sets.sizes[pairs[:, 1]]]
    return pairs, shared(sets, pairs) / np.maximum(sets.sizes[pairs[:, 0]], 1)
