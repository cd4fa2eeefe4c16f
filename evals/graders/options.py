"""Checks of option values, so that a wrong one is named when the task is read."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from evals.table import nearest


def flag(name: str, value: Any) -> bool:
    """true or false. Raises ValueError for anything else."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} is true or false, not {value!r}")
    return value


def number(name: str, value: Any, low: float, high: float) -> float:
    """A number above `low` and not above `high`. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low < value <= high:
        raise ValueError(f"{name} is a number above {low:g} and at most {high:g}, not {value!r}")
    return float(value)


def one_of(name: str, value: Any, allowed: Sequence[str]) -> str:
    """One of the words allowed. Raises ValueError with the nearest spelling."""
    if value not in allowed:
        raise ValueError(f"{name} is {' or '.join(allowed)}, not {value!r}.{nearest(str(value), allowed)}")
    return str(value)


def bound(name: str, value: Any, low: float = -1e9) -> float | None:
    """A number from `low` on, or None for no bound. Raises ValueError."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= 1e9:
        least = f" of at least {low:g}" if low > -1e9 else ""
        raise ValueError(f"{name} is a number{least}, not {value!r}")
    return float(value)


def bounds(low: Any, high: Any, least: float = -1e9) -> tuple[float, float]:
    """The options `min` and `max`, of which one may be left out. Raises ValueError."""
    lowest, highest = bound("min", low, least), bound("max", high, least)
    if lowest is None and highest is None:
        raise ValueError("needs min, max or both")
    if lowest is not None and highest is not None and lowest > highest:
        raise ValueError(f"min ({lowest:g}) is above max ({highest:g})")
    return -math.inf if lowest is None else lowest, math.inf if highest is None else highest


def whole(name: str, value: Any, low: int, high: int) -> int:
    """A whole number from `low` to `high`. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} is a whole number from {low} to {high}, not {value!r}")
    return value


def text(name: str, value: Any) -> str:
    """A text that is not empty; a number stands for its digits. Raises ValueError."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = json.dumps(value)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} is a text that is not empty, not {value!r}")
    return value


def texts(name: str, value: Any) -> tuple[str, ...]:
    """A list of texts, none of them empty. Raises ValueError."""
    if not isinstance(value, (list, tuple)) or not value:
        raise ValueError(f"{name} is a list of texts, not {value!r}")
    return tuple(text(f"{name}[{place}]", item) for place, item in enumerate(value))
