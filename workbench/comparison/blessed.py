"""Blessed baselines: an approach's rows in a small file beside the task, meant to be committed.

A checkout in CI has the task and its data, and no run folders. So the file holds what a comparison
needs: what was answered to each dev row and how it scored; of test rows the scores alone, as their
text is not to be shown. The first line says what was blessed and when; each further line is a row, so
that a change of the baseline can be read in a diff. Inputs and outputs are not repeated: they are
taken from the other side, whose rows must be the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evals.errors import RunError
from evals.store import plain, read_lines, reading, revive, write_lines
from evals.table import nearest
from evals.types import Example, Measured, Prediction, Row, Score, Split
from workbench.comparison.sides import Side
from workbench.evidence import SPLITS

VERSION = 1
PREFIX, SUFFIX = "baseline-", ".jsonl"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def blessed_path(task_path: Path, name: str) -> Path:
    """Where a baseline of this name lies. Raises RunError for a name that is none."""
    if not NAME.fullmatch(name):
        raise RunError(
            f"{name!r} cannot name a baseline",
            hint="Use letters, digits, '.', '_' and '-', at most 64, beginning with a letter or digit.",
        )
    return task_path.parent / f"{PREFIX}{name}{SUFFIX}"


def bless(side: Side, task_path: Path, name: str, now: datetime | None = None) -> Path:
    """Write a side as the named baseline of a task, in place of an older one. Raises RunError for a
    side with rows that have no answer: nothing can be held against them."""
    path = blessed_path(task_path, name)
    lost = sum(row.failure == "error" for row in side.measured.rows.get("dev", ()))
    if lost or not side.measured.rows.get("dev"):
        raise RunError(
            f"{lost or 'all'} dev rows of {side.approach} have no answer, so it cannot be a baseline",
            where=side.where,
            hint="Run the same `wb assess` again: it asks for what is missing.",
        )
    head = {
        "version": VERSION,
        "name": name,
        "blessed": (now or datetime.now(UTC)).isoformat(timespec="seconds"),
        **{key: getattr(side, key) for key in _KEPT},
        "approach": {
            "name": side.approach,
            "hash": side.measured.hash,
            "kind": side.measured.kind,
            "provider": side.measured.provider,
            "latency": side.measured.latency,
        },
    }
    rows = [_line(side, row, split) for split in SPLITS for row in side.measured.rows.get(split, ())]
    write_lines(path, [head, *rows])
    return path


_KEPT = (
    "run",
    "started",
    "commit",
    "task",
    "task_file",
    "primary",
    "graders",
    "judge",
    "fingerprint",
    "spec",
)


def _line(side: Side, row: Row, split: Split) -> dict[str, Any]:
    prediction = row.prediction
    return {
        "split": split,
        "id": row.example.id,
        "row": side.rows[split][row.example.id],
        "repeat": prediction.repeat,
        "failure": row.failure,
        "finish": prediction.finish,
        "text": prediction.text,
        "sources": prediction.sources,
        "shown": prediction.shown,
        "usage": plain(prediction.usage),
        "error": prediction.error,
        "scores": {
            name: {
                "value": score.value,
                "failure": score.failure,
                "answer": score.answer,
                "counts": score.counts,
            }
            for name, score in row.scores.items()
        },
    }


def find_blessed(task_path: Path, name: str) -> Path | None:
    """The file of a named baseline; None when there is none."""
    path = blessed_path(task_path, name)
    return path if path.is_file() else None


def blessed_names(task_path: Path) -> list[str]:
    """The baselines that lie beside a task."""
    found = sorted(task_path.parent.glob(f"{PREFIX}*{SUFFIX}"))
    return [path.name[len(PREFIX) : -len(SUFFIX)] for path in found]


def no_baseline(task_path: Path, name: str) -> RunError:
    """The error for a baseline that is neither a run nor blessed."""
    names = blessed_names(task_path)
    return RunError(
        f"there is neither a run folder nor a blessed baseline {name!r}.{nearest(name, names)}",
        where=task_path.parent,
        hint=f"Blessed here: {', '.join(names) or 'none'}. Bless one with `wb gate RUN --bless {name}`, "
        "and commit its file.",
    )


def read_blessed(path: Path, other: Side) -> Side:
    """A blessed baseline as a side. `other`, which it is held against, gives the rows' content where
    their hashes say that it is the same. Raises RunError when the file is damaged or of another version."""
    with reading(path):
        head, *lines = read_lines(path)
        if head["version"] != VERSION:
            raise RunError(
                f"was written by another version (format {head['version']}, this one reads {VERSION})",
                where=path,
                hint=f"Bless it again: wb gate RUN --bless {head['name']}.",
            )
        approach = head["approach"]
        examples: dict[tuple[str, str], Example] = {
            (split, row.example.id): row.example
            for split in SPLITS
            for row in other.measured.rows.get(split, ())
        }
        rows: dict[Split, list[Row]] = {split: [] for split in SPLITS}
        if len({(line["split"], line["id"], line["repeat"]) for line in lines}) < len(lines):
            raise ValueError("a row stands there twice")
        for line in lines:
            rows[line["split"]].append(_row(line, examples))
        measured = Measured(
            approach["name"],
            approach["hash"],
            approach["kind"],
            "scored",
            rows={split: found for split, found in rows.items() if found},
            expected={split: len(found) for split, found in rows.items() if found},
            latency=tuple(approach["latency"]),
            provider=approach["provider"],
        )
        return Side(
            where=str(path),
            measured=measured,
            rows={split: _hashes(lines, split) for split in SPLITS},
            name=head["name"],
            blessed=datetime.fromisoformat(head["blessed"]).astimezone(UTC).isoformat(timespec="seconds"),
            **{key: head[key] for key in _KEPT},
        )


def _hashes(lines: Sequence[Mapping[str, Any]], split: Split) -> dict[str, str]:
    return {line["id"]: line["row"] for line in lines if line["split"] == split}


def _row(line: Mapping[str, Any], examples: Mapping[tuple[str, str], Example]) -> Row:
    example = examples.get((line["split"], line["id"])) or Example(line["id"], "", None)
    prediction = revive(
        Prediction,
        {key: line[key] for key in ("id", "text", "finish", "usage", "error", "sources", "repeat", "shown")},
    )
    scores = {
        name: revive(Score, {"id": line["id"], "grader": name, "repeat": line["repeat"], **score})
        for name, score in line["scores"].items()
    }
    if not all(0 <= score.value <= 1 for score in scores.values()):
        raise ValueError(f"a score of row {line['id']} lies outside of 0 to 1")
    return Row(example, prediction, scores, line["failure"])
