"""One side of a comparison: an approach of a run, with all that says whether another may be held against it.

A side comes from a run folder, or from a file that somebody blessed (`blessed.py`). Two sides
are comparable on a split when they answered the same rows (input, output, references, group and
columns) and were scored by the same graders and the same judge. That the prompts, the shots, the
model or the decoder differ is what a comparison is for: it is told, and refuses nothing.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evals.errors import RunError
from evals.examples import row_hash
from evals.graders import grader_hash
from evals.store import digest, plain, read_json, reading
from evals.table import nearest
from evals.task import Task
from evals.types import Example, Json, Measured, Models, Split
from workbench.evidence import SPLITS, Entry, Evidence, read_evidence
from workbench.runs import find_run

NAMED = 3
"""Rows that a refusal names."""


@dataclass(frozen=True)
class Side:
    """`where` says where it was read from. `graders` maps a grader to its hash; `rows` maps a row to
    the hash of all that it says, by split; `spec` is the approach as saved, without its name; `primary`
    is the grader that says whether a row is right; `test_rows` are the hashes by which a ledger knows
    the test set; `blessed` is when a person blessed it under `name`, "" for a run."""

    where: str
    run: str
    started: str
    commit: str
    task: str
    task_file: str
    measured: Measured
    primary: str
    graders: Mapping[str, str]
    judge: str
    fingerprint: str
    spec: Mapping[str, Json]
    rows: Mapping[Split, Mapping[str, str]]
    test_rows: tuple[str, ...] = ()
    name: str = ""
    blessed: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def approach(self) -> str:
        return self.measured.name


def content_hash(example: Example) -> str:
    """Changes when a row could be answered, scored or counted otherwise."""
    return digest([row_hash(example), example.group, example.gold_doc_ids])


def side_of(path: Path, approach: str | None, models: Models) -> tuple[Side, Evidence]:
    """The approach named, else the one that the run's decision is about, and the run it is from.

    Raises RunError when there is no finished run at `path` or the approach was not scored in it.
    """
    run = find_run(path)
    evidence = read_evidence(run)
    decision = run.folder / "decision.json"
    if not (evidence.ladder.ended and decision.is_file()):
        raise RunError(
            "has no decision yet",
            where=run.folder,
            hint=f"Continue it: {evidence.provenance['commands'].get('incomplete')}",
        )
    entry = entry_of(evidence, approach)
    (measured,) = replace(evidence, ladder=replace(evidence.ladder, entries=(entry,))).measured(models)
    spec = _spec(run.approach(entry.name, entry.key))
    found = evidence.provenance
    return Side(
        where=str(run.folder),
        run=run.id,
        started=str(found.get("started", "")),
        commit=str(found.get("commit") or ""),
        task=evidence.task.name,
        task_file=str(found.get("task_file", "")),
        measured=replace(_veiled(measured), provider=str(spec["model"]["provider"])),
        primary=evidence.primary.name,
        graders={grader.name: grader_hash(grader) for grader in evidence.graders},
        judge=_judge(evidence.task),
        fingerprint=str(found.get("model", "")),
        spec=spec,
        rows={
            split: {row.example.id: content_hash(row.example) for row in measured.rows.get(split, ())}
            for split in SPLITS
        },
        test_rows=evidence.ladder.test_rows,
        notes=() if evidence.ladder.binding else evidence.ladder.notes,
    ), evidence


def _veiled(measured: Measured) -> Measured:
    """The same with test rows whose answers are known by their hash: their text is not to be shown."""
    hidden = [
        replace(
            row,
            prediction=replace(row.prediction, text=digest(row.prediction.text)),
            scores={name: replace(score, answer=None, why="") for name, score in row.scores.items()},
        )
        for row in measured.rows.get("test", ())
    ]
    return replace(measured, rows={**measured.rows, "test": hidden}) if hidden else measured


def decided(decision: Mapping[str, Any]) -> str | None:
    """The approach that ships, or else the one whose requirements are shown."""
    asked = [str(entry["approach"]) for entry in decision["requirements"] if entry.get("approach")]
    return decision["approach"] or (asked[0] if asked else None)


def entry_of(evidence: Evidence, name: str | None) -> Entry:
    """The approach named, else the one that the run's decision is about, else the last that was scored.
    Raises RunError when it was not scored."""
    decision = evidence.run.folder / "decision.json"
    if name is None and decision.is_file():
        with reading(decision):
            name = decided(read_json(decision))
    return scored_entry(evidence, name)


def scored_entry(evidence: Evidence, name: str | None) -> Entry:
    """The approach of that name, or the last that was scored. Raises RunError when it was not scored."""
    scored = [entry for entry in evidence.ladder.entries if entry.key and entry.splits]
    if name is None:
        name = scored[-1].name if scored else ""
    for entry in scored:
        if entry.name == name:
            return entry
    tried = {entry.name: entry.why for entry in evidence.ladder.entries}
    there = ", ".join(entry.name for entry in scored) or "none"
    if tried.get(name):
        raise RunError(
            f"the approach {name!r} was not scored: {tried[name]}",
            where=evidence.run.folder,
            hint=f"Scored there: {there}.",
        )
    raise RunError(
        f"this run has no approach {name!r}.{nearest(name, tried)}",
        where=evidence.run.folder,
        hint=f"Scored there: {there}.",
    )


def _spec(folder: Path) -> dict[str, Any]:
    """What is asked of which model, without the approach's name; shots and chunks by the hash of their
    file."""
    with reading(folder / "spec.json"):
        spec: dict[str, Any] = {**read_json(folder / "spec.json")}
        for key in ("version", "hash", "name"):
            spec.pop(key, None)
        shots = spec["prompt"].get("shots")
        if shots is not None and (folder / "shots.jsonl").is_file():
            text = (folder / "shots.jsonl").read_text(encoding="utf-8")
            spec["prompt"]["shots"] = {**shots, "examples": digest(text)}
        spec["model"]["provider"] = spec["model"].get("provider", "local")
    return spec


def _judge(task: Task) -> str:
    judge = task.file.value.get("judge")
    return digest(judge) if judge is not None else ""


def comparable(first: Side, second: Side, split: Split) -> list[str]:
    """Why the two may not be compared on a split, one sentence a reason; empty when they may."""
    reasons = []
    mine, theirs = first.rows.get(split, {}), second.rows.get(split, {})
    for side, rows in ((first, mine), (second, theirs)):
        if not rows:
            reasons.append(f"{_called(side)} was not judged on {split}")
    if mine and theirs:
        reasons += _row_reasons(mine, theirs, split)
    shared = [name for name in first.graders if name in second.graders]
    changed = [name for name in shared if first.graders[name] != second.graders[name]]
    if changed:
        reasons.append(f"the grader {', '.join(changed)} is not the same: other options, rules or output")
    if not shared:
        reasons.append(f"no grader scored both: {', '.join(first.graders)} and {', '.join(second.graders)}")
    if first.judge != second.judge:
        reasons.append("another judge graded them")
    return reasons


def _row_reasons(mine: Mapping[str, str], theirs: Mapping[str, str], split: Split) -> list[str]:
    alone = [[i for i in rows if i not in others] for rows, others in ((mine, theirs), (theirs, mine))]
    changed = [i for i in mine if i in theirs and mine[i] != theirs[i]]
    reasons = []
    if any(alone):
        only = [
            f"{len(ids)} only in {name} ({_some(ids)})" for ids, name in zip(alone, "AB", strict=True) if ids
        ]
        reasons.append(f"the {split} rows are not the same: {', '.join(only)}")
    if changed:
        reasons.append(f"{len(changed)} {split} rows have changed ({_some(changed)})")
    return reasons


def _some(ids: Sequence[str]) -> str:
    return ", ".join(ids[:NAMED]) + (" …" if len(ids) > NAMED else "")


def _called(side: Side) -> str:
    return f"{side.approach} of {side.name or side.run}"


def refuse(first: Side, second: Side, reasons: Sequence[str]) -> RunError:
    """The error that says why two sides may not be compared, and what would make them comparable."""
    again = shlex.join(["wb", "assess", second.task_file or "task.yaml"])
    what = (
        f"bless a new one: wb gate RUN --bless {first.name}" if first.name else f"run {again} on both states"
    )
    return RunError(
        f"cannot be compared with {first.where}: {'; '.join(reasons)}",
        where=second.where,
        hint=f"Only what was asked and graded alike can be compared: {what}.",
    )


def changes(first: Side, second: Side) -> list[str]:
    """What differs between the two approaches, as key paths of their specs; short values are shown."""
    found = []
    before, after = _flat(plain(first.spec), ""), _flat(plain(second.spec), "")
    for key in dict.fromkeys([*before, *after]):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        short = all(isinstance(v, int | float | None) or len(str(v)) <= 24 for v in (old, new))
        told = not key.endswith(("examples", "chunks", "digest", "hash"))
        found.append(f"{key} ({_said(old)} → {_said(new)})" if short and told else key)
    if first.fingerprint != second.fingerprint and not any(key.startswith("model") for key in found):
        found.append("the model's weights or tokenizer")
    return found


def _said(value: Json) -> str:
    return "none" if value in (None, "") else str(value)


def _flat(value: Json, path: str) -> dict[str, Json]:
    if isinstance(value, dict) and value:
        inner = [_flat(v, f"{path}.{k}" if path else k) for k, v in value.items()]
        return {key: v for part in inner for key, v in part.items()}
    return {path: plain(value) if not isinstance(value, list) else str(value)}


def age(blessed: str, now: datetime | None = None) -> str:
    """How long ago a baseline was blessed: "today", "12 days ago"."""
    days = ((now or datetime.now(UTC)) - datetime.fromisoformat(blessed)).days
    return "today" if days < 1 else "a day ago" if days == 1 else f"{days} days ago"
