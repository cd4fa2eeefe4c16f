"""An arm as it was read back from disk: its rows beside those of the approach that it changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evals.types import Row
from workbench.diagnosis.arms import Arm, Kind
from workbench.diagnosis.effects import Effect


@dataclass(frozen=True)
class Reading:
    """An arm as it was read: the rows of the approach it changes, its own, and the effects, quality
    first. `meets` says that the arm meets every requirement by what was observed."""

    arm: Arm
    before: Sequence[Row]
    after: Sequence[Row]
    effects: Sequence[Effect]
    meets: bool = False

    @property
    def calls(self) -> int:
        """What asking it took."""
        return sum(row.prediction.usage.calls for row in self.after)

    @property
    def open(self) -> Effect | None:
        """The effect on the first requirement that is missed without the change, else on the first."""
        return next((e for e in self.effects if e.lacking > 0), next(iter(self.effects), None))

    @property
    def cures(self) -> bool:
        """Whether the change is a cause, and closes at least half of what is missing."""
        found = self.open
        if found is None or found.found != "helps" or found.lacking == 0:
            return False
        return found.reaches or found.after - found.before >= found.lacking / 2

    @property
    def fails_too(self) -> tuple[int, int]:
        """Of the rows that the approach fails, how many the arm fails too, and how many they are."""
        after = {row.example.id: row.failure for row in self.after if row.failure != "error"}
        lost = [row.example.id for row in self.before if row.failure and row.example.id in after]
        return sum(after[id] is not None for id in lost), len(lost)


def by_kind(readings: Sequence[Reading]) -> dict[Kind, list[Reading]]:
    """The readings of each kind of arm, in their order."""
    found: dict[Kind, list[Reading]] = {}
    for reading in readings:
        found.setdefault(reading.arm.kind, []).append(reading)
    return found
