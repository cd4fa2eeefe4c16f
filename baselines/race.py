"""Choosing between settings on dev: all of them answer a few rows, the better half goes on with twice
as many, until one is left (successive halving, Jamieson and Talwalkar, AISTATS 2016).

The answers are kept under `work.dir`, one file a setting, so that a race that was cut short goes on and
what two races have in common is asked once. How far settings lie apart that ought to be equal (the same
shots in another order, the same task in other words) is kept in `spread.json`:

    {"version": 1, "spreads": [{"of": "shot order", "rung": "few_shot", "rows": 20, "changed": 7,
      "low": 0.61, "high": 0.7, "settings": [{"name": "as drawn", "hash": "…", "figure": 0.65}, …]}]}

A figure is what the race went by: the share of the thresholds that the rows reach, 1 at most. `changed`
counts the rows whose own figure is not the same with every setting; a setting's answers are in
`<hash>.jsonl` beside it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256
from typing import Any

from baselines.approach import Prompted
from evals.run import predict
from evals.store import read_json, write_json
from evals.types import Example, Prediction, Work

FEWEST_ROWS = 12
"""Below this many dev rows a round of a race says nothing: it then uses all there are."""
MOST_SETTINGS = 4
"""Settings that a rung with many possible ones races, where its options say nothing else."""
SPREAD = "spread.json"


def race(settings: Sequence[Prompted], dev: Sequence[Example], work: Work) -> Prompted:
    """The setting with the best figure on dev; of equals the first."""
    left = list(settings)
    heats = [first_heat(dev)]
    while len(left) > 1:
        rows = [example for heat in heats for example in heat]
        figures = [work.grade(_pairs(rows, answers(setting, heats, work))) for setting in left]
        order = sorted(range(len(left)), key=lambda i: (-figures[i], i))
        left = [left[i] for i in sorted(order[: len(left) // 2])]
        heats.append(in_order(dev)[len(rows) : 2 * len(rows)])
    return left[0]


def race_calls(settings: int, n: int) -> int:
    """The calls of a race of so many settings on `n` dev rows, at most."""
    seen = heat_size(n)
    heat, calls, left = seen, 0, settings
    while left > 1:
        calls += left * heat
        left //= 2
        heat = min(n, 2 * seen) - seen
        seen += heat
    return calls


def in_order(dev: Sequence[Example]) -> list[Example]:
    """The rows in an order of their own, as a file may be sorted by label."""
    return sorted(dev, key=lambda e: sha256(e.id.encode()).digest())


def first_heat(dev: Sequence[Example]) -> list[Example]:
    """The rows that every setting of a race answers."""
    return in_order(dev)[: heat_size(len(dev))]


def heat_size(n: int) -> int:
    """How many of `n` dev rows every setting of a race answers."""
    return min(n, max(FEWEST_ROWS, math.ceil(n / 4)))


def answers(
    setting: Prompted, heats: Sequence[Sequence[Example]], work: Work, step: str = "race"
) -> dict[str, Prediction]:
    """The setting's answers to all rows of these heats, by id; each heat is one list of requests, asked
    once and kept under the setting's hash."""
    rows = sum(len(heat) for heat in heats)
    path = work.dir / f"{setting.hash}.jsonl"
    found: dict[str, Prediction] = {}
    for heat in heats:
        show = partial(_show, work, f"{setting.name}: {step}", len(found), rows)
        for _ in range(2):  # rows in error are asked once more, so that bad luck does not lose a race
            found |= predict(setting, heat, work.models, path, "dev", show)
    return found


def keep_spread(of: str, settings: Mapping[str, Prompted], dev: Sequence[Example], work: Work) -> None:
    """Add to `spread.json` how far these settings, which have raced, lie apart on the rows that all of
    them answered. Says nothing of fewer than two."""
    if len(settings) < 2:
        return
    rows = first_heat(dev)
    pairs = {name: _pairs(rows, answers(setting, [rows], work)) for name, setting in settings.items()}
    figures = {name: work.grade(each) for name, each in pairs.items()}
    by_row = zip(*([work.grade([pair]) for pair in each] for each in pairs.values()), strict=True)
    spread = {
        "of": of,
        "rung": next(iter(settings.values())).name,
        "rows": len(rows),
        "changed": sum(max(row) - min(row) > 1e-9 for row in by_row),
        "low": round(min(figures.values()), 4),
        "high": round(max(figures.values()), 4),
        "settings": [
            {"name": name, "hash": setting.hash, "figure": round(figures[name], 4)}
            for name, setting in settings.items()
        ],
    }
    path = work.dir / SPREAD
    before: list[Any] = read_json(path)["spreads"] if path.is_file() else []
    kept = [other for other in before if other["of"] != of]
    write_json(path, {"version": 1, "spreads": [*kept, spread]})


def _pairs(rows: Sequence[Example], found: Mapping[str, Prediction]) -> list[tuple[Example, Prediction]]:
    return [(example, found[example.id]) for example in rows]


def _show(work: Work, step: str, before: int, total: int, done: int) -> None:
    work.progress(step, before + done, total)
