"""A run's rows with their scores as one Parquet table: a line for each approach, row and answer.

Columns: run, task, approach, hash, split, id, group, repeat, input, target, fields (JSON), text, finish,
failure, error, tokens_in, tokens_cached, tokens_out, calls, seconds, and for each grader score.NAME,
failure.NAME and why.NAME; null where there is none.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evals.errors import RunError
from evals.graders import answer_text
from evals.rows import INSTALL
from evals.store import plain, write_bytes
from evals.types import Models, Row, Split
from workbench.exchange.chat_lines import Written
from workbench.exchange.chosen import Chosen, every, refuse_file
from workbench.exchange.omitted import Omitted

TEXTS = "run task approach hash split id group input target fields text finish failure error".split()
COUNTS = "repeat tokens_in tokens_cached tokens_out calls".split()


def export_table(
    source: Path,
    file: Path,
    split: Split,
    models: Models,
    *,
    approach: str | None = None,
    force: bool = False,
) -> Written:
    """Write the rows of every scored approach, or of one. Raises RunError without pyarrow, without rows,
    or when `file` is there."""
    refuse_file(file, force)
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise RunError("Parquet files need pyarrow", where=file, hint=INSTALL) from error
    chosen = [one for one in every(source, split, models) if approach in (None, one.entry.name)]
    if not chosen:
        raise RunError("has no row to export", where=source, hint="Choose another --split or --approach.")
    graders = [grader.name for grader in chosen[0].evidence.graders]
    values = [_line(one, row, graders) for one in chosen for row in one.rows]
    schema = pyarrow.schema(
        [(name, pyarrow.string()) for name in TEXTS]
        + [(name, pyarrow.int64()) for name in COUNTS]
        + [("seconds", pyarrow.float64())]
        + [
            (f"{part}.{name}", pyarrow.float64() if part == "score" else pyarrow.string())
            for name in graders
            for part in ("score", "failure", "why")
        ]
    )
    held = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(values, schema=schema), held)
    write_bytes(file, held.getvalue())
    names = ", ".join(one.entry.name for one in chosen)
    return Written(file, len(values), names, tuple(_omitted(chosen)))


def _line(chosen: Chosen, row: Row, graders: Sequence[str]) -> dict[str, Any]:
    example, prediction, usage = row.example, row.prediction, row.prediction.usage
    line: dict[str, Any] = {
        "run": chosen.evidence.run.id,
        "task": chosen.evidence.task.name,
        "approach": chosen.entry.name,
        "hash": chosen.entry.hash,
        "split": chosen.split,
        "id": example.id,
        "group": example.group,
        "repeat": prediction.repeat,
        "input": whole(example.input),
        "target": whole(answer_text(example.target)),
        "fields": whole(json.dumps(plain(example.fields), ensure_ascii=False)),
        "text": whole(prediction.text),
        "finish": prediction.finish,
        "failure": row.failure,
        "error": prediction.error and whole(prediction.error),
        "tokens_in": usage.tokens_in,
        "tokens_cached": usage.tokens_cached,
        "tokens_out": usage.tokens_out,
        "calls": usage.calls,
        "seconds": usage.seconds,
    }
    for name in graders:
        score = row.scores.get(name)
        line[f"score.{name}"] = score.value if score is not None and score.judged else None
        line[f"failure.{name}"] = score.failure if score is not None else None
        line[f"why.{name}"] = whole(score.why) if score is not None else None
    return line


def whole(text: str) -> str:
    """The text as UTF-8 can hold it: half a character, which a model may emit, becomes its escape."""
    return text.encode("utf-8", "backslashreplace").decode()


def _omitted(chosen: Sequence[Chosen]) -> list[Omitted]:
    """What a table of rows does not hold."""
    run = chosen[0].evidence.run
    parts = ["prompts, shots and specs", "sources, repairs, votes and reasoning", "the decision"]
    unscored = [
        e.name for e in chosen[0].evidence.ladder.entries if not (e.key and chosen[0].split in e.splits)
    ]
    return [Omitted(str(run.folder), "", f"{part}: not in the table") for part in parts] + [
        Omitted(str(run.folder), name, f"was not scored on {chosen[0].split}") for name in unscored
    ]
