"""What a command says: results on stdout, progress and errors on stderr.

On a terminal progress is one line a step that is redrawn; elsewhere a line for every tenth of it. What takes
long says how much time is left, at the pace since it began.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Sequence
from typing import Any

import click

from evals.store import plain

BAR = 24
REDRAW_SECONDS = 0.1
FIGURES = " | "
"""What parts a step's name from the figures behind it (`evals.types.Progress`)."""
LONG = 20.0
"""Seconds from which on what is left of a step is worth saying."""


class Console:
    """Writes for one command. `progress` has the form of `evals.types.Progress`."""

    def __init__(self, *, color: bool = True) -> None:
        self.quiet, self.verbose, self.color = False, False, color
        self._live = sys.stderr.isatty()
        self._drawn = 0.0
        self._open_line = False
        self._step = ""
        self._tenth = -1
        self._begun = (0.0, 0)

    def adjust(self, *, quiet: bool = False, verbose: bool = False, no_color: bool = False) -> None:
        """Take in what the command line says."""
        self.quiet, self.verbose = self.quiet or quiet, self.verbose or verbose
        self.color = self.color and not no_color
        self._live = sys.stderr.isatty() and not self.verbose

    def say(self, text: str = "") -> None:
        """A line of the result."""
        self._end_line()
        click.echo(text, color=self.color if sys.stdout.isatty() else False)

    def say_json(self, value: Any) -> None:
        """The result as JSON."""
        self._end_line()
        click.echo(json.dumps(plain(value), ensure_ascii=False, indent=2))

    def note(self, text: str) -> None:
        """A line about the work, on stderr; not in quiet mode."""
        if not self.quiet:
            self._end_line()
            click.echo(text, err=True)

    @staticmethod
    def error(text: str) -> None:
        """A mistake or fault, on stderr."""
        click.echo(f"error: {text}", err=True)

    def style(self, text: str, **style: Any) -> str:
        """Text in a colour or weight, where colour is wanted and shown."""
        return click.style(text, **style) if self.color and sys.stdout.isatty() else text

    def progress(self, step: str, done: int, total: int) -> None:
        """Say that `done` of `total` parts of `step` are finished."""
        if self.quiet or total <= 0:
            return
        name, now, tenth = step.partition(FIGURES)[0], time.monotonic(), 10 * done // total
        first = name != self._step or done < self._begun[1]
        if first:
            if self._live:
                self._end_line()
            self._step, self._tenth, self._begun = name, -1, (now, done)
        text = f"{done}/{total}{self._left(now, done, total)}"
        if self._live:
            if first or done >= total or now - self._drawn >= REDRAW_SECONDS:
                self._draw(f"{step:<28} {_bar(done, total)} {text}", now)
        elif tenth != self._tenth:
            self._tenth = tenth
            click.echo(f"{step}: {text}", err=True)

    def _left(self, now: float, done: int, total: int) -> str:
        """How much time is left of a long step; "" for a short one, and at its beginning and end."""
        begun, before = self._begun
        if not before < done < total:
            return ""
        left = (now - begun) / (done - before) * (total - done)
        return f", {duration(left)} left" if now - begun + left >= LONG else ""

    def _draw(self, line: str, now: float) -> None:
        self._drawn, self._open_line = now, True
        width = shutil.get_terminal_size().columns - 1
        click.echo("\r\x1b[2K" + line[:width], nl=False, err=True)

    def _end_line(self) -> None:
        if self._open_line:
            click.echo(err=True)
            self._open_line = False


def duration(seconds: float) -> str:
    """A time to wait: "40 s", "3 min", "2.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _bar(done: int, total: int) -> str:
    filled = BAR * min(done, total) // total
    return "█" * filled + "░" * (BAR - filled)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Aligned columns in plain text; the columns in `right` are aligned to the right."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        return "  ".join(
            c.rjust(w) if i in right else c.ljust(w)
            for i, (c, w) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()

    return "\n".join([line(head), line(["─" * w for w in widths]), *map(line, rows)])
