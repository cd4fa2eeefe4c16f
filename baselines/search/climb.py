"""The search by typed edits: a parent from the Pareto front, its failures on a few training rows, an edit,
the same rows again; what does better there is asked on dev and joins the pool.

Rows that stand in one of the two prompts do not count in the comparison: they would be answered by heart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from baselines.recipe import Recipe
from baselines.search.edits import edits
from baselines.search.trials import Answered, Spent, Trials
from evals.types import Example

MOST_IDLE = 20
"""Rounds without anything new to ask, after which nothing more is expected."""


def climb(trials: Trials, train: Sequence[Example], batch: int) -> None:
    """Search until the calls are spent or nothing new comes up. The start is in the pool already."""
    chance, idle = Random(trials.work.seed), 0
    seen = {trials.pool[0].approach.hash}
    for rows in _batches(train, batch, chance):
        if idle >= MOST_IDLE:
            return
        idle += 1
        try:
            place = trials.parent(chance)
            parent = trials.pool[place]
            before = trials.on_train(parent.recipe, rows)
            drawn = _draw(trials, parent.recipe, train, before, seen, chance)
            if drawn is None:
                continue
            edit, child = drawn
            idle = 0
            seen.add(trials.cook(child).hash)
            unseen = _unseen(before, parent.recipe, child)
            after = trials.on_train(child, [row.example for row in unseen])
            if sum(row.figure for row in after) > sum(row.figure for row in unseen):
                trials.join(child, edit, place)
            else:
                trials.rejected.append({"edit": edit, "why": f"no better on {len(unseen)} training rows"})
        except Spent:
            return


def _draw(
    trials: Trials,
    recipe: Recipe,
    train: Sequence[Example],
    before: Sequence[Answered],
    seen: set[str],
    chance: Random,
) -> tuple[str, Recipe] | None:
    """An edit that makes a prompt not seen yet: first its kind is drawn, then one of the kind."""
    failed = [row.example for row in before if row.failed]
    if not failed:
        return None
    kinds: dict[str, list[tuple[str, Recipe]]] = {}
    for kind, edit, child in edits(recipe, trials.work.task, train, failed):
        if trials.cook(child).hash not in seen:
            kinds.setdefault(kind, []).append((edit, child))
    return chance.choice(kinds[chance.choice(list(kinds))]) if kinds else None


def _unseen(before: Sequence[Answered], parent: Recipe, child: Recipe) -> list[Answered]:
    shown = {row.id for recipe in (parent, child) for row in (*recipe.shots, recipe.example) if row}
    return [row for row in before if row.example.id not in shown]


def _batches(train: Sequence[Example], size: int, chance: Random) -> Iterator[list[Example]]:
    """Training rows in batches, each row once before any comes again, without end."""
    rows = sorted(train, key=lambda row: row.id)
    while True:
        chance.shuffle(rows)
        for start in range(0, max(1, len(rows) - size + 1), size):
            yield rows[start : start + size]
