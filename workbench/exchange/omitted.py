"""What another tool's file has that ours cannot hold, or ours that theirs cannot: listed, never dropped
without a word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evals.types import Json


@dataclass(frozen=True, slots=True)
class Omitted:
    """A part that was not carried over, or otherwise than it stood: the file, the place in it, and why."""

    where: str
    key: str
    why: str

    def sentence(self) -> str:
        """As it is shown: "promptfooconfig.yaml: tests[2].assert[0]: ..."."""
        return f"{self.where}: {self.key}: {self.why}" if self.key else f"{self.where}: {self.why}"


def to_json(omitted: Sequence[Omitted]) -> list[Json]:
    """The list as plain values."""
    return [{"where": one.where, "key": one.key, "why": one.why} for one in omitted]
