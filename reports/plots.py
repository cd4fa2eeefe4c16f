"""Inline SVG: an interval against its threshold, and quality against cost.

Colours come from classes that the style sheet fills in, so both schemes are served; shape carries
the same meaning (hollow is dominated). Every picture has a text alternative.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from markupsafe import Markup, escape

from reports import figures
from reports.plaintext import one_line, visible
from reports.view import RequirementLine

_BAR_WIDTH, _BAR_HEIGHT = 168, 34
_WIDTH, _HEIGHT = 350, 222
_LEFT, _RIGHT, _TOP, _BOTTOM = 30, 342, 24, 186
_LETTER = 6.1
"""Mean width of a letter in the plot's labels, in its own units."""

_APART = 5
"""How far from its point a name is that is tied to it by a line."""
_TRIED = 24
"""Places of a name, the least crowded ones, for which the line to its point is looked at too."""
_ROUNDS = 3
"""How often places for names are looked for, each time with the others where they were found before."""

Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom."""


@dataclass(frozen=True, slots=True)
class Point:
    """An approach in the plot; `cost` > 0; `low`/`high` the interval of its score."""

    name: str
    cost: float
    score: float
    low: float | None
    high: float | None
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Axes:
    """What the plot's axes measure: `score` and `cost` are metric names, the titles plain words."""

    score: str
    score_title: str
    cost: str
    cost_title: str
    score_bound: float | None = None
    cost_bound: float | None = None


def interval_bar(line: RequirementLine) -> Markup:
    """A requirement's interval as a bar against its threshold, on a scale cut to what matters."""
    if line.value is None:
        return Markup("")
    low = line.low if line.low is not None else line.value
    high = line.high if line.high is not None else line.value
    left, right = _bar_scale(line, low, high)

    def x(value: float) -> float:
        share = (value - left) / (right - left)
        return round(6 + (_BAR_WIDTH - 12) * min(1.0, max(0.0, share)), 1)

    bound, start, end = x(line.bound), x(low), max(x(high), x(low) + 1)
    good = (bound, x(right)) if line.at_least else (x(left), bound)
    return Markup(
        '<svg class="bar bar-{}" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}">'
    ).format(
        "advisory" if line.advisory and line.status != "met" else line.status.replace(" ", "-"),
        *(_BAR_WIDTH, _BAR_HEIGHT) * 2,
        visible(f"{line.observed} {line.interval} against {line.sentence}: {line.status}"),
    ) + Markup(
        '<line class="track" x1="6" x2="{}" y1="10" y2="10"/><rect class="wanted" x="{}" y="5" width="{}" '
        'height="10"/><rect class="span" x="{}" y="7" width="{}" height="6" rx="2"/><circle class="value" '
        'cx="{}" cy="10" r="4.5"/><line class="threshold" x1="{}" x2="{}" y1="1" y2="20"/>{}</svg>'
    ).format(
        *(_BAR_WIDTH - 6, good[0], round(good[1] - good[0], 1), start, round(end - start, 1)),
        *(x(line.value), bound, bound, _bar_labels(line, bound, (left, right))),
    )


def difference_bar(
    value: float | None, low: float | None, high: float | None, reach: float, tone: str
) -> Markup:
    """A paired difference with its interval against 0, on a scale from minus `reach` to plus `reach`."""
    if value is None or low is None or high is None:
        return Markup("")

    def x(at: float) -> float:
        return round(_BAR_WIDTH / 2 + (_BAR_WIDTH / 2 - 6) * max(-1.0, min(1.0, at / reach)), 1)

    words = f"{figures.signed(value)}, from {figures.signed(low)} to {figures.signed(high)}"
    ends = [_text(2.0, 31, f"−{reach:g}", "start"), _text(_BAR_WIDTH - 2.0, 31, f"+{reach:g}", "end")]
    return Markup(
        '<svg class="bar bar-{}" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}">'
        '<line class="track" x1="6" x2="{}" y1="10" y2="10"/><rect class="span" x="{}" y="7" width="{}" '
        'height="6" rx="2"/><circle class="value" cx="{}" cy="10" r="4.5"/><line class="threshold" x1="{}" '
        'x2="{}" y1="1" y2="20"/>{}{}{}</svg>'
    ).format(
        *(tone, *(_BAR_WIDTH, _BAR_HEIGHT) * 2, words, _BAR_WIDTH - 6),
        *(x(low), max(1.0, round(x(high) - x(low), 1)), x(value), x(0), x(0)),
        *(_text(_BAR_WIDTH / 2, 31, "0", "middle"), *ends),
    )


def _bar_scale(line: RequirementLine, low: float, high: float) -> tuple[float, float]:
    """The ends of the scale: round, around the interval and the threshold, inside what can be."""
    first, last = min(low, line.bound), max(high, line.bound)
    if figures.unit(line.metric) == "score" and first >= 0 and last <= 1:
        return max(0.0, math.floor(10 * first - 0.5) / 10), min(1.0, math.ceil(10 * last + 0.5) / 10)
    return 0.0, 1.25 * max(last, 1e-9)


def _bar_labels(line: RequirementLine, bound: float, scale: tuple[float, float]) -> Markup:
    """The threshold under its tick, and the ends of the scale where they do not touch it."""
    digits = figures.digits_for(line.bound, line.value, line.low, line.high)
    text = f"{'≥' if line.at_least else '≤'} {figures.figure(line.metric, line.bound, digits)}"
    half = _LETTER * len(text) / 2
    middle = min(max(bound, half), _BAR_WIDTH - half)
    labels = [_text(round(middle, 1), 31, text, "middle")]
    for end, place, anchor in zip(scale, (2.0, _BAR_WIDTH - 2.0), ("start", "end"), strict=True):
        written = f"{end:g}" if figures.unit(line.metric) == "score" else ""
        if written and abs(place - middle) > half + 8 + _LETTER * len(written):
            labels.append(_text(place, 31, written, anchor))
    return Markup("").join(labels)


def dominated(point: Point, points: Sequence[Point]) -> bool:
    """Whether another approach costs no more, scores no less, and is better in one of the two."""
    return any(
        o.cost <= point.cost and o.score >= point.score and (o.cost, o.score) != (point.cost, point.score)
        for o in points
    )


def cost_plot(points: Sequence[Point], axes: Axes) -> Markup:
    """Score against cost (log). The table of approaches is its text alternative."""
    if len(points) < 2:
        return Markup("")
    frame = _Frame.around(points, axes)
    parts = [frame.grid(axes), frame.thresholds(axes)]
    taken = [box for point in points for box in frame.covered(point)]
    if axes.score_bound is not None:
        parts.append(frame.required(axes.score_bound, taken))
        taken.append((_LEFT, frame.y(axes.score_bound) - 1, _RIGHT, frame.y(axes.score_bound) + 1))
    parts += frame.labels(points, taken)
    parts += [frame.mark(point, dominated(point, points)) for point in points]
    return Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        _WIDTH,
        _HEIGHT,
        visible(f"{axes.score_title} against {axes.cost_title}. The table of approaches has the figures."),
        Markup("").join(parts),
    )


@dataclass(frozen=True, slots=True)
class _Frame:
    """The plot's scales: log cost across, score up."""

    cost: tuple[float, float]
    score: tuple[float, float]

    @classmethod
    def around(cls, points: Sequence[Point], axes: Axes) -> _Frame:
        costs = [p.cost for p in points] + ([axes.cost_bound] if axes.cost_bound else [])
        first, last = math.log10(min(costs)), math.log10(max(costs))
        pad = max(0.12 * (last - first), 0.08)
        scores = [v for p in points for v in (p.low, p.score, p.high) if v is not None]
        scores += [axes.score_bound] if axes.score_bound is not None else []
        low = math.floor(10 * min(scores) - 0.2) / 10
        high = math.ceil(10 * max(scores) + 0.2) / 10
        if figures.unit(axes.score) == "score" and max(scores) <= 1 and min(scores) >= 0:
            low, high = max(0.0, low), min(1.0, high)
        return cls((first - pad, last + pad), (low, max(high, low + 0.1)))

    def x(self, cost: float) -> float:
        share = (math.log10(cost) - self.cost[0]) / (self.cost[1] - self.cost[0])
        return round(_LEFT + share * (_RIGHT - _LEFT), 1)

    def y(self, score: float) -> float:
        share = (score - self.score[0]) / (self.score[1] - self.score[0])
        return round(_BOTTOM - share * (_BOTTOM - _TOP), 1)

    def grid(self, axes: Axes) -> Markup:
        parts = []
        for value in _linear_ticks(*self.score):
            y = self.y(value)
            parts.append(
                Markup('<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(_LEFT, _RIGHT, y, y)
                + _text(_LEFT - 5, y + 4, figures.figure(axes.score, value, 1 if value else 0), "end")
            )
        for value in _log_ticks(*self.cost):
            x = self.x(value)
            parts.append(
                Markup('<line class="axis" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
                    x, x, _BOTTOM, _BOTTOM + 4
                )
                + _text(x, _BOTTOM + 16, _tick(axes.cost, value), "end" if x > _RIGHT - 20 else "middle")
            )
        base = Markup('<line class="axis" x1="{}" x2="{}" y1="{}" y2="{}"/>')
        parts.append(base.format(_LEFT, _RIGHT, _BOTTOM, _BOTTOM))
        parts.append(_text(_RIGHT, _HEIGHT - 4, axes.cost_title, "end"))
        parts.append(_text(2, 11, one_line(axes.score_title, 50), "start"))
        return Markup("").join(parts)

    def thresholds(self, axes: Axes) -> Markup:
        line = Markup('<line class="threshold" x1="{}" x2="{}" y1="{}" y2="{}"/>')
        parts = []
        if axes.score_bound is not None:
            y = self.y(axes.score_bound)
            parts.append(line.format(_LEFT, _RIGHT, y, y))
        if axes.cost_bound:
            x = self.x(axes.cost_bound)
            parts += [line.format(x, x, _TOP, _BOTTOM), _text(x - 4, _TOP + 8, "allowed", "end")]
        return Markup("").join(parts)

    def mark(self, point: Point, hollow: bool) -> Markup:
        x, y = self.x(point.cost), self.y(point.score)
        kind = "hollow" if hollow else "solid"
        title = visible(f"{point.name}: {point.score:.2f}{', dominated' if hollow else ''}")
        dot = Markup('<circle class="{}" cx="{}" cy="{}" r="4.5"><title>{}</title></circle>').format(
            kind, x, y, title
        )
        if point.low is None or point.high is None:
            return dot
        whisker = Markup('<line class="whisker" x1="{}" x2="{}" y1="{}" y2="{}"/>')
        return whisker.format(x, x, self.y(point.low), self.y(point.high)) + dot

    def covered(self, point: Point) -> list[Box]:
        """What a point and its whisker cover."""
        x, y = self.x(point.cost), self.y(point.score)
        boxes = [(x - 6, y - 6, x + 6, y + 6)]
        if point.low is not None and point.high is not None:
            boxes.append((x - 2, self.y(point.high), x + 2, self.y(point.low)))
        return boxes

    def required(self, bound: float, taken: list[Box]) -> Markup:
        """The word on the threshold's line, at the end where it covers less."""
        y, width = self.y(bound), _LETTER * len("required")
        right, left = (_RIGHT - width, y - 14, _RIGHT, y), (_LEFT + 3, y - 14, _LEFT + 3 + width, y)
        at_left = _crowding(left, taken) < _crowding(right, taken)
        taken.append(left if at_left else right)
        return _text(_LEFT + 3 if at_left else _RIGHT, y - 4, "required", "start" if at_left else "end")

    def labels(self, points: Sequence[Point], taken: Sequence[Box]) -> list[Markup]:
        """The names, each where it and the line that ties it to its point cover least of what is drawn: found
        one after the other, and once more with all of them there."""
        drawn: dict[int, tuple[Markup, list[Box]]] = {}
        for _ in range(_ROUNDS):
            for i, point in enumerate(points):
                others = [box for j, (_, boxes) in drawn.items() if j != i for box in boxes]
                drawn[i] = self._label(point, [*taken, *others])
        return [markup for markup, _ in drawn.values()]

    def _label(self, point: Point, taken: Sequence[Box]) -> tuple[Markup, list[Box]]:
        text = one_line(visible(point.name), 24) + (" (chosen)" if point.chosen else "")
        width, x, y = _LETTER * len(text), self.x(point.cost), self.y(point.score)
        places = [
            (x + dx if side == "start" else x - dx, y + dy, side)
            for dx in (8.0, 3.0, 24.0, 48.0)
            for dy in (4.0, -9.0, 17.0, 28.0, *range(-20, -100, -12))
            for side in ("start", "end")
        ]

        def box(place: tuple[float, float, str]) -> Box:
            left = place[0] if place[2] == "start" else place[0] - width
            return left, place[1] - 10, left + width, place[1] + 2

        def worse(place: tuple[float, float, str]) -> float:
            return 4 * _crowding(box(place), taken) + abs(place[1] - y) + 0.5 * abs(place[0] - x)

        def tied(place: tuple[float, float, str]) -> float:
            return worse(place) + 4 * sum(_crowding(one, taken) for one in _along(*_ties((x, y), box(place))))

        best = min(sorted(places, key=worse)[:_TRIED], key=tied)
        name = _text(round(best[0], 1), round(best[1], 1), text, best[2], "name")
        start, end = _ties((x, y), box(best))
        if math.dist(start, end) < _APART:
            return name, [box(best)]
        line = Markup('<line class="leader" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>')
        tie = line.format(start[0], end[0], start[1], end[1])
        return tie + name, [box(best), *_along(start, end)]


def _ties(point: tuple[float, float], box: Box) -> tuple[tuple[float, float], tuple[float, float]]:
    """Where a line from a point's edge to a name's box begins and ends."""
    (x, y), (left, top, right, bottom) = point, box
    end = min(max(x, left), right), min(max(y, top), bottom)
    share = min(1.0, 5 / (math.dist(point, end) or 1.0))
    return (x + share * (end[0] - x), y + share * (end[1] - y)), end


def _along(start: tuple[float, float], end: tuple[float, float]) -> list[Box]:
    """What a line covers, as small boxes."""
    count = max(1, round(math.dist(start, end) / 5))
    places = [[a + (b - a) * i / count for a, b in zip(start, end, strict=True)] for i in range(count + 1)]
    return [(x - 2, y - 2, x + 2, y + 2) for x, y in places]


def _crowding(box: Box, taken: Sequence[Box]) -> float:
    left, top, right, bottom = box
    outside = (
        max(0.0, _LEFT - left)
        + max(0.0, right - _WIDTH)
        + max(0.0, _TOP - 10 - top)
        + max(0, bottom - _BOTTOM)
    )
    covered = sum(
        max(0.0, min(right, r) - max(left, a)) * max(0.0, min(bottom, b) - max(top, t))
        for a, t, r, b in taken
    )
    return covered + 40 * outside


def _text(x: float, y: float, text: str, anchor: str, name: str = "tick") -> Markup:
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        name, x, y, anchor, escape(text)
    )


def _tick(metric: str, value: float) -> str:
    return f"${value:.3g}" if figures.unit(metric) == "usd" else figures.figure(metric, value)


def _linear_ticks(low: float, high: float) -> list[float]:
    step = 0.1 if high - low <= 0.5 else 0.2
    if high - low > 1.2:
        step = 10 ** math.floor(math.log10(high - low)) / 2
    first = math.ceil(low / step - 1e-9)
    return [round(step * i, 10) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    """Round values between 10^low and 10^high: as many of 1, 2 and 5 a decade as fit, never none."""
    for digits in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8)):
        decades = range(math.floor(low), math.ceil(high) + 1)
        ticks = [d * 10.0**e for e in decades for d in digits if low <= math.log10(d * 10.0**e) <= high]
        if len(ticks) >= 3:
            return ticks[:7]
    return ticks or [10 ** ((low + high) / 2)]
