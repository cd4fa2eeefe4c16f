"""Inline SVG of a learning curve: dev scores by training rows (log), the line through them, and where twice
the rows would lie with its interval. The sentence beside it says the same in words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from reports import figures
from reports.curves import label, tick_of
from reports.plaintext import one_line, visible

_WIDTH, _HEIGHT = 350, 212
_LEFT, _RIGHT, _TOP, _BOTTOM = 36, 326, 30, 170


def learning_plot(curve: Mapping[str, Any]) -> Markup:
    """Every subset as a hollow mark, the forecast filled with its interval; nothing without a forecast."""
    points: Sequence[Sequence[float]] = curve.get("points") or ()
    gain: Mapping[str, Any] | None = curve.get("gain")
    if len(points) < 2 or not gain:
        return Markup("")
    score, value = float(gain["score"]), float(gain["value"])
    low, high = score + float(gain["low"]), score + float(gain["high"])
    means = [float(mean) for _, mean in points]
    frame = _Frame.around([*means, low, high], float(points[0][0]), float(gain["rows"]))
    sizes = sorted({int(rows) for rows, _ in points})
    parts = [frame.grid(str(curve.get("metric") or "score"), sizes, gain["rows"])]
    ahead, now = frame.x(gain["rows"]), frame.x(gain["rows"] / 2)
    parts.append(_line("look", now, frame.y(score), ahead, frame.y(score + value)))
    parts.append(_line("whisker", ahead, frame.y(low), ahead, frame.y(high)))
    for rows, mean in points:
        parts.append(_dot("hollow", frame, rows, mean, f"{figures.count(rows)} rows: {mean:.3f}"))
    told = f"{figures.count(gain['rows'])} rows, forecast: {score + value:.3f} [{low:.3f}, {high:.3f}]"
    parts.append(_dot("solid", frame, gain["rows"], score + value, told))
    words = f"Dev score by training rows. {curve.get('sentence') or ''}"
    return Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        _WIDTH, _HEIGHT, visible(words), Markup("").join(parts)
    )


class _Frame:
    """Rows across on a log scale, scores up between whole ticks."""

    def __init__(self, rows: tuple[float, float], scores: tuple[float, float], tick: float) -> None:
        self.rows, self.scores, self.tick = rows, scores, tick

    @classmethod
    def around(cls, scores: list[float], fewest: float, most: float) -> _Frame:
        tick = tick_of(max(max(scores) - min(scores), 1e-3))
        low = math.floor(min(scores) / tick + 1e-9)
        high = max(math.ceil(max(scores) / tick - 1e-9), low + 1)
        return cls((math.log(max(fewest, 1)), math.log(max(most, 2))), (low * tick, high * tick), tick)

    def x(self, rows: float) -> float:
        share = (math.log(rows) - self.rows[0]) / max(self.rows[1] - self.rows[0], 1e-9)
        return round(_LEFT + 12 + share * (_RIGHT - _LEFT - 24), 1)

    def y(self, score: float) -> float:
        share = (score - self.scores[0]) / (self.scores[1] - self.scores[0])
        return round(_BOTTOM - share * (_BOTTOM - _TOP), 1)

    def grid(self, metric: str, seen: list[int], ahead: int) -> Markup:
        """Both axes: a tick at each size that was tried, and at the one that is forecast."""
        parts = [label(2, 12, f"{one_line(visible(metric), 40)} on dev", "start")]
        for count in range(round((self.scores[1] - self.scores[0]) / self.tick) + 1):
            value = self.scores[0] + count * self.tick
            parts.append(_line("grid", _LEFT, self.y(value), _RIGHT, self.y(value)))
            parts.append(label(_LEFT - 5, self.y(value) + 4, f"{round(value, 9):.3g}", "end"))
        parts.append(_line("axis", _LEFT, _BOTTOM, _RIGHT, _BOTTOM))
        for rows in (*seen, ahead):
            parts.append(_line("axis", self.x(rows), _BOTTOM, self.x(rows), _BOTTOM + 4))
            parts.append(label(self.x(rows), _BOTTOM + 16, figures.count(rows), "middle"))
        parts.append(label(_RIGHT, _HEIGHT - 8, "training rows (log); filled: forecast", "end"))
        return Markup("").join(parts)


def _line(name: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(name, x1, y1, x2, y2)


def _dot(name: str, frame: _Frame, rows: float, score: float, told: str) -> Markup:
    return Markup('<circle class="{}" cx="{}" cy="{}" r="4"><title>{}</title></circle>').format(
        name, frame.x(rows), frame.y(score), told
    )
