"""Inline SVG of a training: loss by step on the training rows and on dev, and the dev score, with the
checkpoint that was chosen.

The two losses differ in shape too: the training loss is a bare line, dev has a mark at every look.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from reports.plaintext import visible

_WIDTH, _HEIGHT = 350, 212
_LEFT, _RIGHT, _TOP, _BOTTOM = 36, 338, 38, 176

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: its name, its points (step, value), and whether each point is marked."""

    name: str
    points: Points
    marked: bool


def loss_plot(stage: Mapping[str, Any]) -> Markup:
    """Training and dev loss of a stage, in nats a token."""
    lines = [
        Line("train", [(p[0], p[1]) for p in stage.get("train") or ()], False),
        Line("dev", [(p[0], p[1]) for p in stage.get("dev") or ()], True),
    ]
    return _plot("Loss, nats a token", lines, stage.get("best"))


def score_plot(stage: Mapping[str, Any]) -> Markup:
    """The dev score of a stage: the figure by which its checkpoint was chosen."""
    dev = [(p[0], p[2]) for p in stage.get("dev") or ()]
    return _plot("Dev score, by which the checkpoint is chosen", [Line("dev", dev, True)], stage.get("best"))


def _plot(title: str, lines: Sequence[Line], best: int | None) -> Markup:
    """Values by step on linear scales, the chosen step marked; nothing without two points of a curve."""
    shown = [line for line in lines if len(line.points) > 1]
    if not shown:
        return Markup("")
    values = [value for line in shown for _, value in line.points]
    last = max(step for line in shown for step, _ in line.points)
    scale = _Scale.around(max(1.0, last), min(values), max(values))
    parts = [scale.grid(title)]
    if best is not None:
        parts.append(scale.chosen(best))
    parts += [scale.curve(line, best) for line in shown]
    if len(shown) > 1:
        parts.append(_key(shown))
    return Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        _WIDTH, _HEIGHT, visible(_words(title, shown, best)), Markup("").join(parts)
    )


def _words(title: str, lines: Sequence[Line], best: int | None) -> str:
    """The picture in a sentence."""
    ends = [f"{line.name} from {line.points[0][1]:.3g} to {line.points[-1][1]:.3g}" for line in lines]
    chosen = "" if best is None else f"; step {best} was chosen"
    return f"{title} by step: {', '.join(ends)}{chosen}. The looks at dev stand in a table below."


def tick_of(span: float) -> float:
    """A round distance between ticks, of which a span has three to seven."""
    unit: float = 10.0 ** math.floor(math.log10(span))
    return next((unit * share for share in (0.2, 0.5, 1.0) if span / (unit * share) <= 6), 2 * unit)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Steps across from 0 to `last`, values up from `low` to `high`, whole multiples of `tick`."""

    last: float
    low: float
    high: float
    tick: float

    @classmethod
    def around(cls, last: float, lowest: float, highest: float) -> _Scale:
        tick = tick_of(max(highest - lowest, 1e-3))
        low = math.floor(lowest / tick + 1e-9)
        high = max(math.ceil(highest / tick - 1e-9), low + 1)
        return cls(last, low * tick, high * tick, tick)

    def x(self, step: float) -> float:
        return round(_LEFT + step / self.last * (_RIGHT - _LEFT), 1)

    def y(self, value: float) -> float:
        return round(_BOTTOM - (value - self.low) / (self.high - self.low) * (_BOTTOM - _TOP), 1)

    def grid(self, title: str) -> Markup:
        """Both axes with their ticks."""
        line = Markup('<line class="{}" x1="{}" x2="{}" y1="{}" y2="{}"/>')
        parts = [label(2, 12, title, "start")]
        for count in range(round((self.high - self.low) / self.tick) + 1):
            value = self.low + count * self.tick
            parts.append(line.format("grid", _LEFT, _RIGHT, self.y(value), self.y(value)))
            parts.append(label(_LEFT - 5, self.y(value) + 4, f"{round(value, 9):.4g}", "end"))
        parts.append(line.format("axis", _LEFT, _RIGHT, _BOTTOM, _BOTTOM))
        across = max(1, round(tick_of(self.last)))
        for step_number in range(0, int(self.last) + 1, across):
            x = self.x(step_number)
            parts.append(line.format("axis", x, x, _BOTTOM, _BOTTOM + 4))
            parts.append(label(x, _BOTTOM + 16, str(step_number), "middle"))
        parts.append(label(_RIGHT, _HEIGHT - 4, "steps of the optimizer", "end"))
        return Markup("").join(parts)

    def chosen(self, best: int) -> Markup:
        """The step that was chosen, as a line from top to bottom with its name."""
        x = self.x(best)
        side = "end" if x > (_LEFT + _RIGHT) / 2 else "start"
        line = Markup('<line class="threshold" x1="{}" x2="{}" y1="{}" y2="{}"/>')
        name = label(x - 4 if side == "end" else x + 4, _TOP - 8, f"chosen: step {best}", side, "name")
        return line.format(x, x, _TOP - 18, _BOTTOM) + name

    def curve(self, line: Line, best: int | None) -> Markup:
        """The curve, with a mark at each look; that of the chosen step is filled."""
        places = [(self.x(step), self.y(value)) for step, value in line.points]
        path = Markup('<polyline class="{}" points="{}"/>').format(
            "look" if line.marked else "pass", " ".join(f"{x},{y}" for x, y in places)
        )
        if not line.marked:
            return path
        dot = Markup('<circle class="{}" cx="{}" cy="{}" r="{}"><title>{}</title></circle>')
        marks = [
            dot.format(
                "solid" if step == best else "hollow",
                *place,
                4.5 if step == best else 3,
                f"step {step:g}: {value:.4g}",
            )
            for (step, value), place in zip(line.points, places, strict=True)
        ]
        return path + Markup("").join(marks)


def _key(lines: Sequence[Line]) -> Markup:
    """Which curve is which, at the right of the title."""
    parts, x = [], float(_RIGHT)
    for line in reversed(lines):
        text = line.name + (" (marks)" if line.marked else " (line)")
        parts.append(label(x, 12, text, "end", "name"))
        x -= 6.1 * len(text) + 10
    return Markup("").join(parts)


def label(x: float, y: float, text: str, anchor: str, name: str = "tick") -> Markup:
    """A text in a picture."""
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        name, round(x, 1), round(y, 1), anchor, escape(text)
    )
