"""What was seen while training: `curves.jsonl`, a line as it comes; what is chosen is read from it.

A "train" line is a step of the optimizer with its mean loss a token (nats), a "dev" line a look at the dev
rows: their loss and their score by the task's own graders; the last line says why training ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evals.store import Appender, read_lines, reading, write_lines


@dataclass
class Curves:
    """The lines of one training. `best` is the step whose score was the highest; of equal ones the one
    with the lower dev loss, else the earlier. Not `written`, they are kept in memory alone."""

    path: Path
    written: bool = True
    lines: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path, step: int, written: bool = True) -> Curves:
        """The lines up to a step, which are all that is kept: those behind it are computed again."""
        with reading(path):
            lines = read_lines(path)
            kept = [line for line in lines if line["step"] <= step and line["kind"] != "end"]
        if written and kept != lines:
            write_lines(path, kept)
        return cls(path, written, kept)

    def add(self, line: Mapping[str, Any]) -> None:
        """Append a line, on disk before this returns."""
        if self.written:
            with Appender(self.path) as file:
                file.write(line)
        self.lines.append(dict(line))

    def dev(self) -> list[dict[str, Any]]:
        """The looks at dev, in order."""
        return [line for line in self.lines if line["kind"] == "dev"]

    def looked(self, step: int) -> bool:
        """Whether dev was looked at after this step."""
        return any(line["step"] == step for line in self.dev())

    @property
    def best(self) -> int:
        """Raises ValueError before the first look."""
        return int(max(self.dev(), key=lambda line: (line["score"], -line["loss"], -line["step"]))["step"])

    def without_gain(self) -> int:
        """How many looks there were since the best."""
        best = self.best
        return sum(line["step"] > best for line in self.dev())
