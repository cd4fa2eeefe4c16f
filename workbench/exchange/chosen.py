"""What of a run is exported: one approach, or all that were scored, on one split, with its graded rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from baselines.approach import Prompted, load
from evals.errors import RunError
from evals.types import Models, Row, Split
from workbench.comparison.sides import entry_of
from workbench.evidence import Entry, Evidence, read_evidence
from workbench.runs import find_run


@dataclass(frozen=True)
class Chosen:
    """An approach as saved, and its graded rows of a split."""

    evidence: Evidence
    entry: Entry
    approach: Prompted
    split: Split
    rows: tuple[Row, ...]


def choose(source: Path, name: str | None, split: Split, models: Models) -> Chosen:
    """The approach named, else the one that the run's decision is about. Raises RunError when there is no
    such run or approach, or when it has no rows of the split."""
    evidence = read_evidence(find_run(source))
    entry = entry_of(evidence, name)
    if split not in entry.splits:
        raise RunError(
            f"has no {split} rows of {entry.name}",
            where=evidence.run.folder,
            hint=f"It was asked on {', '.join(entry.splits)}: choose with --split.",
        )
    return _with_rows(evidence, entry, split, models)


def every(source: Path, split: Split, models: Models) -> Iterator[Chosen]:
    """Each approach that was scored on the split, in the order of the ladder."""
    evidence = read_evidence(find_run(source))
    for entry in evidence.ladder.entries:
        if entry.key and split in entry.splits:
            yield _with_rows(evidence, entry, split, models)


def _with_rows(evidence: Evidence, entry: Entry, split: Split, models: Models) -> Chosen:
    approach = load(evidence.run.approach(entry.name, entry.key).resolve())
    return Chosen(evidence, entry, approach, split, tuple(evidence.rows(entry, split, models)))


def refuse_file(path: Path, force: bool) -> None:
    """Raises RunError when there is something at `path` that may not be replaced."""
    if path.is_dir():
        raise RunError("is a folder; name the file to write", where=path)
    if path.exists() and not force:
        raise RunError("is there already", where=path, hint="Name a new file, or add --force.")
