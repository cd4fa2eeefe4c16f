"""A difference against a margin: what its interval shows, and nothing that it does not.

Each answer is one bound on one side, so each errs at (1 - level) / 2 of the interval's level.
"""

from __future__ import annotations

from dataclasses import dataclass

from evals.types import Interval


@dataclass(frozen=True)
class Shown:
    """What an interval of "first minus second" shows of the first approach: `superior`, better at
    all; `non_inferior`, not worse by the margin or more; `inferior`, worse at all; `equivalent`,
    neither better nor worse by the margin or more (two one-sided tests, Schuirmann 1987)."""

    superior: bool
    non_inferior: bool
    inferior: bool
    equivalent: bool


def against(difference: Interval, margin: float, *, higher_is_better: bool = True) -> Shown:
    """Compare an interval with a margin, 0 or more. Without its ends nothing is shown. Raises
    ValueError for a margin below 0 or not finite."""
    if not 0 <= margin < float("inf"):
        raise ValueError(f"a margin is 0 or more, not {margin}")
    low, high = difference.low, difference.high
    if not higher_is_better:
        low, high = (None if end is None else -end for end in (high, low))
    superior, inferior = low is not None and low > 0, high is not None and high < 0
    above, below = low is not None and low > -margin, high is not None and high < margin
    return Shown(superior, above, inferior, above and below)
