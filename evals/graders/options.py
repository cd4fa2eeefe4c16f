"""Checks of option values, so that a wrong one is named when the task is read."""

from __future__ import annotations

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
