"""How much of `wb assess` is not the model: wall time after imports and loading, against the time
spent inside the language model and the embedder, in one run.

    python benchmarks/overhead.py [--short] [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from evals.models import Loader
from evals.types import ModelRef
from workbench.assess import assess
from workbench.runs import Scope
from workbench.session import Plan

TASK = ROOT / "examples" / "tickets" / "task.yaml"


def warmed() -> Loader:
    """A loader whose model and embedder are in memory and have answered once."""
    from evals.types import Request

    models = Loader()
    list(models.open(ModelRef("smollm2-135m")).generate([Request("warm", "Say yes.", 4)]))
    models.embedder("minilm").embed(["warm"])
    return models


def busy(models: Loader) -> float:
    """Seconds spent inside the model and the embedder so far."""
    opened: list[Any] = [models.open(ModelRef("smollm2-135m")), models.embedder("minilm")]
    return sum(float(each.busy_seconds) for each in opened)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    options.add_argument("--short", action="store_true", help="16 dev rows instead of all")
    options.add_argument("--json", action="store_true", help="one JSON object a figure")
    given = options.parse_args()
    models = warmed()
    before, start = busy(models), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        scope = Scope(limit=16) if given.short else Scope(dev_only=True)
        assess(Plan(TASK, Path(folder), scope), models)
    wall, inside = time.perf_counter() - start, busy(models) - before
    workload = f"tickets, {'16' if given.short else '80'} dev rows, every baseline"
    if given.json:
        figure = {"bench": "overhead", "workload": workload, "peer": "inside model and embedder"}
        numbers = {"ours": round(wall, 2), "theirs": round(inside, 2), "ratio": round(inside / wall, 4)}
        print(json.dumps({**figure, "unit": "seconds", **numbers, "runs": 1}))
    else:
        share = 100 * (1 - inside / wall)
        print(f"{workload}: {wall:.1f} s, of which {share:.1f} % outside the model and embedder")


if __name__ == "__main__":
    main()
