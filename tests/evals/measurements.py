"""Approaches as a decision meets them: rows with scores, put together in a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from evals.failures import failure_of
from evals.looks import plan_look
from evals.task import Prices
from evals.types import Example, Look, Measured, ModelRef, Prediction, Requirement, Row, Score, Split, Usage


@dataclass(frozen=True)
class Asked:
    """The part of a task that a decision reads."""

    requirements: tuple[Requirement, ...]
    name: str = "triage"
    confidence: float = 0.95
    policy: Literal["confident", "point"] = "confident"
    looks: int = 4
    prices: Prices = field(default_factory=Prices)
    model: ModelRef = field(default_factory=lambda: ModelRef("m", "endpoint"))


def quality(bound: float = 0.8, metric: str = "exact", **more: Any) -> Requirement:
    return Requirement(metric, "quality", at_least=bound, **more)


def a_row(id: str, values: Mapping[str, float] | None, **more: Any) -> Row:
    """A row with these scores; None is a row in error. `counts`, `fields`, `group` and `usage` as given."""
    example = Example(id, "in", "out", group=more.get("group"), fields=more.get("fields", {}))
    failed = values is None
    finish = "error" if failed else more.get("finish", "stop")
    usage = more.get("usage", Usage(100, 0, 10, 1, 0.1))
    error = "gone" if failed else None
    prediction = Prediction(id, "", finish, usage, error, repeat=more.get("repeat", 0))
    counts = more.get("counts", {})
    scores = {
        name: Score(id, name, value, None, more.get("failure"), counts=counts)
        for name, value in (values or {}).items()
    }
    return Row(example, prediction, scores, failure_of(prediction, scores, next(iter(scores), "exact"), 1.0))


def rows_of(scores: Sequence[float | None], metric: str = "exact", start: int = 0, **more: Any) -> list[Row]:
    """A row per score, ids r0, r1, …"""
    return [
        a_row(f"r{start + place}", None if value is None else {metric: value}, **more)
        for place, value in enumerate(scores)
    ]


def share(right: int, of: int) -> list[float]:
    """0/1 scores of which so many are right."""
    return [1.0] * right + [0.0] * (of - right)


def approach(
    name: str,
    dev: Sequence[float | None] | Sequence[Row],
    test: Sequence[float | None] | Sequence[Row] | None = None,
    **more: Any,
) -> Measured:
    """A scored baseline with these dev and test rows, or scores of `exact`."""
    rows: dict[Split, Sequence[Row]] = {"dev": _rows(dev)}
    if test is not None:
        rows["test"] = _rows(test)
    expected = more.pop("expected", {split: len(found) for split, found in rows.items()})
    more = {"kind": "baseline", "state": "scored", "hash": f"#{name}", **more}
    return Measured(name, rows=rows, expected=expected, **more)


def _rows(given: Sequence[float | None] | Sequence[Row]) -> list[Row]:
    return [v if isinstance(v, Row) else rows_of([v], start=i)[0] for i, v in enumerate(given)]


def hashes(n: int, start: int = 0) -> tuple[str, ...]:
    return tuple(f"h{i}" for i in range(start, start + n))


def looks_at(task: Asked, test_rows: Sequence[str], *names: str) -> list[Look]:
    """A ledger in which these approaches were looked at, in order."""
    ledger: list[Look] = []
    for name in names:
        look = plan_look(task, ledger, f"#{name}", name, test_rows)
        assert look is not None
        ledger.append(look)
    return ledger
