"""Two approaches, right or wrong on the same rows: only the rows on which they disagree speak.

McNemar's exact test asks whether the disagreements fall to both sides like fair coins; the mid-p form
counts half of the observed outcome, which is less cautious and only reported. Tango's interval is of
the difference of the two shares itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scipy.optimize import brentq
from scipy.stats import binom, norm

from evals.types import Interval


@dataclass(frozen=True)
class Discordant:
    """Of `n` rows, on how many only the first approach was right (`better`), or only the second."""

    better: int
    worse: int
    n: int

    @property
    def exact(self) -> float:
        """Two-sided p of McNemar's exact test: that as many or more disagreements fall to one side."""
        return min(1.0, 2 * min(self.exact_better, Discordant(self.worse, self.better, self.n).exact_better))

    @property
    def exact_better(self) -> float:
        """One-sided p of the exact test of "the first is no better": what gates."""
        return float(binom.sf(self.better - 1, self.better + self.worse, 0.5))

    @property
    def mid_p(self) -> float:
        """Two-sided mid-p: the outcome itself counts half (Fagerland, Lydersen and Laake 2013)."""
        few, tosses = min(self.better, self.worse), self.better + self.worse
        return min(1.0, float(2 * binom.cdf(few, tosses, 0.5) - binom.pmf(few, tosses, 0.5)))


def discordant(first: Sequence[float], second: Sequence[float]) -> Discordant:
    """Counts of the rows on which two approaches disagree; scores must be 0 or 1. Raises ValueError
    for others, and when the lengths differ."""
    pairs = list(zip(first, second, strict=True))
    if not all(score in (0, 1) for pair in pairs for score in pair):
        raise ValueError("McNemar's test and Tango's interval are of scores of 0 and 1")
    return Discordant(sum(a > b for a, b in pairs), sum(a < b for a, b in pairs), len(pairs))


def tango(rows: Discordant, level: float) -> Interval:
    """Tango's score interval of the difference of two shares on the same rows (Stat. Med. 1998, 17:891):
    the differences that the score test would not reject."""
    if not rows.n:
        return Interval(None, None, None, 0, 0, level)
    z, value = float(norm.ppf((1 + level) / 2)), (rows.better - rows.worse) / rows.n
    low = _end(lambda gap: score_statistic(rows, gap) - z, -1.0, value)
    high = _end(lambda gap: score_statistic(rows, gap) + z, value, 1.0)
    return Interval(value, low, high, rows.n, rows.n, level)


def score_statistic(rows: Discordant, gap: float) -> float:
    """Tango's standardised score of "the difference is `gap`"; at 0 it is McNemar's (better - worse) /
    sqrt(better + worse). The nuisance share is its maximum likelihood estimate under that."""
    n, away = rows.n, rows.better - rows.worse - rows.n * gap
    linear = (2 * n - rows.better + rows.worse) * gap - rows.better - rows.worse
    constant = -rows.worse * gap * (1 - gap)
    only_second = (math.sqrt(max(linear**2 - 8 * n * constant, 0.0)) - linear) / (4 * n)
    variance = n * (2 * only_second + gap * (1 - gap))
    if variance <= 1e-15:
        return 0.0 if abs(away) < 1e-12 else math.copysign(math.inf, away)
    return away / math.sqrt(variance)


def _end(beyond: Callable[[float], float], low: float, high: float) -> float:
    """Where the statistic crosses its limit; the end of the scale where it does not."""
    at = (low + 1e-12, high - 1e-12)
    if low >= high or beyond(at[0]) * beyond(at[1]) > 0:
        return low if low == -1.0 else high
    return float(brentq(beyond, *at, xtol=1e-12))
