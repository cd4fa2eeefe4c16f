"""Counting errors: how often a bound passes a threshold that it should not, or should.

A requirement at the very truth would have been *met* by mistake when the lower bound lies above it.
Bounds are the project's own; where only "does it reach this threshold" is asked, the one with an
unseen worst row is asked for its chance there, which is quicker than its bound and the same answer.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evals.stats.bounds import exact_lower, suits_bca
from evals.stats.draws import resampled_sums
from evals.stats.resample import bca_lower
from evals.stats.sample import Sample
from evals.stats.worst_row import worst_row_chance

ALPHAS = (0.05, 0.0125)
EDGE = 1e-9


def allowed(alpha: float, runs: int) -> float:
    """The nominal rate and two Monte Carlo errors."""
    return alpha + 2 * (alpha * (1 - alpha) / runs) ** 0.5


def samples_of(num: np.ndarray, den: np.ndarray, rows: np.ndarray | None = None) -> list[Sample]:
    """A sample for each line of [samples, units]; `rows` [samples] where units are groups."""
    counts = np.full(len(num), num.shape[1]) if rows is None else rows
    return [Sample(a, b, int(n)) for a, b, n in zip(num, den, counts, strict=True)]


def sorted_draws(samples: Sequence[Sample]) -> np.ndarray:
    """[samples, resamples]: the sorted values of each on the same resamples of its units."""
    num, den = (np.stack([getattr(s, part) for s in samples], axis=1) for part in ("num", "den"))
    sums = resampled_sums(np.concatenate([num, den], axis=1))
    return np.sort((sums[:, : len(samples)] / sums[:, len(samples) :]).T, axis=1)


def first_bounds(samples: Sequence[Sample], alphas: Sequence[float]) -> np.ndarray:
    """[alphas, samples]: the first of the two bounds of the rule: BCa where it suits, else exact."""
    draws = sorted_draws(samples) if len(samples[0].num) >= 50 else [None] * len(samples)
    found = np.empty((len(alphas), len(samples)))
    for place, (sample, drawn) in enumerate(zip(samples, draws, strict=True)):
        for row, alpha in enumerate(alphas):
            plain = bca_lower(sample, alpha, drawn) if suits_bca(sample) and not sample.binary else None
            found[row, place] = exact_lower(sample, alpha) if plain is None else plain
    return found


def reached(samples: Sequence[Sample], firsts: np.ndarray, threshold: float, alpha: float) -> np.ndarray:
    """Whether the rule's lower bound reaches the threshold, for each sample."""
    return np.array(
        [
            first >= threshold and (sample.binary or worst_row_chance(sample, threshold) <= alpha)
            for sample, first in zip(samples, firsts, strict=True)
        ]
    )


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


def write(path: Path, name: str, text: str) -> None:
    """Put a table between its marks in a document."""
    begin, end = f"<!-- simulated {name}: begin -->", f"<!-- simulated {name}: end -->"
    before, rest = path.read_text(encoding="utf-8").split(begin)
    _, after = rest.split(end)
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def read(path: Path, name: str) -> list[list[str]]:
    """The cells of a table's lines, without its head; the line before the table comes first."""
    text = path.read_text(encoding="utf-8")
    part = text.split(f"<!-- simulated {name}: begin -->")[1].split(f"<!-- simulated {name}: end -->")[0]
    lines = part.strip().splitlines()
    table = [line for line in lines if line.startswith("|")][2:]
    return [[lines[0]], *([cell.strip() for cell in line.strip("|").split("|")] for line in table)]


def tell(line: str) -> str:
    """A line of a table, said on stderr as soon as it is known."""
    print(line, file=sys.stderr, flush=True)
    return line


DOCUMENT = Path(__file__).parents[2] / "docs" / "statistics.md"
