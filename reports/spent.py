"""What a run spent, in a sentence, as the terminal and every format show it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports import figures


def spent_sentence(decision: Mapping[str, Any]) -> str:
    """ "36 calls, 1,204 tokens in, 36 out, $0.12, 3.0 min; the budget: 50 calls"; "" where nothing was
    counted."""
    spent: Mapping[str, Any] = decision.get("spent") or {}
    if not spent:
        return ""
    calls, cached = int(spent.get("calls") or 0), int(spent.get("cached") or 0)
    parts = [_calls(calls)]
    parts += [f"{figures.count(cached)} answers known from before"] if cached else []
    read, written = (figures.count(spent.get(key) or 0) for key in ("tokens_in", "tokens_out"))
    parts += [f"{read} tokens in, {written} out"]
    parts += [figures.usd(float(spent["usd"]))] if spent.get("usd") is not None else []
    parts.append(figures.seconds(60 * float(spent.get("minutes") or 0)))
    budget: Mapping[str, Any] = spent.get("budget") or {}
    allowed = [_allowed(key, float(value)) for key, value in budget.items()]
    return ", ".join(parts) + (f"; the budget: {', '.join(allowed)}" if allowed else "")


def _allowed(key: str, value: float) -> str:
    if key == "usd":
        return figures.usd(value)
    return _calls(value) if key == "calls" else f"{value:g} min"


def _calls(count: float) -> str:
    return f"{figures.count(count)} {'call' if count == 1 else 'calls'}"
