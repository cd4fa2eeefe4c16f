"""What the learning curve of a training says: points for a picture, and one sentence on more rows.

More rows help where the interval of the next doubling's gain lies above 0; they will not where it ends below
one point; else the curve cannot tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evals.entries import rounded
from evals.stats.curve import Gain, Subset, next_doubling
from evals.store import read_json, reading

LEARNING = "learning.json"
HELPS = "helps"
WORTH = 0.01
"""A gain below one point is none."""


def learning_curve(home: Path, level: float) -> dict[str, Any] | None:
    """The curve of the approach in `home`, as decision.json carries it; None where none was drawn."""
    path = home / LEARNING
    if not path.is_file():
        return None
    with reading(path):
        kept = read_json(path)
        if "why" in kept:
            return {"points": [], "gain": None, "found": "cannot tell", "sentence": kept["why"]}
        return _told(kept["metric"], kept["parts"], kept["units"], level)


def _told(
    metric: str, parts: Sequence[Mapping[str, Any]], units: Sequence[str], level: float
) -> dict[str, Any]:
    trained = [part for part in parts if part["scores"] is not None]
    gain = next_doubling([Subset(part["rows"], part["scores"]) for part in trained], level, units)
    most = max((part["rows"] for part in trained), default=0)
    points = [[part["rows"], rounded(sum(part["scores"]) / len(part["scores"]))] for part in trained]
    found = judged(gain)
    return {
        "metric": metric,
        "n": len(units),
        "points": sorted(points),
        "failed": [part["why"] for part in parts if part["scores"] is None],
        "gain": None if gain is None else _figures(gain, 2 * most),
        "found": found,
        "sentence": sentence(metric, gain, found, 2 * most),
    }


def _figures(gain: Gain, rows: int) -> dict[str, Any]:
    """The gain that the rows doubled would bring."""
    ends = {"score": gain.score, "value": gain.value, "low": gain.low, "high": gain.high}
    figures = {key: rounded(value) for key, value in ends.items()}
    return {"rows": rows, **figures, "level": rounded(gain.level)}


def judged(gain: Gain | None) -> str:
    """Whether more rows help: "helps", "no use" or "cannot tell"."""
    if gain is None:
        return "cannot tell"
    if gain.low > 0 and gain.value >= WORTH:
        return HELPS
    return "no use" if gain.high < WORTH else "cannot tell"


def sentence(metric: str, gain: Gain | None, found: str, rows: int) -> str:
    """What to expect of `rows` training rows, twice those there are."""
    if gain is None:
        return "the subsets say nothing of what more data would bring"
    ends = f"{_points(gain.value)} [{_points(gain.low)}, {_points(gain.high)}] points of {metric}"
    if found == HELPS:
        return f"with twice the data ({rows} rows) expect {ends}"
    if found == "no use":
        return f"more data will not help: twice the rows ({rows}) bring {ends}"
    return f"cannot tell whether more data helps: twice the rows ({rows}) may bring {ends}"


def _points(share: float) -> str:
    """A difference of shares in points, in as many digits as keep a small one from reading as none."""
    value = 100 * share
    text = f"{abs(value):.0f}" if abs(value) >= 2 else f"{abs(value):.1f}"
    sign = "\u00b1" if float(text) == 0 else "+" if value > 0 else "\u2212"
    return sign + text
