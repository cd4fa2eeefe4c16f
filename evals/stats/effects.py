"""Before anything is run: the chance that a true effect will be shown, the rows that takes, and the
smallest effect that given rows can show.

Scores of 0 and 1 by the binomial law of the exact bound; disagreements of two approaches by that of
McNemar's exact test; graded scores and differences against a margin by the normal law, with the one
unseen worst unit that the gating bound adds. Rows in groups count as rows / design effect, and the
unseen unit is then a group.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import beta, binom, norm

from evals.stats.bounds import FEWEST_CLUSTERS
from evals.stats.power import MOST_ROWS, first_that

POWER = 0.8
SAWTOOTH = 20_000
"""Beyond this many rows the chance hardly goes down again when a row is added."""
MOST_PAIRS = 100_000


@dataclass(frozen=True)
class Grouping:
    """How rows will come: `size` rows a group, alike by `icc`; sizes may vary by `spread` (their
    standard deviation over their mean: Eldridge, Ashby and Kerry 2006)."""

    size: float = 1.0
    icc: float = 0.0
    spread: float = 0.0

    def __post_init__(self) -> None:
        if self.size < 1 or not 0 <= self.icc <= 1 or self.spread < 0:
            raise ValueError(f"no such groups: {self}")

    @property
    def effect(self) -> float:
        """The design effect: rows in groups over rows alone that say as much."""
        return max(1.0, 1 + (self.size * (1 + self.spread**2) - 1) * self.icc)


ALONE = Grouping()


def fewest_right(n: int, threshold: float, alpha: float) -> int:
    """The fewest of n rows that must be right for the exact bound to reach the threshold; n + 1 when
    not even all of them would do."""
    return int(binom.isf(alpha, n, threshold)) + 1


def chance_share(truth: float, n: int, threshold: float, alpha: float, grouping: Grouping = ALONE) -> float:
    """The chance that n rows of 0/1 scores show "at least `threshold`" when the true share is `truth`."""
    if grouping.size > 1:
        return chance_mean(truth, _spread(truth), n, threshold, alpha, grouping=grouping)
    return float(binom.sf(fewest_right(n, threshold, alpha) - 1, n, truth))


def detectable_share(
    n: int, threshold: float, alpha: float, power: float = POWER, grouping: Grouping = ALONE
) -> float | None:
    """The smallest true share that n rows show to be at least `threshold` with chance `power`; None
    when even a perfect one could not be shown."""
    if grouping.size > 1:
        return _least(lambda truth: chance_share(truth, n, threshold, alpha, grouping) - power, threshold)
    right = fewest_right(n, threshold, alpha)
    return None if right > n else float(beta.ppf(power, right, n - right + 1))


def rows_for_share(
    truth: float, threshold: float, alpha: float, power: float = POWER, grouping: Grouping = ALONE
) -> int | None:
    """The rows from which on the chance never falls below `power` again (it goes up and down by whole
    rows); None when the truth is not above the threshold, or ten million rows would not do."""
    if truth <= threshold:
        return None
    if grouping.size > 1:
        return rows_for_mean(truth, _spread(truth), threshold, alpha, power, grouping=grouping)

    def chances(n: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray(binom.sf(binom.isf(alpha, n, threshold), n, truth))

    some = first_that(lambda n: bool(chances(np.array([n]))[0] >= power), 1, 64, MOST_ROWS)
    if some > MOST_ROWS:
        return None
    if some <= SAWTOOTH:
        around = np.arange(2 * some + 200)
        some = int(np.flatnonzero(chances(around) < power)[-1]) + 1
    return some


def chance_mean(
    truth: float,
    spread: float,
    n: float,
    threshold: float,
    alpha: float,
    floor: float = 0.0,
    grouping: Grouping = ALONE,
) -> float:
    """The chance that n rows show a mean of at least `threshold` when scores of no less than `floor`
    have the mean `truth` and the standard deviation `spread`.

    For a paired difference the floor is -1 and the threshold minus the margin (0 for superiority);
    `spread` is then that of the differences, for 0/1 scores sqrt(disagreeing share - truth^2).
    """
    if grouping.size > 1 and n < FEWEST_CLUSTERS * grouping.size:
        return 0.0
    units = n / grouping.size
    error = spread * math.sqrt(grouping.effect / n)

    def bound(value: float) -> float:
        """With one more unit at the floor: its mean less z times its spread."""
        gap = (value - floor) / (units + 1)
        inside = math.sqrt((units / (units + 1)) ** 2 * error**2 + gap**2)
        return value - gap - float(norm.isf(alpha)) * inside

    if bound(truth + 20 * error + 1) < threshold:
        return 0.0
    needed = float(brentq(lambda value: bound(value) - threshold, threshold - 1, truth + 20 * error + 1))
    if error == 0:
        return float(truth >= needed)
    return float(norm.sf((needed - truth) / error))


def rows_for_mean(
    truth: float,
    spread: float,
    threshold: float,
    alpha: float,
    power: float = POWER,
    floor: float = 0.0,
    grouping: Grouping = ALONE,
) -> int | None:
    """The fewest rows with which `chance_mean` reaches `power`; None when none would."""
    if truth <= threshold:
        return None

    def enough(n: int) -> bool:
        return chance_mean(truth, spread, n, threshold, alpha, floor, grouping) >= power

    least = FEWEST_CLUSTERS * grouping.size if grouping.size > 1 else 2
    found = first_that(enough, math.ceil(least), math.ceil(64 * grouping.size), MOST_ROWS)
    return found if found <= MOST_ROWS else None


def detectable_mean(
    spread: float,
    n: float,
    threshold: float,
    alpha: float,
    power: float = POWER,
    floor: float = 0.0,
    grouping: Grouping = ALONE,
) -> float | None:
    """The smallest true mean that n rows show to be at least `threshold` with chance `power`; None
    when none up to 1 is."""

    return _least(
        lambda truth: chance_mean(truth, spread, n, threshold, alpha, floor, grouping) - power, threshold
    )


def _least(surplus: Callable[[float], float], threshold: float) -> float | None:
    """Where the chance reaches the wanted power, from the threshold to 1; None where it does not."""
    return float(brentq(surplus, threshold, 1.0, xtol=1e-6)) if surplus(1.0) >= 0 else None


def _spread(share: float) -> float:
    return math.sqrt(share * (1 - share))


def chance_difference(gain: float, disagree: float, n: int, alpha: float) -> float:
    """The chance that n rows of 0/1 scores show one approach better than another, by McNemar's exact
    test at one-sided `alpha`, when they disagree on the share `disagree` of rows and the true gain is
    `gain`. Raises ValueError when the gain is larger than the disagreement."""
    if not 0 <= abs(gain) <= disagree <= 1:
        raise ValueError(f"a gain of {gain} takes at least as much disagreement, not {disagree}")
    if disagree == 0:
        return 0.0
    tosses = np.arange(n + 1)
    better = binom.isf(alpha, tosses, 0.5) + 1
    shown = binom.sf(better - 1, tosses, (disagree + gain) / (2 * disagree))
    return float(binom.pmf(tosses, n, disagree) @ shown)


def detectable_difference(
    n: float, disagree: float, alpha: float, power: float = POWER, grouping: Grouping = ALONE
) -> float | None:
    """The smallest true gain that n rows show with chance `power` as in `chance_difference`; None when
    even one approach alone being right on all disagreements is too little."""
    rows = int(n / grouping.effect)
    if disagree <= 0 or chance_difference(disagree, disagree, rows, alpha) < power:
        return None
    return float(brentq(lambda g: chance_difference(g, disagree, rows, alpha) - power, 0, disagree))


def rows_for_difference(
    gain: float, disagree: float, alpha: float, power: float = POWER, grouping: Grouping = ALONE
) -> int | None:
    """The fewest rows with which `chance_difference` reaches `power`; None without a gain, or when
    more than a hundred thousand rows alone would be needed."""
    if gain <= 0:
        return None
    found = first_that(lambda n: chance_difference(gain, disagree, n, alpha) >= power, 1, 64, MOST_PAIRS)
    return math.ceil(found * grouping.effect) if found <= MOST_PAIRS else None


def asymptotic_difference(n: float, disagree: float, alpha: float, power: float = POWER) -> float:
    """The gain that McNemar's test without exactness detects at one-sided `alpha` (Connor 1987): what
    is usually quoted. The exact test takes a little more."""
    z, reach = float(norm.isf(alpha)), float(norm.ppf(power))

    def short(gain: float) -> float:
        return gain * math.sqrt(n) - z * math.sqrt(disagree) - reach * math.sqrt(disagree - gain**2)

    top = math.sqrt(disagree)
    return float(brentq(short, 0.0, top)) if short(top) > 0 else top


def rows_for_quantile(share: float, alpha: float) -> int:
    """The fewest measurements of which the largest is an upper bound of the quantile at one-sided
    `alpha` (order statistics): 59 for p95 at 0.05. Raises ValueError outside (0, 1)."""
    if not (0 < share < 1 and 0 < alpha < 1):
        raise ValueError(f"a quantile and an error lie between 0 and 1, not {share} and {alpha}")
    return math.ceil(math.log(alpha) / math.log(share) - 1e-9)
