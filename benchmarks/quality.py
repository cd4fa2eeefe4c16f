"""Whether the engine's answers score as plain `generate`'s do in bf16, where batches change the last bits.

    python benchmarks/quality.py            500 rows of examples/tickets behind three fixed shots
    python benchmarks/quality.py --short    48 rows
    … --json                                one object for each figure on stdout

Both ways answer the same prompts greedily and are graded by the task's graders. `ours` and `theirs` are
mean scores; the share of answers that differ and the paired 95 % interval are printed on stderr.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from baselines.approach import Prompt
from evals.data import load_data
from evals.graders import build
from evals.models import Loader
from evals.models.engine.plain import run_plain
from evals.models.engine.rows import Row
from evals.models.local import LocalModel
from evals.stats.paired import difference
from evals.task import Task, load_task
from evals.types import Completion, Example, ModelRef, Prediction, Request

TASK = Path(__file__).parent.parent / "examples" / "tickets" / "task.yaml"
SHOTS, BATCH, NEW = 3, 16, 80


def asked(task: Task, n: int) -> tuple[list[Example], list[Request]]:
    """The last n rows of the task, and what is asked for each."""
    data = load_data(task)
    shots, rest = data.train[:SHOTS], [*data.train[SHOTS:], *data.dev, *data.test][-n:]
    prompt = Prompt(task.prompt.template, system=task.prompt.instruction)
    return rest, [Request(row.id, prompt.render(row.query(), shots), NEW) for row in rest]


def plainly(model: LocalModel, requests: Sequence[Request]) -> Iterator[Completion]:
    """The same answers by transformers' `generate`, sorted by length, in batches."""
    engine = model.engine
    prompts = engine.renderer.ids([r.prompt for r in requests])
    order = sorted(range(len(requests)), key=lambda i: -len(prompts[i]))
    for start in range(0, len(order), BATCH):
        some = order[start : start + BATCH]
        rows = [Row(requests[i], prompts[i], engine.renderer.tokenizer, engine.ends) for i in some]
        for row in run_plain(engine.core.whole, rows, engine.ends):
            yield row.completion()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--dtype", default="bfloat16")
    options = parser.parse_args()
    task, models = load_task(TASK), Loader()
    model = models.open(ModelRef("smollm2-135m", dtype=options.dtype))
    assert isinstance(model, LocalModel)
    rows, requests = asked(task, 48 if options.short else 500)
    answers = [{c.id: c for c in given} for given in (model.generate(requests), plainly(model, requests))]
    differ = sum(answers[0][row.id].text != answers[1][row.id].text for row in rows)
    print(f"{differ} of {len(rows)} answers differ ({differ / len(rows):.0%})", file=sys.stderr)
    for grader in build(task.graders, task.output):
        scores = []
        for given in answers:
            said = [(row, Prediction(row.id, given[row.id].text, given[row.id].finish)) for row in rows]
            scores.append([score.value for score in grader.grade(said, models)])
        gap = difference(*scores, level=0.95)
        figures = ", ".join(f"{x:+.3f}" for x in (gap.value, gap.low, gap.high) if x is not None)
        print(f"{grader.name}: difference and its 95 % interval {figures}", file=sys.stderr)
        mine, theirs = (statistics.mean(s) for s in scores)
        figure = {
            "bench": "quality",
            "workload": f"tickets, {len(rows)} rows, {grader.name}",
            "peer": f"plain generate, batch {BATCH}",
            "unit": "mean score",
            "ours": round(mine, 4),
            "theirs": round(theirs, 4),
            "ratio": round(mine / theirs, 3) if theirs else None,
            "runs": 1,
        }
        text = "{workload}: {ours:g} {unit}, {peer} {theirs:g}"
        print(json.dumps(figure) if options.json else text.format(**figure), flush=True)


if __name__ == "__main__":
    main()
