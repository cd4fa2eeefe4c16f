"""How many rows a requirement takes: before anything is run, and at the value that was observed."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import Literal

from evals.stats.bounds import BCA_DIFFERING, BCA_UNITS, FEWEST_CLUSTERS, clopper_pearson, exact_lower
from evals.stats.sample import Sample, sample_of
from evals.stats.worst_row import worst_row_chance

Direction = Literal["at_least", "at_most"]
MOST_ROWS = 10_000_000
"""Beyond this the answer is "never"."""


def fewest_rows(threshold: float, alpha: float, direction: Direction = "at_least") -> int | None:
    """The rows with which a perfect score would meet the threshold at one-sided `alpha`; None when
    no number of rows would (at least 1, or at most 0)."""
    share = threshold if direction == "at_least" else 1 - threshold
    if share >= 1:
        return None
    if share <= 0:
        return 1
    return max(1, math.ceil(math.log(alpha) / math.log(share) - 1e-9))


def most_failures(n: int, threshold: float, alpha: float, direction: Direction = "at_least") -> int | None:
    """The most rows of `n` that may be wrong (0/1 scores) with the threshold still met; None when
    even none of them may."""
    share = threshold if direction == "at_least" else 1 - threshold

    def met(failures: int) -> bool:
        return clopper_pearson(n - failures, n, alpha) >= share

    if n < 1 or not met(0):
        return None
    return first_that(lambda wrong: wrong > n or not met(wrong), 1, n + 1, n + 1) - 1


def needed_rows(
    value: float, threshold: float, alpha: float, direction: Direction = "at_least"
) -> int | None:
    """The rows with which 0/1 scores of this share would meet the threshold at one-sided `alpha`:
    the smallest n whose exact bound with k = value * n reaches it. None when the value is not on
    the right side of the threshold, or more than ten million rows would be needed."""
    if direction == "at_most":
        value, threshold = 1 - value, 1 - threshold
    if value <= threshold:
        return None
    found = first_that(lambda n: clopper_pearson(value * n, n, alpha) >= threshold, 1, 64, MOST_ROWS)
    return found if found <= MOST_ROWS else None


def rows_to_settle(sample: Sample, threshold: float, alpha: float, direction: Direction) -> int | None:
    """As `needed_rows`, for more rows with the mix of scores that was observed: graded scores of
    little spread need fewer, and rows in groups come with their groups. None as there, and for a
    sample without rows."""
    if direction == "at_most":
        sample, threshold = sample.mirror, -threshold
    value = sample.value
    if value is None or value <= threshold:
        return None

    def met(rows: int) -> bool:
        copies = rows / sample.n
        units = sample.clusters * copies
        if sample.clustered and units < FEWEST_CLUSTERS:
            return False
        few = units < BCA_UNITS or sample.differing * copies < BCA_DIFFERING
        if (sample.binary or few) and exact_lower(sample, alpha, copies) < threshold:
            return False
        return sample.binary or worst_row_chance(sample, threshold, copies) <= alpha

    found = first_that(met, 1, 64, MOST_ROWS)
    return found if found <= MOST_ROWS else None


def pairs_to_settle(
    changes: Sequence[float], threshold: float, alpha: float, groups: Sequence[Hashable] | None = None
) -> int | None:
    """The rows with the observed mix of paired differences, each in [-1, 1], that would bring the lower
    bound of their mean above `threshold` at one-sided `alpha` (`evals.stats.paired`: the bound with
    one unseen worst row). None when the mean is not above it, or ten million rows would not do."""
    sample = sample_of(changes, groups, floor=-1.0)
    if sample.value is None or sample.value <= threshold:
        return None

    def shown(rows: int) -> bool:
        return worst_row_chance(sample, threshold, rows / sample.n) < alpha

    found = first_that(shown, 1, 64, MOST_ROWS)
    return found if found <= MOST_ROWS else None


def first_that(holds: Callable[[int], bool], low: int, high: int, most: int) -> int:
    """The smallest number from `low` for which it holds, by doubling and halving; most + 1 if none."""
    while not holds(high):
        if high >= most:
            return most + 1
        low, high = high + 1, min(high * 4, most)
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return high
