"""What a run spends on models, and where its budget ends it: calls, US dollars, minutes.

    with Purse(run / "spending.jsonl", {"calls": 500}, prices) as purse:
        if purse.reserve(most):     # before a call
            purse.pay(...)          # after it

Every line of the file is what was spent since the line before: a call's tokens, and the wall time gone
by. A purse begins with what stands there, so a budget holds over a run however often it is continued.
Dollars are not written but follow from tokens and seconds by the prices of the day.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Condition
from types import TracebackType
from typing import NamedTuple

from evals.errors import BudgetError
from evals.prices import Rates, usd
from evals.store import Appender, read_lines, reading
from evals.types import Json, Usage

FILE = "spending.jsonl"
TICK = 10.0
"""Seconds of wall time that a tick writes at least."""


class NoPrices(NamedTuple):
    """The rates of a task that names none."""

    input_per_million: float | None = None
    output_per_million: float | None = None
    gpu_hour: float | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent. `calls` are attempts at a model; `cached` are answers that were known and cost
    nothing; `usd` is None without prices; `minutes` are wall time."""

    calls: int = 0
    cached: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float | None = None
    minutes: float = 0.0

    def more(self, line: Mapping[str, Json], prices: Rates) -> Spent:
        """With a line of the file added. Raises KeyError or TypeError for a line that is none."""
        calls, cached, read, written = (_number(line, k) for k in ("calls", "cached", "in", "out"))
        seconds, wall = _number(line, "seconds"), _number(line, "wall")
        usage = Usage(tokens_in=int(read), tokens_out=int(written), seconds=seconds)
        cost = usd(usage, str(line["provider"]), prices) if calls else None
        return Spent(
            self.calls + int(calls),
            self.cached + int(cached),
            self.tokens_in + int(read),
            self.tokens_out + int(written),
            self.usd if cost is None else (self.usd or 0.0) + cost,
            self.minutes + wall / 60,
        )


def _number(line: Mapping[str, Json], key: str) -> float:
    value = line[key]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{key} is {value!r}")
    return value


def read_spent(path: Path, prices: Rates) -> Spent:
    """What the file at `path` adds up to; nothing without a file. Raises RunError when it is damaged."""
    spent = Spent()
    with reading(path):
        for line in read_lines(path):
            spent = spent.more(line, prices)
    return spent


class Purse:
    """Counts what is spent, in a file where it has one, and says when a budget allows no further call.
    Safe for several threads. `clock` gives seconds."""

    def __init__(
        self,
        path: Path | None = None,
        budget: Mapping[str, float] | None = None,
        prices: Rates | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path, self.budget = path, dict(budget or {})
        self.prices: Rates = prices or NoPrices()
        self.spent = Spent() if path is None else read_spent(path, self.prices)
        self._file = None if path is None else Appender(path)
        self._clock, self._last = clock, clock()
        self._stopped = False
        self._change = Condition()
        self._out, self._held = 0, 0.0
        self._over = ""

    def __enter__(self) -> Purse:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop_clock()
        finally:
            if self._file is not None:
                self._file.close()

    @property
    def over(self) -> BudgetError | None:
        """The error that ends the run, once a call was refused."""
        return _error(self._over) if self._over else None

    def check(self) -> None:
        """Raises BudgetError where nothing further may be spent."""
        with self._change:
            self._over = self._over or self._refusal(0.0)
        if self._over:
            raise _error(self._over)

    def reserve(self, most: float | None = None) -> bool:
        """Whether a call that costs at most so many dollars may be made; each one that may is then paid.
        Waits where calls on their way may leave enough. Once one was refused all are."""
        most = most or 0.0
        with self._change:
            while not self._over:
                self._over = self._refusal(most)
                if self._over:
                    break
                if not self._out or self._fits(self._held + most):
                    self._out += 1
                    self._held += most
                    return True
                self._change.wait()
            return False

    def pay(self, provider: str, model: str, usage: Usage, reserved: float | None = None) -> None:
        """Count a call (`usage.calls` attempts) that was reserved at so many dollars. Raises
        ResumableError on a full disk."""
        with self._change:
            self._out -= 1
            self._held = max(0.0, self._held - (reserved or 0.0)) if self._out else 0.0
            self._change.notify_all()
            self._write(provider, model, usage)

    def count(self, provider: str, model: str, usage: Usage, *, cached: bool = False) -> None:
        """Count what was not reserved: a call of a local model, or an answer that was known (it costs
        nothing)."""
        with self._change:
            self._write(provider, model, Usage() if cached else usage, int(cached))

    def tick(self) -> None:
        """Write the wall time since the last line once it is worth a line, while no model is asked: what a
        process that is killed has spent is then known."""
        with self._change:
            if self._clock() - self._last >= TICK:
                self._write("", "", Usage())

    def stop_clock(self) -> None:
        """Write the wall time since the last line; from now on no time is counted."""
        with self._change:
            if not self._stopped:
                self._write("", "", Usage())
                self._stopped = True

    def _write(self, provider: str, model: str, usage: Usage, cached: int = 0) -> None:
        now = self._clock()
        wall, self._last = (0.0 if self._stopped else now - self._last), now
        line: dict[str, Json] = {
            "provider": provider,
            "model": model,
            "calls": usage.calls,
            "cached": cached,
            "in": usage.tokens_in,
            "out": usage.tokens_out,
            "seconds": round(usage.seconds, 4),
            "wall": round(wall, 4),
        }
        self.spent = self.spent.more(line, self.prices)
        if self._file is not None:
            self._file.write(line)

    def _minutes(self) -> float:
        return self.spent.minutes + (0.0 if self._stopped else self._clock() - self._last) / 60

    def _fits(self, more: float) -> bool:
        limit = self.budget.get("usd")
        return limit is None or (self.spent.usd or 0.0) + more <= limit

    def _refusal(self, most: float) -> str:
        """Why a call of at most so many dollars is not made whatever becomes of those on their way; ""
        where it may be."""
        calls, minutes = self.budget.get("calls"), self.budget.get("minutes")
        if calls is not None and self.spent.calls + self._out >= calls:
            return f"budget.calls is spent ({calls:,.0f} calls)"
        if minutes is not None and self._minutes() >= minutes:
            return f"budget.minutes is spent ({minutes:g} minutes)"
        limit, paid = self.budget.get("usd"), self.spent.usd or 0.0
        if limit is not None and (paid >= limit or not self._fits(most)):
            next_one = f", and the next call may cost {most:.2g}" if most and paid < limit else ""
            return f"budget.usd is spent ({paid:.4g} of {limit:g} USD{next_one})"
        return ""


def _error(why: str) -> BudgetError:
    return BudgetError(f"{why}: raise it in the task file to go on", hint="The same command then continues.")
