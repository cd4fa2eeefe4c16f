"""A metric's value out of an approach's rows, and the sample that its bounds are taken of.

`grader` is the mean of that grader's score over rows, `grader.part` the pooled sum of numerators
over denominators; both, `error_rate` and what is said of a ranking (recall@k, mrr, ndcg@10) lie in
[0, 1] and are judged by bounds. Latency, tokens and money are amounts: they are decided on the
measured value, because they can be measured again.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from evals.failures import grader_of
from evals.prices import Rates, usd
from evals.ranking import SHOWN, ranking
from evals.stats.bounds import interval, mean_interval, quantile_interval
from evals.stats.sample import Sample, sample_of
from evals.types import Interval, Json, Measured, ModelRef, Requirement, Row, Split

LATENCY = {"p50_seconds": 0.50, "p95_seconds": 0.95, "p99_seconds": 0.99}
PREFERENCE = "preference_accuracy"
FORGETTING = "forgetting_loss"
MEANS = ("tokens_in", "tokens_out", "usd_per_1k", "usd_per_1k_accepted")


class Pricing(Protocol):
    """The part of a task that says what calls cost."""

    @property
    def prices(self) -> Rates: ...
    @property
    def model(self) -> ModelRef: ...


@dataclass(frozen=True)
class Evidence:
    """A metric's units: as scored, and with every missing row counted wholly wrong or wholly right.
    `unjudged` of the missing rows have an answer, and a judge's verdict that could not be read."""

    present: Sample
    all_wrong: Sample
    all_right: Sample
    missing: int
    unjudged: int = 0


def is_amount(metric: str) -> bool:
    """Whether a metric is decided on its measured value: latency, tokens, money, and what was forgotten."""
    return metric in LATENCY or metric in MEANS or metric == FORGETTING


def label(requirement: Requirement) -> str:
    """The requirement's metric with its slice: "exact where lang=de"."""
    return requirement.metric + _slice(requirement.where)


def sentence(requirement: Requirement) -> str:
    """The requirement with its threshold and its slice: "exact ≥ 0.9 where lang=de"."""
    return requirement.sentence() + _slice(requirement.where)


def _slice(where: Mapping[str, Json]) -> str:
    return " where " + ", ".join(f"{key}={value}" for key, value in where.items()) if where else ""


def in_slice(rows: Sequence[Row], where: Mapping[str, Json]) -> list[Row]:
    """The rows whose fields have the wanted values; a list asks for any one of its values."""
    return [row for row in rows if all(_wanted(row.example.fields.get(k), v) for k, v in where.items())]


def _wanted(value: Json, want: Json) -> bool:
    return value in want if isinstance(want, list) and not isinstance(value, list) else value == want


def evidence(metric: str, rows: Sequence[Row], unpredicted: int = 0) -> Evidence:
    """The samples of a metric in [0, 1] over rows; `unpredicted` rows should be there and are not.

    A row in error has no score and is missing, except for `error_rate`, which counts it. Rows without
    the pooled part, or without gold ids for a ranking, say nothing about it. Raises ValueError when a
    grader left out a row that has an answer.
    """
    groups, pairs = _pairs(metric, rows)
    unread = [row for row in rows if is_unjudged(metric, row)]
    lost = [row for row in rows if row.failure == "error" and _speaks(metric, row)] + unread
    missing = len(lost) + unpredicted
    present = sample_of(pairs, groups)
    if not missing:
        return Evidence(present, present, present, 0)
    absent: list[Hashable] = [*map(unit_of, lost), *(("unpredicted", i) for i in range(unpredicted))]
    weight = max((den for _, den in pairs), default=1.0) or 1.0
    return Evidence(
        present,
        sample_of(pairs + [(0.0, weight)] * missing, groups + absent),
        sample_of(pairs + [(weight, weight)] * missing, groups + absent),
        missing,
        len(unread),
    )


def is_unjudged(metric: str, row: Row) -> bool:
    """Whether a judge's verdict on this row could not be read, so that the metric lacks it."""
    if all(score.judged for score in row.scores.values()):
        return False
    score = row.scores.get(grader_of(metric, list(row.scores)) or "")
    return score is not None and not score.judged and row.failure != "error"


def _speaks(metric: str, row: Row) -> bool:
    """Whether a row in error is missing from a metric."""
    return bool(row.example.gold_doc_ids) if ranking(metric) else metric != "error_rate"


def _pairs(metric: str, rows: Sequence[Row]) -> tuple[list[Hashable], list[tuple[float, float]]]:
    if metric == "error_rate":
        return [unit_of(row) for row in rows], [(float(row.failure == "error"), 1.0) for row in rows]
    if ranking(metric):
        ranked = [(row, value) for row in rows if (value := ranking_score(metric, row)) is not None]
        return [unit_of(row) for row, _ in ranked], [(value, 1.0) for _, value in ranked]
    graders = list(dict.fromkeys(name for row in rows for name in row.scores))
    grader = grader_of(metric, graders)
    groups: list[Hashable] = []
    pairs: list[tuple[float, float]] = []
    for row in rows if grader is not None else ():
        if row.failure == "error":
            continue
        score = row.scores.get(grader or "")
        if score is None:
            raise ValueError(f"row {row.example.id} has an answer but no score of {grader}")
        if not score.judged:
            continue
        pair = (score.value, 1.0) if metric == grader else score.counts.get(metric[len(score.grader) + 1 :])
        if pair is not None:
            groups.append(unit_of(row))
            pairs.append(pair)
    return groups, pairs


def ranking_score(metric: str, row: Row) -> float | None:
    """A row's recall@k, mrr or ndcg@10: 0 where nothing was retrieved, None where no gold ids are known,
    where the row ended in an error, or for any other metric."""
    of, gold = ranking(metric), row.example.gold_doc_ids
    if of is None or not gold or row.failure == "error":
        return None
    return of(row.prediction.sources, gold)


def unit_of(row: Row) -> tuple[str, str]:
    """What rows must share to be no independent evidence: a group, or being repeats of one row."""
    if row.example.group is not None:
        return "group", row.example.group
    return "row", row.example.id


def expected_rows(measured: Measured, split: Split, metric: str = "") -> tuple[Sequence[Row], int]:
    """The rows of a split that say something of a metric, and how many more there should be."""
    if metric == PREFERENCE:
        return measured.pairs.get(split, ()), 0
    rows = measured.rows.get(split, ())
    return rows, max(0, measured.expected.get(split, len(rows)) - len(rows))


def amount(metric: str, measured: Measured, rows: Sequence[Row], task: Pricing, level: float) -> Interval:
    """Latency, tokens, money or forgetting with an interval for showing; the value is None where nothing was
    measured, no price is named, or (per accepted output) no row is right.

    tokens are means per row that has an answer; usd is for 1,000 of them; forgetting is in nats a token.
    """
    if metric in LATENCY:
        return quantile_interval(measured.latency, LATENCY[metric], level)
    if metric == FORGETTING:
        return _forgotten(measured, level)
    answered = [row for row in rows if row.failure != "error"]
    if metric != "usd_per_1k_accepted":
        found = [row_amount(metric, row, measured, task) for row in answered]
        return mean_interval([value for value in found if value is not None], level)
    costs = [row_amount("usd_per_1k", row, measured, task) for row in answered]
    known = [cost for cost in costs if cost is not None]
    if not known:
        return mean_interval(known, level)
    accepted = sum(row.failure is None for row in answered)
    value = sum(known) / accepted if accepted else None
    return Interval(value, None, None, len(known), len(known), level)


def _forgotten(measured: Measured, level: float) -> Interval:
    """By how much the loss on general text rose in training, n passages of it; 0 for a baseline, whose
    weights nothing moved."""
    if measured.kind == "baseline":
        return Interval(0.0, None, None, 0, 0, level)
    found: Any = (measured.training or {}).get("forgetting") or {}
    if found.get("loss") is None:
        return Interval(None, None, None, 0, 0, level)
    passages = found.get("passages") or ()
    tokens = [float(count) for count, _, _ in passages]
    spread = mean_interval([after - before for _, before, after in passages], level, tokens)
    return Interval(float(found["loss"]), spread.low, spread.high, spread.n, spread.n, level)


def row_amount(metric: str, row: Row, measured: Measured, task: Pricing) -> float | None:
    """What one answered row takes of an amount that is a mean over rows: tokens, or dollars for 1,000
    such calls. None for any other amount, and where no price is named."""
    usage = row.prediction.usage
    if metric in ("tokens_in", "tokens_out"):
        return float(usage.tokens_in if metric == "tokens_in" else usage.tokens_out)
    if metric != "usd_per_1k":
        return None
    cost = usd(usage, measured.provider or task.model.provider, task.prices)
    return None if cost is None else 1000 * cost


def grader_metrics(rows: Sequence[Row]) -> list[str]:
    """Every metric that the rows' scores give: each grader, then its pooled parts."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for name, score in row.scores.items():
            found.setdefault(name, {}).update(dict.fromkeys(score.counts))
    return [metric for name, parts in found.items() for metric in (name, *(f"{name}.{p}" for p in parts))]


def figures(
    measured: Measured, split: Split, task: Pricing, wanted: Sequence[Requirement], level: float
) -> dict[str, Interval]:
    """Every metric of an approach on a split, with its interval: what the graders give, how well it
    retrieved where it did and gold ids are known, and what the requirements ask for beyond that,
    slices too."""
    rows, _ = expected_rows(measured, split)
    retrieved = any(row.prediction.sources and row.example.gold_doc_ids for row in rows)
    metrics = [*grader_metrics(rows), *(SHOWN if retrieved else ())]
    found = {metric: interval(evidence(metric, rows).present, level) for metric in metrics}
    for requirement in wanted:
        name = label(requirement)
        mine = in_slice(expected_rows(measured, split, requirement.metric)[0], requirement.where)
        if name in found:
            continue
        if is_amount(requirement.metric):
            found[name] = amount(requirement.metric, measured, mine, task, level)
        else:
            found[name] = interval(evidence(requirement.metric, mine).present, level)
    return found
