"""What asking judges took, counted apart from what the approaches cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evals.task import Prices, Task
from evals.types import Json, Measured, Score, Usage


def judgements(task: Task, measured: Sequence[Measured]) -> dict[str, Json]:
    """Per grader that asked a judge: verdicts asked for, how many could not be read, calls, tokens and,
    where the judge's prices are named, dollars. Empty without judges."""
    found: dict[str, list[Score]] = {}
    for approach in measured:
        for rows in approach.rows.values():
            for row in rows:
                for name, score in row.scores.items():
                    if score.usage is not None:
                        found.setdefault(name, []).append(score)
    prices = task.judge.prices if task.judge else Prices()
    return {name: _figures(scores, prices) for name, scores in found.items()}


def _figures(scores: Sequence[Score], prices: Prices) -> dict[str, Json]:
    usage = sum((score.usage for score in scores if score.usage), Usage())
    usd = None
    if prices.input_per_million is not None or prices.output_per_million is not None:
        paid = usage.tokens_in * (prices.input_per_million or 0)
        paid += usage.tokens_out * (prices.output_per_million or 0)
        usd = float(f"{paid / 1e6:.6g}")
    return {
        "verdicts": len(scores),
        "unread": sum(not score.judged for score in scores),
        "calls": usage.calls,
        "tokens_in": usage.tokens_in,
        "tokens_out": usage.tokens_out,
        "usd": usd,
    }


def sentences(found: Mapping[str, Json]) -> list[str]:
    """The same in words, a line a judge."""
    lines = []
    for name, figures in found.items():
        assert isinstance(figures, dict)
        usd = "" if figures["usd"] is None else f", ${figures['usd']:.4g}"
        unread = figures["unread"]
        apart = f"; {unread} could not be read and count neither as right nor as wrong" if unread else ""
        lines.append(
            f"{name}: {figures['verdicts']} verdicts of the judge took {figures['calls']} calls, "
            f"{figures['tokens_in']:,} tokens in and {figures['tokens_out']:,} out{usd}, "
            f"in no cost of an approach{apart}"
        )
    return lines
