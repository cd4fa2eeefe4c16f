"""The lexical audit of many rows: seconds and memory, and its search for near copies beside datasketch's.

    python benchmarks/audit.py [--short] [--json] [--rows 100000] [--embeddings]

Rows are generated: 30 words each from a vocabulary with the spread of natural words (Zipf), every 20th a
copy of an earlier one with a word changed. Load is everything `wb check` does without a model: copies,
near copies, contradictions, columns, outliers, personal data, balance. The peer searches near copies as its
documentation shows, `MinHash.bulk` and `MinHashLSH`, with as many permutations on the same runs of five
characters, at the threshold that it needs to find as many of the changed copies; both use one thread, and
the share of changed copies that each finds is printed. It is left out where datasketch is not installed.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np

from evals.audit import audit
from evals.audit.minhash import ORDERS, candidates, signatures
from evals.audit.shingles import shared, shingles
from evals.data import Data
from evals.models import Loader
from evals.task import load_task
from evals.types import Example

EVERY = 20
ALIKE = 0.7
TASK = """name: bench
model: smollm2-135m
data: {eval: rows.jsonl}
prompt: {instruction: Name it.}
output: {labels: [a, b, c]}
requirements: [{metric: label, at_least: 0.8, kind: quality}]
"""


def texts(rows: int) -> list[str]:
    """Generated rows; row i is a changed copy of row i - 7 where i is a multiple of EVERY."""
    rng = np.random.default_rng(3)
    letters = np.array(list("etaoinshrdlcumwfgypbvk"))
    vocabulary = ["".join(rng.choice(letters, rng.integers(2, 10))) for _ in range(20_000)]
    drawn = np.minimum(rng.zipf(1.3, (rows, 30)) - 1, len(vocabulary) - 1)
    found: list[str] = []
    for number, words in enumerate(drawn):
        if number >= EVERY and number % EVERY == 0:
            copy = found[number - 7].split()
            copy[number % len(copy)] = vocabulary[int(words[0])] + "s"
            found.append(" ".join(copy))
        else:
            found.append(" ".join(vocabulary[place] for place in words))
    return found


def whole(rows: list[str], embed: bool) -> tuple[float, float]:
    """(seconds, processor seconds) of the audit, four fifths of the rows train."""
    examples = [Example(f"r{i}", text, "abc"[i % 3]) for i, text in enumerate(rows)]
    cut, half = len(rows) * 8 // 10, len(rows) * 9 // 10
    data = Data(tuple(examples[:cut]), tuple(examples[cut:half]), tuple(examples[half:]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "task.yaml"
        path.write_text(TASK)
        task = load_task(path)
        start, worked = time.perf_counter(), time.process_time()
        audit(task, data, Loader() if embed else None)
        return time.perf_counter() - start, time.process_time() - worked


def changed(rows: list[str]) -> list[tuple[int, int]]:
    """The copies and what they were made of, where the two are alike."""
    made = np.array([(i - 7, i) for i in range(EVERY, len(rows), EVERY)])
    sets = shingles(rows, 5)
    both = shared(sets, made)
    alike = both / (sets.sizes[made].sum(axis=1) - both) >= ALIKE
    return [(int(a), int(b)) for a, b in made[alike]]


def ours(rows: list[str]) -> set[tuple[int, int]]:
    """Pairs of like rows, by this project."""
    pairs, _ = candidates(signatures(shingles(rows, 5)))
    return {(int(a), int(b)) for a, b in pairs}


def theirs(rows: list[str]) -> set[tuple[int, int]]:
    """The same by datasketch."""
    from datasketch import MinHash, MinHashLSH

    runs = [{text[i : i + 5].encode() for i in range(len(text) - 4)} for text in rows]
    index, found = MinHashLSH(threshold=ALIKE - 0.1, num_perm=ORDERS), set()
    for place, sketch in enumerate(MinHash.bulk(runs, num_perm=ORDERS)):
        found |= {(other, place) for other in index.query(sketch)}
        index.insert(place, sketch)
    return found


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    options.add_argument("--short", action="store_true", help="5,000 rows")
    options.add_argument("--json", action="store_true", help="one JSON object a figure")
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--embeddings", action="store_true", help="the sample compared by meaning too")
    given = options.parse_args()
    rows = texts(5000 if given.short else given.rows)
    spent, worked = whole(rows, given.embeddings)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    workload = f"{len(rows)} rows of 30 words"
    if not given.json:
        print(
            f"audit of {workload}: {spent:.1f} s ({worked:.1f} s of processor), peak memory {memory:.2f} GiB"
        )
    sought = set(changed(rows))
    times, share = {}, {}
    for name, search in (("ours", ours), ("theirs", theirs)):
        start = time.perf_counter()
        try:
            found = search(rows)
        except ImportError:
            print("datasketch is not installed: no comparison", file=sys.stderr)
            return
        times[name], share[name] = time.perf_counter() - start, len(found & sought) / max(len(sought), 1)
    ratio = times["theirs"] / times["ours"]
    if given.json:
        figure = {"bench": "audit", "workload": f"near copies among {workload}", "peer": "datasketch 2"}
        numbers = {
            "ours": round(times["ours"], 2),
            "theirs": round(times["theirs"], 2),
            "ratio": round(ratio, 1),
        }
        print(json.dumps({**figure, "unit": "seconds", **numbers, "runs": 1}))
        return
    print(
        f"near copies: {times['ours']:.1f} s; datasketch: {times['theirs']:.1f} s ({ratio:.0f} times as long)"
    )
    print(
        f"of {len(sought)} copies with a word changed: {share['ours']:.1%}; datasketch {share['theirs']:.1%}"
    )


if __name__ == "__main__":
    main()
