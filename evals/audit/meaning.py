"""What embeddings show and characters do not: paraphrases across splits, and labels that do not fit.

Embedding costs a hundred times what the lexical audit does, so it has a budget: the rows that are
lexically close to an earlier one, then a sample of all, chosen by the hash of their ids (never by the
clock: the same rows give the same findings). That is about ten seconds on two cores.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from evals.audit.choices import Choice
from evals.audit.near import FEWEST, USUAL, Rows, Twin, beyond, limit
from evals.audit.shingles import Array
from evals.data import membership
from evals.types import Embedder

MOST_ROWS = 2000
MOST_CHARACTERS = 400_000
"""The budget: rows, and characters of them; of a longer row only its first CUT characters count."""
CUT = 1000
NEIGHBOURS = 8
AGREEING = 7
"""So many of a row's neighbours must have one other value than the row for its label to be doubted."""
CHANCE = 0.001


@dataclass(frozen=True)
class Doubt:
    """A row whose value most of its nearest neighbours contradict. `value` and `others` are empty for
    rows of test, whose content is not shown; `share` is that of the neighbours with the other value."""

    split: str
    id: str
    choice: str
    value: str
    others: str
    share: float


@dataclass(frozen=True)
class Meaning:
    """`embedded` rows were compared; `limit` and `usual` as in `Near`."""

    twins: tuple[Twin, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    embedded: int = 0
    limit: float = 1.0
    usual: float | None = None


def meaning(rows: Rows, close: Array, choices: Sequence[Choice], embedder: Embedder) -> Meaning:
    """Paraphrases and doubtful labels among the rows within the budget. `close` are pairs of rows that
    are lexically alike, the most alike first. Raises ModelError when the embedder is not there."""
    chosen = within_budget(rows, close)
    if len(chosen) < FEWEST:
        return Meaning()
    vectors = embedder.embed([rows.texts[place][:CUT] for place in chosen])
    alike = _others(vectors @ vectors.T, [rows.texts[place] for place in chosen])
    twins, above, usual = _twins(rows, chosen, alike)
    doubts = tuple(doubt for choice in choices for doubt in _doubts(rows, chosen, alike, choice))
    return Meaning(tuple(twins), doubts, len(chosen), above, usual)


def within_budget(rows: Rows, close: Array) -> Array:
    """Places of the rows to embed, sorted: those of `close` pairs, then half of what is left from earlier
    rows and half from dev and test, by the hash of their ids."""
    first = list(dict.fromkeys(int(place) for pair in close for place in pair))[: MOST_ROWS // 2]
    keys = [membership(0, row.id) for row in rows.examples]
    early, late = (
        sorted(map(int, places), key=lambda place: keys[place])
        for places in (rows.where(0), np.concatenate([rows.where(1), rows.where(2)]))
    )
    mixed = [place for pair in zip(early, late, strict=False) for place in pair]
    rest = [*mixed, *early[len(late) :], *late[len(early) :]]
    chosen: dict[int, None] = {}
    spent = 0
    for place in [*first, *rest]:
        size = min(CUT, len(rows.texts[place]))
        if place not in chosen and spent + size <= MOST_CHARACTERS and len(chosen) < MOST_ROWS:
            chosen[place] = None
            spent += size
    return np.array(sorted(chosen), np.int64)


def _others(alike: Array, texts: Sequence[str]) -> Array:
    """The cosines without those of a row with itself and with its copies."""
    group: dict[str, list[int]] = {}
    for place, text in enumerate(texts):
        group.setdefault(text, []).append(place)
    for copies in group.values():
        alike[np.ix_(copies, copies)] = -1
    return alike


def _twins(rows: Rows, chosen: Array, alike: Array) -> tuple[list[Twin], float, float | None]:
    splits = rows.splits[chosen]
    base = splits == splits.min()
    usual = None
    if base.sum() >= FEWEST:
        usual = round(float(np.quantile(alike[np.ix_(base, base)].max(axis=1), USUAL)), 4)
    above = limit("means", usual)
    pairs, share = [], []
    for split in (1, 2):
        late, early = np.flatnonzero(splits == split), np.flatnonzero(splits < split)
        if len(late) and len(early):
            part = alike[np.ix_(late, early)]
            pairs.append(np.column_stack([chosen[late], chosen[early[part.argmax(axis=1)]]]))
            share.append(part.max(axis=1))
    if not pairs:
        return [], above, usual
    return beyond(rows, np.concatenate(pairs), np.concatenate(share), "means", above), above, usual


def _doubts(rows: Rows, chosen: Array, alike: Array, choice: Choice) -> Iterator[Doubt]:
    """Rows that nearly all of their neighbours contradict, where these are nearer than usual.

    The rule of edited nearest neighbours (Wilson 1972), asking for near unanimity: it names few rows and
    is mostly right about them. Where one value is common, so many agreeing neighbours must be unlikely by
    chance too.
    """
    values = np.array([choice.of(rows.examples[place]) for place in chosen])
    near = np.argsort(-alike, axis=1, kind="stable")[:, :NEIGHBOURS]
    closeness = np.take_along_axis(alike, near, axis=1).mean(axis=1)
    usual = np.median(closeness)
    shares = {value: number / len(values) for value, number in Counter(values.tolist()).items()}
    for at in np.flatnonzero(closeness >= usual):
        common, number = Counter(values[near[at]].tolist()).most_common(1)[0]
        if common != values[at] and number >= AGREEING and _chance(shares[common], number) < CHANCE:
            split, id = rows.name(chosen[at])
            value, others = ("", "") if split == "test" else (str(values[at]), common)
            yield Doubt(split, id, choice.name, value, others, round(number / NEIGHBOURS, 4))


def _chance(share: float, number: int) -> float:
    """The chance that at least `number` of the neighbours have a value that `share` of all rows have."""
    return sum(
        math.comb(NEIGHBOURS, k) * share**k * (1 - share) ** (NEIGHBOURS - k)
        for k in range(number, NEIGHBOURS + 1)
    )
