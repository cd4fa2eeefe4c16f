"""The budget, and who may be a parent."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from baselines.recipe import Recipe
from baselines.search.trials import Candidate, Spent, Trials
from tests.baselines.rungs import LABELLED, ROWS, work
from tests.scripted import Scripted


def trials(folder: Path, limit: int) -> Trials:
    return Trials("search", ROWS[:10], work(folder, Scripted(lambda request: "good")), limit)


def test_what_was_asked_before_costs_nothing_and_nothing_is_asked_beyond_the_limit(tmp_path: Path) -> None:
    at = trials(tmp_path, 15)
    start = Recipe("Say it.")
    at.join(start, "the start", -1)
    assert [row.figure for row in at.on_train(start, LABELLED[:5])] == [0, 1, 1, 1, 0]
    at.on_train(start, LABELLED[:5])
    with pytest.raises(Spent):
        at.on_train(start, LABELLED[5:6])
    assert at.told()["calls"] == len(at.work.models.open(None).asked) == 15  # type: ignore[arg-type,attr-defined]


def test_what_is_best_on_some_row_stays_a_parent_and_what_is_best_on_none_does_not(tmp_path: Path) -> None:
    at = trials(tmp_path, 100)
    recipe = Recipe("x")
    for figure, by_row in ((0.7, (1.0, 1.0, 0.0)), (0.3, (0.0, 0.0, 1.0)), (0.6, (0.9, 0.9, 0.5))):
        at.pool.append(Candidate(recipe, at.cook(recipe), "", -1, figure, by_row))
    chance = Random(0)
    drawn = [at.parent(chance) for _ in range(300)]
    assert {0, 1} == set(drawn)
    assert 170 < drawn.count(0) < 230
    assert at.best().figure == 0.7
