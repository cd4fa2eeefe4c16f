"""Scores with a mean known exactly, in the shapes that graders give them.

Each shape maps a true mean to a draw of [samples, rows] scores, or of numerators and denominators.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Rng = np.random.Generator
Scores = tuple[np.ndarray, np.ndarray]
"""Numerators and denominators, [samples, units] each."""
Shape = Callable[[Rng, float, tuple[int, int]], Scores]

TRUTHS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99)
SIZES = (30, 50, 100, 300)


def _ones(scores: np.ndarray) -> Scores:
    return scores.astype(np.float64), np.ones(scores.shape)


def right_or_wrong(rng: Rng, truth: float, size: tuple[int, int]) -> Scores:
    return _ones(rng.random(size) < truth)


def three_levels(rng: Rng, truth: float, size: tuple[int, int]) -> Scores:
    """Right, half right, wrong: what is lost is lost by halves twice as often as by wholes."""
    lost, kind = 1 - truth, rng.random(size)
    return _ones(np.where(kind < lost / 2, 0.0, np.where(kind < 1.5 * lost, 0.5, 1.0)))


def bell(rng: Rng, truth: float, size: tuple[int, int]) -> Scores:
    """Every row a little different, around the mean."""
    return _ones(rng.beta(10 * truth, 10 * (1 - truth), size=size))


def spread_out(rng: Rng, truth: float, size: tuple[int, int]) -> Scores:
    """Everything between 0 and 1, skewed towards the nearer end."""
    return _ones(rng.beta(2 * truth, 2 * (1 - truth), size=size))


def right_or_partly(rng: Rng, truth: float, size: tuple[int, int]) -> Scores:
    """Wholly right, or right by up to three quarters."""
    return _ones(np.where(rng.random(size) < 1.6 * (1 - truth), rng.uniform(0, 0.75, size), 1.0))


def rare_zero(rng: Rng, truth: float, size: tuple[int, int]) -> Scores:
    """Nearly right, each row a little differently, and now and then all wrong: half of what is lost."""
    lost = 1 - truth
    zeros = 1 - truth / (1 - lost / 2)
    return _ones(np.where(rng.random(size) < zeros, 0.0, rng.uniform(1 - lost, 1.0, size)))


def documents(rng: Rng, truth: float, size: tuple[int, int]) -> Scores:
    """A pooled metric over documents of 1 to 12 items; in long ones more is wrong."""
    lengths = np.arange(1, 13)
    items = rng.integers(1, 13, size=size)
    wrong = (1 - truth) * items * lengths.sum() / (lengths**2).sum()
    return rng.binomial(items, 1 - wrong).astype(np.float64), items.astype(np.float64)


SHAPES: dict[str, Shape] = {
    "right or wrong": right_or_wrong,
    "three levels": three_levels,
    "bell": bell,
    "spread out": spread_out,
    "right or partly": right_or_partly,
    "rare zero": rare_zero,
    "documents, pooled": documents,
}


@dataclass(frozen=True)
class Groups:
    """Rows in groups: `sizes` from and to; the groups' shares right are beta with the intraclass
    correlation `icc` (1: all or nothing), or, where `rare`, one and the same but for rare groups that
    are all wrong, which make up half of what is lost. `graded` rows are beta around their group's."""

    sizes: tuple[int, int]
    icc: float = 0.0
    rare: bool = False
    graded: bool = False

    @property
    def name(self) -> str:
        low, high = self.sizes
        size = f"{low}" if low == high else f"{low} to {high}"
        kind = "rare bad groups" if self.rare else f"alike by {self.icc:g}"
        return f"{'graded, ' if self.graded else ''}groups of {size}, {kind}"

    def shares(self, rng: Rng, truth: float, size: tuple[int, int]) -> np.ndarray:
        """Each group's own share right."""
        if self.rare:
            bad = (1 - truth) / 2
            return np.where(rng.random(size) < bad, 0.0, truth / (1 - bad))
        if self.icc == 0:
            return np.full(size, truth)
        if self.icc == 1:
            return (rng.random(size) < truth).astype(np.float64)
        weight = (1 - self.icc) / self.icc
        return rng.beta(weight * truth, weight * (1 - truth), size=size)

    def draw(self, rng: Rng, truth: float, size: tuple[int, int]) -> Scores:
        """Sums of scores and rows of each group."""
        rows = rng.integers(self.sizes[0], self.sizes[1] + 1, size=size)
        shares = self.shares(rng, truth, size)
        if not self.graded:
            return rng.binomial(rows, shares).astype(np.float64), rows.astype(np.float64)
        mean = np.clip(shares, 1e-6, 1 - 1e-6)[..., None]
        scores = rng.beta(4 * mean, 4 * (1 - mean), size=(*size, self.sizes[1]))
        there = np.arange(self.sizes[1]) < rows[..., None]
        return (scores * there).sum(axis=-1), rows.astype(np.float64)


GROUPS = (
    Groups((5, 5), 0.0),
    Groups((5, 5), 0.1),
    Groups((5, 5), 0.3),
    Groups((5, 5), 1.0),
    Groups((1, 8), 0.3),
    Groups((5, 5), rare=True),
    Groups((1, 8), 0.3, graded=True),
)
CLUSTERS = (20, 30, 50, 100)
CLUSTER_TRUTHS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98)
