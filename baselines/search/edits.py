"""Typed edits: what can be changed about a recipe without a model that writes.

Each edit has a kind, so that a kind with many edits (rows to show) is not drawn more often than one with
few (where the instruction stands). Failures on train give the rows that are worth showing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from baselines.recipe import PLACEMENTS, Recipe, form_of, typical
from baselines.shot_sets import balanced, drawn
from evals.task import Task
from evals.types import Example

MOST_SHOTS = 8
COUNTS = (4, MOST_SHOTS)
WHERE = {"above": "above the input", "system": "in the system message", "below": "under the input"}


def edits(
    recipe: Recipe, task: Task, train: Sequence[Example], failed: Sequence[Example]
) -> Iterator[tuple[str, str, Recipe]]:
    """(kind, what is done, the new recipe) for every edit of this recipe."""
    for placement in PLACEMENTS if not recipe.shots else ():
        yield "placement", f"the instruction {WHERE[placement]}", replace(recipe, placement=placement)
    form = "" if recipe.form else form_of(task.output, train)
    yield "format", "the format spelled out" if form else "no format", replace(recipe, form=form)
    for wording in (task.prompt.instruction, *task.prompt.variants):
        yield "wording", "another wording", replace(recipe, wording=wording)
    yield from _worked_examples(recipe, train, failed)
    yield from _shots(recipe, task, train, failed)


def _worked_examples(
    recipe: Recipe, train: Sequence[Example], failed: Sequence[Example]
) -> Iterator[tuple[str, str, Recipe]]:
    for row in (typical(train), *failed):
        if row is not None and row != recipe.example:
            yield "example", f"row {row.id} as a worked example", replace(recipe, example=row)
    if recipe.example is not None:
        yield "example", "no worked example", replace(recipe, example=None)


def _shots(
    recipe: Recipe, task: Task, train: Sequence[Example], failed: Sequence[Example]
) -> Iterator[tuple[str, str, Recipe]]:
    """Shot sets and single shots; with shots the instruction stands in the system message."""
    plain = replace(recipe, placement="system", reasoning=0)
    for k in COUNTS:
        yield "shot set", f"{k} drawn shots", replace(plain, shots=drawn(train, k))
        if even := balanced(train, k, task.output):
            yield "shot set", f"{k} balanced shots", replace(plain, shots=even)
    for row in failed:
        if row not in recipe.shots:
            kept = recipe.shots[-(MOST_SHOTS - 1) :]
            yield "shot", f"row {row.id} as the last shot", replace(plain, shots=(*kept, row))
    if recipe.shots:
        yield "shot", "without the first shot", replace(plain, shots=recipe.shots[1:])
    if len(recipe.shots) > 1:
        yield "order", "the shots reversed", replace(plain, shots=recipe.shots[::-1])
        yield "order", "the first shot last", replace(plain, shots=(*recipe.shots[1:], recipe.shots[0]))
