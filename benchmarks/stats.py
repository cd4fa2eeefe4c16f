"""Resampling against scipy's bootstrap: BCa intervals of approaches scored on the same rows, and of
the paired differences to the first of them.

    python benchmarks/stats.py [--short] [--json]

The peer is `scipy.stats.bootstrap` (BCa, one call for all approaches, vectorised along the rows), at
the batch size that was fastest for it in a trial before; its differences are a second call, on the
differences of the rows. Both use one thread and as many resamples, take turns, and the median of the
runs counts. The two must agree, or the comparison is worth nothing: the largest gap between their
ends is printed, in widths of the interval.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np
from scipy.stats import bootstrap

from evals.stats.together import together

LEVEL = 0.95
BATCHES = (16, 64, 256)
Ends = np.ndarray
"""[approaches and differences, 2]: both ends of each interval."""


def scores(rows: int, approaches: int) -> np.ndarray:
    """[rows, approaches]: graded scores that share their rows' difficulty."""
    rng = np.random.default_rng(7)
    noise = rng.normal(0, 0.1, (rows, approaches))
    return np.clip(rng.beta(4, 1, (rows, 1)) + noise, 0, 1)


def ours(data: np.ndarray, resamples: int, seed: int) -> Ends:
    """Every approach, then every difference to the first. A new seed, so that no draws are at hand."""
    both, many = together(data, resamples=resamples, seed=seed), data.shape[1]
    found = [both.interval(place, LEVEL) for place in range(many)]
    found += [both.difference(place, 0, LEVEL) for place in range(1, many)]
    return np.array([[each.low, each.high] for each in found], dtype=float)


def theirs(data: np.ndarray, resamples: int, batch: int) -> Ends:
    """The same by scipy."""
    parts = []
    for columns in (data, data[:, 1:] - data[:, :1]):
        found = bootstrap(
            (np.ascontiguousarray(columns.T),),
            np.mean,
            axis=-1,
            vectorized=True,
            n_resamples=resamples,
            batch=batch,
            confidence_level=LEVEL,
            method="BCa",
            rng=np.random.default_rng(1),
        ).confidence_interval
        parts.append(np.column_stack([found.low, found.high]))
    return np.concatenate(parts)


def timed(work: Callable[[], Ends]) -> tuple[float, Ends]:
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def best_batch(data: np.ndarray) -> int:
    """The peer's fastest batch size on a few resamples."""
    trial = {batch: timed(lambda b=batch: theirs(data, 256, b))[0] for batch in BATCHES}
    return min(trial, key=lambda batch: trial[batch])


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    options.add_argument("--short", action="store_true", help="1,000 rows, 3 approaches, 2,000 resamples")
    options.add_argument("--json", action="store_true", help="one JSON object a figure")
    given = options.parse_args()
    rows, approaches, resamples, runs = (1000, 3, 2000, 3) if given.short else (10_000, 10, 10_000, 2)
    data = scores(rows, approaches)
    warnings.simplefilter("ignore")
    batch = best_batch(data)
    times: dict[str, list[float]] = {"ours": [], "theirs": []}
    for run in range(runs):
        spent, mine = timed(lambda seed=run: ours(data, resamples, seed))
        times["ours"].append(spent)
        spent, other = timed(lambda: theirs(data, resamples, batch))
        times["theirs"].append(spent)
    gap = float((np.abs(mine - other) / (mine[:, 1] - mine[:, 0])[:, None]).max())
    fast, slow = float(np.median(times["ours"])), float(np.median(times["theirs"]))
    workload = f"{resamples} resamples x {rows} rows x {approaches} approaches and differences, one thread"
    peer = f"scipy.stats.bootstrap, BCa, batch {batch}"
    if given.json:
        figure = {"bench": "stats", "workload": workload, "peer": peer, "unit": "seconds"}
        numbers = {"ours": round(fast, 3), "theirs": round(slow, 3), "ratio": round(slow / fast, 2)}
        print(json.dumps({**figure, **numbers, "runs": runs}))
    else:
        print(f"{workload}: {fast:.2f} s; {peer}: {slow:.2f} s ({slow / fast:.1f} times as long)")
        print(f"largest gap between the ends of the two: {100 * gap:.1f} % of an interval's width")


if __name__ == "__main__":
    main()
