"""The arms of a diagnosis as a table: what was changed, what it did to each required score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from reports import figures

NAMES = {
    "oracle": "gold passages",
    "room": "longer answers",
    "grammar": "grammar",
    "lenient": "read leniently",
    "stronger": "stronger model",
    "order": "order of shots",
    "wording": "wording",
}


@dataclass(frozen=True, slots=True)
class ArmLine:
    """One score under one change. `span` is the difference's interval; the numbers are for the bar. An
    arm's calls stand with the first of its scores. `absent` says why there is no score, and the figures
    are then empty."""

    name: str
    change: str
    of: str
    calls: str
    metric: str = ""
    before: str = ""
    after: str = ""
    gain: str = ""
    span: str = ""
    rows: str = ""
    found: str = ""
    absent: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def tone(self) -> str:
        """The bar's colour class; what cannot be told has none of its own."""
        return {"helps": "met", "hurts": "not-met"}.get(self.found, "advisory")


@dataclass(frozen=True, slots=True)
class ArmTable:
    """All lines; `reach` is how far the bars' common scale goes to both sides of 0, `level` the
    confidence of the intervals, "" where there are none."""

    lines: tuple[ArmLine, ...]
    reach: float
    level: str


def arm_table(decision: Mapping[str, Any], most: int) -> ArmTable:
    """The arms, `most` lines of them."""
    lines = tuple(arm_lines(decision)[:most])
    ends = [abs(end) for line in lines for end in (line.low, line.high) if end is not None]
    reach = next((end for end in (0.1, 0.25, 0.5) if max(ends, default=0.0) <= end), 1.0)
    levels = {e.get("level") for arm in decision.get("arms") or () for e in arm.get("effects") or ()}
    level = ", ".join(f"{100 * level:.3g} %" for level in sorted(filter(None, levels)))
    return ArmTable(lines, reach, level)


def arm_lines(decision: Mapping[str, Any]) -> list[ArmLine]:
    """A line for every arm and score, in the order of the decision; arms that say nothing come last."""
    found: list[ArmLine] = []
    for arm in decision.get("arms") or ():
        name = NAMES.get(str(arm["kind"]), figures.words(str(arm["kind"])))
        calls = figures.count(arm.get("calls") or 0)
        bare = ArmLine(name, str(arm["change"]), str(arm["of"]), calls)
        filled = [_filled(bare, effect) for effect in arm.get("effects") or ()]
        found += [replace(line, calls="") if place else line for place, line in enumerate(filled)]
        if not arm.get("effects"):
            found.append(replace(bare, absent=str(arm.get("why") or "no row to compare")))
    return sorted(found, key=lambda line: bool(line.absent))


def _filled(bare: ArmLine, effect: Mapping[str, Any]) -> ArmLine:
    before, after, value = (effect.get(key) for key in ("before", "after", "difference"))
    low, high = effect.get("low"), effect.get("high")
    known = low is not None and high is not None
    return replace(
        bare,
        metric=str(effect["metric"]),
        before=figures.NOTHING if before is None else figures.score(before),
        after=figures.NOTHING if after is None else figures.score(after),
        gain=figures.signed(value),
        span=f"[{figures.signed(low)}, {figures.signed(high)}]" if known else "",
        rows=f"{figures.count(effect.get('n') or 0)} dev rows",
        found=str(effect.get("found") or ""),
        value=value,
        low=low,
        high=high,
    )
