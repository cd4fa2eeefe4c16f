"""The chance that anything is shipped by mistake over the whole life of one test set.

Every approach is truly a hair below the threshold. The baselines are assessed, the prompt is revised,
test rows are collected, a tuned rung and a climb follow: whatever dev recommends takes its look at
the test set, until something is called *ship*. The looks share the error budget.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy.stats import norm

from evals.looks import plan_look
from evals.selection import shortlist
from evals.types import Look, Measured, Row
from evals.verdict import stand, verdict_of
from tests.evals.measurements import Asked, approach, hashes, quality, rows_of
from tests.simulations.rates import DOCUMENT, allowed, percent, read, tell

SEED = 61
THRESHOLD, TRUTH = 0.8, 0.7999
DEV, TEST, MORE = 80, 150, 150
MOST = 500
"""Lives in a cell of the table."""
RIGHT, WRONG = rows_of([1.0] * (DEV + TEST + MORE)), rows_of([0.0] * (DEV + TEST + MORE))


@dataclass(frozen=True)
class Life:
    """How alike the rungs are (the correlation of their luck on a row), and how often a prompt is
    revised."""

    alike: float
    revisions: int = 3

    def stages(self) -> Iterator[tuple[int, int]]:
        """What happens next: new approaches and new test rows. Assess, revise, collect, escalate, climb."""
        yield 4, 0
        yield from [(1, 0)] * self.revisions
        yield 0, MORE
        yield from [(1, 0)] * 2


LIVES = {
    "independent rungs, 3 revisions": Life(0.0),
    "alike by .5, 3 revisions": Life(0.5),
    "alike by .9, 3 revisions": Life(0.9),
    "alike by .5, 12 revisions": Life(0.5, 12),
}


@dataclass
class TestSet:
    """Rows whose difficulty all approaches share by `alike`, and what was answered on them so far."""

    __test__ = False

    rng: np.random.Generator
    alike: float
    rows: int = TEST
    answered: dict[str, list[Row]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.hard = self.rng.normal(size=len(RIGHT))

    def add(self, many: int) -> None:
        """New approaches, each right on every row with the chance TRUTH."""
        for _ in range(many):
            own = self.rng.normal(size=len(self.hard))
            latent = self.alike**0.5 * self.hard + (1 - self.alike) ** 0.5 * own
            right = (latent < norm.ppf(TRUTH)).tolist()
            answers = [RIGHT[i] if good else WRONG[i] for i, good in enumerate(right)]
            self.answered[f"a{len(self.answered)}"] = answers

    def measured(self, tested: Sequence[str] = ()) -> list[Measured]:
        """Every approach on dev, and on test where its hash is among `tested`."""
        found = []
        for name, rows in self.answered.items():
            test = rows[DEV : DEV + self.rows] if f"#{name}" in tested else None
            found.append(approach(name, rows[:DEV], test))
        return found


def ships_by_mistake(rng: np.random.Generator, life: Life, looks: int, budget: bool) -> bool:
    """Whether one life ends in *ship*. Without the `budget` every look has the whole error."""
    task, found, ledger = Asked((quality(THRESHOLD),), looks=looks), TestSet(rng, life.alike), list[Look]()
    tested: dict[str, None] = {}
    for approaches, rows in life.stages():
        found.add(approaches)
        found.rows += rows
        new = [m for m in found.measured() if m.hash not in tested]
        tested.update(dict.fromkeys(shortlist(task, new)))
        test_rows = hashes(found.rows)
        for name in tested:
            look = plan_look(task, ledger, name, name, test_rows)
            ledger += [look] if look is not None else []
        judged = [m for m in found.measured(tuple(tested)) if m.hash in tested]
        own = {m.hash: [look for look in ledger if look.approach == m.hash][-1:] for m in judged}
        standings = [stand(task, m, ledger if budget else own[m.hash], test_rows) for m in judged]
        if verdict_of(task, standings, {"action": "tune"})[0] == "ship":
            return True
    return False


def rate(life: Life, lives: int, looks: int = 4, budget: bool = True) -> float:
    rng = np.random.default_rng([SEED, round(100 * life.alike), life.revisions, looks])
    return float(np.mean([ships_by_mistake(rng, life, looks, budget) for _ in range(lives)]))


def test_a_whole_life_ships_by_mistake_no_more_often_than_is_said() -> None:
    assert rate(Life(0.5), 60) <= allowed(0.05, 60)


@pytest.mark.full
@pytest.mark.parametrize("life", LIVES.values())
@pytest.mark.parametrize("looks", [4, 8])
def test_many_lives_ship_by_mistake_no_more_often_than_is_said(life: Life, looks: int) -> None:
    assert rate(life, 1000, looks) <= allowed(0.05, 1000)


@pytest.mark.full
def test_without_a_shared_budget_many_revisions_ship_by_mistake() -> None:
    assert rate(Life(0.5, 12), 500, looks=1, budget=False) > 0.1


def tables(runs: int) -> dict[str, str]:
    """False ships over a life, with the budget and without, by how alike the rungs are."""
    runs = min(runs, MOST)
    lines = [
        f"{runs} lives a cell: assess, revise prompts, collect, escalate, climb, with every approach truly "
        "a hair below its threshold; false ships in %, 5 % allowed.",
        "",
        "| rungs | four looks planned | eight planned | every look at the whole error |",
        "|---|---|---|---|",
    ]
    for name, life in LIVES.items():
        found = [rate(life, runs), rate(life, runs, 8), rate(life, runs, 1, budget=False)]
        lines.append(tell(f"| {name} | {' | '.join(percent(share) for share in found)} |"))
    return {"life": "\n".join(lines)}


def test_the_documented_lives_stay_within_the_budget() -> None:
    (first,), *lines = read(DOCUMENT, "life")
    assert [line[0] for line in lines] == list(LIVES)
    for line in lines:
        assert all(float(cell) / 100 <= allowed(0.05, int(first.split()[0])) for cell in line[1:3]), line
