"""Two approaches on one metric, row by row: the difference with its interval, and what missing rows could do.

Rows are paired by id and repeat. Everything is "first minus second". Shares are compared by pairs
(`evals.stats.paired`); tokens and money by the mean difference a row; latencies, which are timed on
requests of their own, and the price of an accepted output by their values alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evals.failures import grader_of
from evals.metrics import Pricing, amount, is_amount, is_unjudged, ranking_score, row_amount, unit_of
from evals.ranking import ranking
from evals.stats.bounds import mean_interval
from evals.stats.mcnemar import discordant
from evals.stats.paired import difference, pooled_difference
from evals.stats.permutation import sign_flip_two_sided
from evals.stats.power import pairs_to_settle
from evals.types import Interval, Measured, Row

Pair = tuple[Row, Row]
Counts = tuple[float, float]
NOTHING: Counts = (0.0, 0.0)


@dataclass(frozen=True)
class Contrast:
    """A metric of two approaches on the same rows. `first` and `second` are their values on the rows
    that both answered, `difference` is first minus second; on `better` rows the first has the higher
    score, on `worse` the second. `missing` pairs lack an answer: `lowest` and `highest` are the
    interval when all of them speak against, or for, the first. `p` is the two-sided p of `test`
    ("McNemar" or "sign flips"), for showing."""

    metric: str
    first: float | None
    second: float | None
    difference: Interval
    better: int = 0
    worse: int = 0
    missing: int = 0
    lowest: Interval | None = None
    highest: Interval | None = None
    p: float | None = None
    test: str = ""


def paired(first: Sequence[Row], second: Sequence[Row]) -> list[Pair]:
    """The rows that both have, in the order of the first, whether or not they were answered."""
    theirs = {_key(row): row for row in second}
    return [(row, theirs[_key(row)]) for row in first if _key(row) in theirs]


def _key(row: Row) -> tuple[str, int]:
    return row.example.id, row.prediction.repeat


def share_contrast(metric: str, pairs: Sequence[Pair], level: float) -> Contrast:
    """The contrast of a metric in [0, 1]; each end of its intervals errs at (1 - level) / 2."""
    speaking = [pair for pair in pairs if not (ranking(metric) and not pair[0].example.gold_doc_ids)]
    whole = [pair for pair in speaking if not _lacks(metric, pair)]
    lost = [pair for pair in speaking if _lacks(metric, pair)]
    own = _own_scores(metric, whole)
    table = own if own is not None else [(_counts(metric, a), _counts(metric, b)) for a, b in whole]
    groups = [unit_of(pair[0]) for pair in whole]
    found = _interval(table, level, groups)
    sums = [_value([side[place] for side in table]) for place in (0, 1)]
    contrast = Contrast(metric, sums[0], sums[1], found, missing=len(lost))
    changes = [_rate(a) - _rate(b) for a, b in table]
    contrast = replace(contrast, better=sum(c > 0 for c in changes), worse=sum(c < 0 for c in changes))
    if lost:
        most = max((den for pair in table for _, den in pair), default=1.0) or 1.0
        units = [*groups, *(unit_of(pair[0]) for pair in lost)]
        against = [_resolved(metric, pair, most, hopeful=False) for pair in lost]
        hopeful = [_resolved(metric, pair, most, hopeful=True) for pair in lost]
        contrast = replace(
            contrast,
            lowest=_interval([*table, *against], level, units),
            highest=_interval([*table, *hopeful], level, units),
        )
    return _tested(contrast, own, groups)


def _tested(
    contrast: Contrast, own: list[tuple[Counts, Counts]] | None, groups: list[tuple[str, str]]
) -> Contrast:
    """With the p value of McNemar's test for right or wrong rows, of sign flips for other scores."""
    if not own:
        return contrast
    first, second = [a for (a, _), _ in own], [b for _, (b, _) in own]
    if len(set(groups)) == len(groups) and {*first, *second} <= {0.0, 1.0}:
        return replace(contrast, p=discordant(first, second).exact, test="McNemar")
    changes = [a - b for a, b in zip(first, second, strict=True)]
    return replace(contrast, p=sign_flip_two_sided(changes, groups), test="sign flips")


def _lacks(metric: str, pair: Pair) -> bool:
    """Whether one of the two has no answer, or no verdict of a judge that could be read."""
    return metric != "error_rate" and any(_missing(metric, row) for row in pair)


def _missing(metric: str, row: Row) -> bool:
    return row.failure == "error" or is_unjudged(metric, row)


def _own_scores(metric: str, pairs: Sequence[Pair]) -> list[tuple[Counts, Counts]] | None:
    """Each row's own scores; None where only the pool has one."""
    scores = [(own_score(metric, a), own_score(metric, b)) for a, b in pairs]
    found = [((a, 1.0), (b, 1.0)) for a, b in scores if a is not None and b is not None]
    return found if len(found) == len(scores) else None


def own_score(metric: str, row: Row) -> float | None:
    """A row's own score in [0, 1] of a metric; None where only the pool has one."""
    if metric == "error_rate":
        return float(row.failure == "error")
    if (ranked := ranking_score(metric, row)) is not None:
        return ranked
    return row.scores[metric].value if metric in row.scores else None


def _counts(metric: str, row: Row) -> Counts:
    """A row's numerator and denominator of a pooled part; none of either where it does not occur."""
    grader = grader_of(metric, list(row.scores))
    return NOTHING if grader is None else row.scores[grader].counts.get(metric[len(grader) + 1 :], NOTHING)


def _resolved(metric: str, pair: Pair, weight: float, *, hopeful: bool) -> tuple[Counts, Counts]:
    """A pair that lacks an answer, with the missing one right or wrong as it suits the first."""

    def known(row: Row, if_missing: float) -> Counts:
        if _missing(metric, row):
            return (if_missing * weight, weight)
        score = own_score(metric, row)
        return (score, 1.0) if score is not None else _counts(metric, row)

    return known(pair[0], float(hopeful)), known(pair[1], float(not hopeful))


def _interval(
    table: Sequence[tuple[Counts, Counts]], level: float, groups: Sequence[tuple[str, str]]
) -> Interval:
    first, second = [a for a, _ in table], [b for _, b in table]
    if all(den == 1.0 for pair in table for _, den in pair):
        return difference([num for num, _ in first], [num for num, _ in second], level, groups)
    return pooled_difference(first, second, level, groups)


def _value(counts: Sequence[Counts]) -> float | None:
    total = sum(den for _, den in counts)
    return sum(num for num, _ in counts) / total if total else None


def _rate(counts: Counts) -> float:
    return counts[0] / counts[1] if counts[1] else 0.0


def rows_to_settle_difference(
    metric: str, pairs: Sequence[Pair], margin: float, alpha: float, *, higher_is_better: bool = True
) -> int | None:
    """How many pairs of the observed mix would show that the first is not worse by `margin`, or, where
    it is, that it is worse at all, at one-sided `alpha`; None where no number would, for a pooled
    metric, and without rows."""
    whole = [pair for pair in pairs if not _lacks(metric, pair)]
    own = _own_scores(metric, whole)
    if not own:
        return None
    sign = 1.0 if higher_is_better else -1.0
    changes = [sign * (a[0] - b[0]) for a, b in own]
    groups = [unit_of(pair[0]) for pair in whole]
    if sum(changes) / len(changes) > -margin:
        return pairs_to_settle(changes, -margin, alpha, groups)
    return pairs_to_settle([-change for change in changes], 0.0, alpha, groups)


def amount_contrast(
    metric: str, first: Measured, second: Measured, pairs: Sequence[Pair], task: Pricing, level: float
) -> Contrast:
    """The contrast of latency, tokens or money: values, with an interval of the mean difference a row
    where the metric is a mean over rows. For showing: amounts are decided on their values."""
    if not is_amount(metric):
        raise ValueError(f"{metric} is no amount")
    whole = [pair for pair in pairs if not _lacks(metric, pair)]
    both = [
        (mine, theirs)
        for a, b in whole
        if (mine := row_amount(metric, a, first, task)) is not None
        and (theirs := row_amount(metric, b, second, task)) is not None
    ]
    if both:
        found = mean_interval([a - b for a, b in both], level)
        values = [sum(side) / len(both) for side in zip(*both, strict=True)]
        better, worse = sum(a > b for a, b in both), sum(a < b for a, b in both)
        return Contrast(metric, values[0], values[1], found, better, worse, len(pairs) - len(whole))
    of = [
        amount(metric, m, [pair[place] for pair in pairs], task, level)
        for place, m in enumerate((first, second))
    ]
    gap = None if of[0].value is None or of[1].value is None else of[0].value - of[1].value
    n = min(of[0].n, of[1].n)
    return Contrast(metric, of[0].value, of[1].value, Interval(gap, None, None, n, n, level))
