"""Figures as people read them: scores, differences, money, seconds, counts, by what they measure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

NOTHING = "–"
_DIGITS = (2, 3, 4)
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


def unit(metric: str) -> str:
    """What a metric is counted in: "seconds", "usd", "tokens" or "score"."""
    if re.fullmatch(r"p\d+_seconds", metric):
        return "seconds"
    if metric.startswith("usd_"):
        return "usd"
    return "tokens" if metric.startswith("tokens_") else "score"


def figure(metric: str, value: float | None, digits: int = 2) -> str:
    """One value in its metric's unit; scores with `digits` decimals."""
    if value is None:
        return NOTHING
    write = {"seconds": seconds, "usd": usd, "tokens": count}.get(unit(metric))
    return write(value) if write else score(value, digits)


def score(value: float, digits: int = 2) -> str:
    """A score; one more decimal where rounding would show a perfect or an empty one that is not."""
    text = f"{value:.{digits}f}"
    hides = float(text) in (0.0, 1.0) and value != float(text)
    return f"{value:.{digits + 1}f}" if hides and digits < max(_DIGITS) else text


def digits_for(bound: float, *values: float | None) -> int:
    """Decimals that a threshold needs, and that keep each value on its own side of it."""
    for digits in _DIGITS:
        shown = round(bound, digits)
        if shown == bound and all(v is None or v == bound or round(v, digits) != shown for v in values):
            return digits
    return max(_DIGITS)


def interval(metric: str, cell: Mapping[str, Any], digits: int = 2) -> str:
    """ "[0.55, 0.67]", or nothing when no interval is known."""
    if cell.get("low") is None or cell.get("high") is None:
        return ""
    ends = (cell["low"], cell["high"])
    if unit(metric) == "score":
        return "[{}, {}]".format(*(f"{end:.{digits}f}" for end in ends))
    return "[{}, {}]".format(*(figure(metric, end) for end in ends))


def signed(value: float | None, metric: str = "") -> str:
    """A difference with its sign, minus as a minus sign; what is shown as 0 has none."""
    if value is None:
        return NOTHING
    text = figure(metric, abs(value))
    if not re.search("[1-9]", text):
        return figure(metric, 0.0)
    return ("+" if value > 0 else "\u2212") + text


def usd(value: float) -> str:
    """Dollars with three significant figures below 100."""
    if value == 0 or value >= 100:
        return f"${value:,.0f}"
    decimals = 2 if value >= 1 else 3 if value >= 0.1 else 4
    return f"${value:.{decimals}f}" if value >= 0.001 else f"${value:.2g}"


def seconds(value: float) -> str:
    """A duration in the unit that keeps it short."""
    if value < _MINUTE:
        if value == 0:
            return "0 s"
        return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"
    if value < _HOUR:
        return f"{value / _MINUTE:.1f} min"
    return f"{value / _HOUR:.1f} h" if value < _DAY else f"{value / _DAY:.1f} days"


def size(value: float) -> str:
    """Bytes in the binary unit that keeps them short."""
    for unit_name, unit_size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if value >= unit_size:
            return f"{value / unit_size:.3g} {unit_name}"
    return f"{value:.0f} bytes"


def count(value: float) -> str:
    """A count with thousands separators."""
    return f"{value:,.0f}"


def words(key: str) -> str:
    """A key as words: "usd_per_1k" -> "usd per 1k"."""
    return key.replace("_", " ")
