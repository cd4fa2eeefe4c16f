"""What a search has tried: every answer on disk, every call counted, every candidate row by row.

Dev answers lie in `<hash>.jsonl` under `work.dir`, answers to training rows under `train/`. The budget
counts what the search asked for whether or not it was on disk before, so that a search that was cut
short and goes on ends where an undisturbed one would have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from baselines.approach import Prompted
from baselines.race import answers, in_order
from baselines.recipe import Recipe
from evals.types import Example, Prediction, Work


class Spent(Exception):
    """The next step would take more calls than are left."""


@dataclass(frozen=True)
class Answered:
    """A row, what was said, and the row's own figure: 1 where it reaches every threshold."""

    example: Example
    prediction: Prediction
    figure: float

    @property
    def failed(self) -> bool:
        return self.figure < 1.0


@dataclass(frozen=True)
class Candidate:
    """A recipe asked on the dev rows. `edit` says how it came from `parent` (-1: it is the start)."""

    recipe: Recipe
    approach: Prompted
    edit: str
    parent: int
    figure: float
    by_row: tuple[float, ...]


@dataclass
class Trials:
    """The trials of one search: on `rows`, a part of dev, with at most `limit` calls of the task's model."""

    name: str
    rows: Sequence[Example]
    work: Work
    limit: int
    pool: list[Candidate] = field(default_factory=list)
    rejected: list[dict[str, str]] = field(default_factory=list)
    asked: set[tuple[str, str, bool]] = field(default_factory=set)

    def cook(self, recipe: Recipe) -> Prompted:
        """The approach of a recipe."""
        return recipe.approach(self.name, self.work.task, self.work.seed)

    def on_train(self, recipe: Recipe, batch: Sequence[Example]) -> list[Answered]:
        """A recipe's answers to training rows. Raises Spent before a call too many."""
        return self._answered(self.cook(recipe), batch, replace(self.work, dir=self.work.dir / "train"))

    def join(self, recipe: Recipe, edit: str, parent: int) -> Candidate:
        """Ask a recipe on the dev rows and take it into the pool. Raises Spent before a call too many."""
        approach = self.cook(recipe)
        found = self._answered(approach, self.rows, self.work)
        figure = self.work.grade([(row.example, row.prediction) for row in found])
        candidate = Candidate(recipe, approach, edit, parent, figure, tuple(row.figure for row in found))
        self.pool.append(candidate)
        return candidate

    def best(self) -> Candidate:
        """The candidate with the best figure on the dev rows; of equals the first."""
        return max(self.pool, key=lambda c: c.figure)

    def edits(self) -> list[str]:
        """The edits that made the best candidate of the start, the first one first."""
        found: list[str] = []
        one = self.best()
        while one.parent >= 0:
            found.insert(0, one.edit)
            one = self.pool[one.parent]
        return found

    def told(self) -> dict[str, Any]:
        """The search for people and for `search.json`."""
        leads = self._leads()
        return {
            "calls": len(self.asked),
            "limit": self.limit,
            "dev_rows": len(self.rows),
            "candidates": [
                {
                    "hash": c.approach.hash,
                    "parent": c.parent,
                    "edit": c.edit,
                    "figure": round(c.figure, 4),
                    "best_on_rows": round(lead, 2),
                }
                for c, lead in zip(self.pool, leads, strict=True)
            ],
            "rejected": self.rejected,
            "chosen": self.best().approach.hash,
        }

    def parent(self, chance: Random) -> int:
        """A place in the pool, drawn by how many dev rows no other candidate answers better (Agrawal et
        al., GEPA, 2025): what is best on some rows stays a parent, however it does on the rest."""
        return chance.choices(range(len(self.pool)), self._leads())[0]

    def _leads(self) -> list[float]:
        """For each candidate the rows on which none is better, a row shared by those that are equal."""
        leads = [0.0] * len(self.pool)
        for row in zip(*(candidate.by_row for candidate in self.pool), strict=True):
            ahead = [place for place, figure in enumerate(row) if figure == max(row)]
            for place in ahead:
                leads[place] += 1 / len(ahead)
        return leads

    def _answered(self, approach: Prompted, rows: Sequence[Example], work: Work) -> list[Answered]:
        new = {(approach.hash, row.id, work is self.work) for row in rows} - self.asked
        if len(self.asked) + len(new) > self.limit:
            raise Spent
        found = answers(approach, [rows], work, "search") if rows else {}
        self.asked |= new
        return [Answered(row, found[row.id], work.grade([(row, found[row.id])])) for row in rows]


def chosen_rows(dev: Sequence[Example], most: int) -> list[Example]:
    """The dev rows that a search chooses by, the same ones whatever the order of the file."""
    return in_order(dev)[:most]
