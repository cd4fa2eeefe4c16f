"""After how many calls a one-time cost is paid back, with an interval.

What a call saves is what it costs one way less what it costs the other way, on the same inputs. The
number of calls is the one-time cost divided by that, and falls as the saving rises: so the ends of its
interval are the other two ends of the saving's, divided, and cover as often. Where the saving may be
nothing the upper end is open; where it surely is, no number of calls pays.

Resamples weigh every unit by an exponential weight (the Bayesian bootstrap, Rubin 1981). Of shares of
accepted answers it knows nothing beyond what was seen, so each approach has two more answers of half a
unit's weight, one accepted and one not, at its mean cost: the share then has the spread of Jeffreys'
prior, and an approach of which no answer was accepted costs much for one, not infinitely much.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from evals.stats.draws import DRAWS, SEED, Array
from evals.stats.resample import expanded
from evals.types import Interval

FEWEST = 5
"""Units below which no interval is drawn."""


@dataclass(frozen=True)
class Payback:
    """Calls until a one-time cost is paid back: None for never. `low` and `high` are the ends of the
    interval: a `high` of None is open, `low` is None only where it is never; `known` says whether there is an
    interval at all."""

    calls: float | None
    low: float | None
    high: float | None
    known: bool


def payback(once: float, saved: Interval) -> Payback:
    """How often a saving must be made to pay for `once`, in its unit, which is 0 or more."""
    if saved.value is None:
        return Payback(None, None, None, False)
    known = saved.low is not None and saved.high is not None
    most, least = (_times(once, end) for end in (saved.low, saved.high))
    return Payback(_times(once, saved.value), least, most, known)


def _times(once: float, saving: float | None) -> float | None:
    if saving is None or saving <= 0:
        return None
    return once / saving


def saved_a_call(
    before: Sequence[float], after: Sequence[float], level: float, groups: Sequence[Hashable] | None = None
) -> Interval:
    """The mean of before less after over rows, amounts of any size, with a two-sided interval; no interval
    for fewer than five units. Rows of a group are one unit."""
    changes = np.asarray(before, dtype=np.float64) - np.asarray(after, dtype=np.float64)
    table = _units(np.column_stack([changes, np.ones(len(changes))]), groups)
    value = float(changes.mean()) if len(changes) else None
    if len(table) < FEWEST or value is None:
        return Interval(value, None, None, len(changes), len(table), level)
    sums = _weights(len(table)) @ table
    low, high = _ends(sums[:, 0] / sums[:, 1], level, len(table))
    return Interval(value, low, high, len(changes), len(table), level)


@dataclass(frozen=True)
class Answers:
    """What the answers of one approach cost, and which were accepted, row by row."""

    costs: Sequence[float]
    accepted: Sequence[bool]

    @property
    def each(self) -> float | None:
        """What an accepted answer costs; None where none was."""
        count = sum(self.accepted)
        return float(sum(self.costs)) / count if count else None


def saved_an_accepted(
    before: Answers, after: Answers, level: float, groups: Sequence[Hashable] | None = None
) -> Interval:
    """What an accepted answer costs before less after, on the same rows, with a two-sided interval. Where one
    of the two had none accepted the value is the middle of the resamples; None where neither had any, and
    no interval for fewer than five units."""
    rows = len(before.costs)
    sides = (before, after)
    columns = [column for side in sides for column in (side.costs, side.accepted)]
    table = _units(np.column_stack([np.asarray(c, dtype=np.float64) for c in columns]), groups)
    one, other = before.each, after.each
    value = None if one is None or other is None else one - other
    if len(table) < FEWEST:
        return Interval(value, None, None, rows, len(table), level)
    sums = _weights(len(table)) @ table
    rng = np.random.default_rng([SEED, len(table), 2])
    prices = []
    for place, side in enumerate(sides):
        seen = rng.gamma(0.5, size=(DRAWS, 2)) * rows / len(table)
        cost = sums[:, 2 * place] + seen.sum(axis=1) * float(np.mean(side.costs))
        prices.append(cost / (sums[:, 2 * place + 1] + seen[:, 0]))
    low, high = _ends(prices[0] - prices[1], level, len(table))
    if value is None and (one is not None or other is not None):
        value = float(np.median(prices[0] - prices[1]))
    return Interval(value, low, high, rows, len(table), level)


def _units(table: Array, groups: Sequence[Hashable] | None) -> Array:
    """The table summed over the rows of each group."""
    if groups is None or not len(table):
        return table
    places = {group: place for place, group in enumerate(dict.fromkeys(groups))}
    found = np.zeros((len(places), table.shape[1]))
    np.add.at(found, [places[group] for group in groups], table)
    return found


@lru_cache(maxsize=2)
def _weights(units: int) -> Array:
    """[draws, units] exponential weights, the same ones every time."""
    return np.random.default_rng([SEED, units, 1]).exponential(size=(DRAWS, units))


def _ends(draws: Array, level: float, units: int) -> tuple[float, float]:
    """The quantiles of the draws, further out where units are few (`expanded`)."""
    alpha = expanded((1 - level) / 2, units)
    ordered = np.sort(draws)
    place = min(max(math.ceil(alpha * len(ordered)) - 1, 0), len(ordered) - 1)
    return float(ordered[place]), float(ordered[len(ordered) - 1 - place])
