"""`wb compare A B`: what changed between two runs, row by row, and how sure that is.

Every metric that both were scored on, as B minus A on the same rows, with an interval whose ends err
at 1 - confidence each; the rows that flipped, with both answers. Dev rows are shown as text, test
rows only as counts and intervals. Nothing is decided here: `workbench.comparison.gate` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from evals.differences import Contrast, Pair, amount_contrast, paired, share_contrast
from evals.entries import rounded
from evals.looks import full_alpha
from evals.metrics import LATENCY, MEANS, grader_metrics, in_slice, is_amount, label
from evals.preferences import METRIC as PREFERENCE
from evals.ranking import SHOWN
from evals.store import plain
from evals.task import Task
from evals.types import Json, Measured, Models, Requirement, Row, Split
from workbench.comparison.sides import Side, age, changes, comparable, content_hash, refuse, side_of
from workbench.evidence import SPLITS

AMOUNTS = (*MEANS, *LATENCY)


@dataclass(frozen=True)
class Flip:
    """A row on which the two differ by the primary metric, with what each said and scored."""

    id: str
    repeat: int
    first: float
    second: float
    before: str
    after: str
    was: Json
    now: Json
    target: Json

    @property
    def better(self) -> bool:
        return self.second > self.first


@dataclass(frozen=True)
class OnSplit:
    """What there is to say of one split. `metrics` are B minus A; `better` and `worse` count the rows
    that flipped by the primary metric, `mended` and `broken` those that became right or wrong."""

    split: Split
    rows: int
    clusters: int
    metrics: tuple[Contrast, ...]
    better: int
    worse: int
    mended: int
    broken: int
    flips: tuple[Flip, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """Two sides and their differences by split; `level` is that of every interval."""

    first: Side
    second: Side
    task: Task
    level: float
    primary: str
    identical: bool
    changed: tuple[str, ...]
    splits: tuple[OnSplit, ...]
    notes: tuple[str, ...] = field(default=())


def approaches_of(text: str | None) -> tuple[str | None, str | None]:
    """NAME, or NAME=NAME for A and B, or nothing: what each run's decision is about."""
    if not text:
        return None, None
    first, _, second = text.partition("=")
    return first, second or first


def compare_runs(a: Path, b: Path, approach: str | None, models: Models) -> Comparison:
    """Compare two run folders. Raises RunError when they cannot be compared, with the reasons."""
    names = approaches_of(approach)
    first, _ = side_of(a, names[0], models)
    second, evidence = side_of(b, names[1], models)
    return contrast_sides(first, second, evidence.task)


def contrast_sides(first: Side, second: Side, task: Task, wanted: Sequence[Split] = SPLITS) -> Comparison:
    """Every metric of both on the wanted splits where both were judged on it. Raises RunError when
    they cannot be compared on the first of them."""
    if reasons := comparable(first, second, wanted[0]):
        raise refuse(first, second, reasons)
    level = 1 - 2 * full_alpha(task)
    splits, notes = [], list(_notes(first, second))
    for split in wanted:
        reasons = comparable(first, second, split)
        if not reasons:
            splits.append(contrast_split(first, second, split, task, level))
            notes += [f"not compared on {split}: {why}" for why in pairs_between(first, second, split)[1]]
        elif first.rows.get(split) or second.rows.get(split):
            notes.append(f"not compared on {split}: {'; '.join(reasons)}")
    return Comparison(
        first,
        second,
        task,
        level,
        second.primary,
        same_answers(pairs_of(first, second, wanted[0])),
        tuple(changes(first, second)),
        tuple(splits),
        tuple(notes),
    )


def _notes(first: Side, second: Side) -> list[str]:
    notes = []
    if first.task != second.task:
        notes.append(f"two tasks: A is of {first.task}, B of {second.task}")
    for name, side in (("A", first), ("B", second)):
        notes += [f"{name}: {note}" for note in side.notes]
    lone = sorted({*first.graders} ^ {*second.graders})
    if lone:
        notes.append(f"scored on one side only, so not compared: {', '.join(lone)}")
    if first.primary != second.primary:
        notes.append(f"what makes a row right is not the same: {first.primary} for A, {second.primary} for B")
    return notes


def pairs_of(first: Side, second: Side, split: Split) -> list[Pair]:
    """The rows of B, each with its row of A."""
    return paired(second.measured.rows.get(split, ()), first.measured.rows.get(split, ()))


def same_answers(pairs: Sequence[Pair]) -> bool:
    """Whether every row was answered, and alike."""
    return bool(pairs) and all(
        (a.prediction.text, a.prediction.finish, a.prediction.sources)
        == (b.prediction.text, b.prediction.finish, b.prediction.sources)
        and a.failure != "error"
        for a, b in pairs
    )


def contrast_split(first: Side, second: Side, split: Split, task: Task, level: float) -> OnSplit:
    """All metrics of one split, slices that a requirement names too."""
    pairs = pairs_of(first, second, split)
    shared = {name: value for name, value in first.graders.items() if second.graders.get(name) == value}
    contrasts = [
        contrast(metric, {}, pairs, (first.measured, second.measured), task, level)
        for metric in known_metrics(pairs, shared, (first.measured, second.measured))
    ]
    there = {found.metric for found in contrasts}
    for requirement in task.requirements:
        if requirement.where and requirement.metric in there:
            both = (first.measured, second.measured)
            contrasts.append(contrast(requirement.metric, requirement.where, pairs, both, task, level))
    contrasts += _of_pairs(first, second, split, task, level)
    contrasts = [found for found in contrasts if found.first is not None or found.second is not None]
    moved = _flips(pairs, second.primary)
    return OnSplit(
        split,
        len(pairs),
        len({(row.example.group or row.example.id) for row, _ in pairs}),
        tuple(contrasts),
        better=sum(flip.better for flip in moved),
        worse=sum(not flip.better for flip in moved),
        mended=sum(now.failure is None and was.failure is not None for now, was in pairs),
        broken=sum(now.failure is not None and was.failure is None for now, was in pairs),
        flips=tuple(moved) if split == "dev" else (),
    )


def pairs_between(first: Side, second: Side, split: Split) -> tuple[list[Pair], list[str]]:
    """What B makes of each pair of answers, with what A makes of it; and why that is not compared."""
    rows = [side.measured.pairs.get(split, ()) for side in (first, second)]
    if not all(rows):
        return [], [f"{PREFERENCE} is of one side only"] if any(rows) else []
    was, now = ({row.example.id: content_hash(row.example) for row in of} for of in rows)
    if was != now:
        return [], [f"{PREFERENCE} is of other pairs of answers"]
    return paired(rows[1], rows[0]), []


def _of_pairs(first: Side, second: Side, split: Split, task: Task, level: float) -> list[Contrast]:
    """preference_accuracy, slices that a requirement names too."""
    pairs, _ = pairs_between(first, second, split)
    slices = [r.where for r in task.requirements if r.where and r.metric == PREFERENCE]
    both = (first.measured, second.measured)
    wheres: list[Mapping[str, Json]] = [{}, *slices] if pairs else []
    return [contrast(PREFERENCE, where, pairs, both, task, level) for where in wheres]


def contrast(
    metric: str,
    where: Mapping[str, Json],
    pairs: Sequence[Pair],
    sides: tuple[Measured, Measured],
    task: Task,
    level: float,
) -> Contrast:
    """B minus A on the rows of a slice; the contrast bears the slice's name."""
    mine = {id(row) for row in in_slice([row for row, _ in pairs], where)}
    kept = [pair for pair in pairs if id(pair[0]) in mine]
    if is_amount(metric):
        found = amount_contrast(metric, sides[1], sides[0], kept, task, level)
    else:
        found = share_contrast(metric, kept, level)
    return replace(found, metric=label(Requirement(metric, "quality", 0.0, where=where)))


def known_metrics(
    pairs: Sequence[Pair], graders: Mapping[str, str], sides: tuple[Measured, Measured]
) -> list[str]:
    """Every metric that can be compared: what the shared graders give, how well both retrieved, errors,
    tokens, money, and latency where both were timed."""
    rows = [row for pair in pairs for row in pair]
    given = [m for m in grader_metrics(rows) if any(m == g or m.startswith(f"{g}.") for g in graders)]
    retrieved = all(
        any(pair[place].prediction.sources and pair[place].example.gold_doc_ids for pair in pairs)
        for place in (0, 1)
    )
    timed = LATENCY if all(side.latency for side in sides) else ()
    return [*given, *(SHOWN if retrieved else ()), "error_rate", *MEANS, *timed]


def _flips(pairs: Sequence[Pair], primary: str) -> list[Flip]:
    """The rows whose score on the primary grader moved, furthest first."""
    found = []
    for now, was in pairs:
        if primary not in now.scores or primary not in was.scores:
            continue
        scores = was.scores[primary].value, now.scores[primary].value
        if scores[0] != scores[1]:
            found.append(_flip(now, was, scores, primary))
    return sorted(found, key=lambda flip: (-abs(flip.second - flip.first), flip.id))


def _flip(now: Row, was: Row, scores: tuple[float, float], primary: str) -> Flip:
    return Flip(
        now.example.id,
        now.prediction.repeat,
        scores[0],
        scores[1],
        was.prediction.text,
        now.prediction.text,
        was.scores[primary].answer,
        now.scores[primary].answer,
        now.example.target,
    )


def to_json(found: Comparison) -> dict[str, Json]:
    """The comparison as plain values: what --json prints and what is rendered."""
    return {
        "version": 1,
        "task": found.second.task,
        "level": rounded(found.level),
        "primary": found.primary,
        "identical": found.identical,
        "a": side_json(found.first),
        "b": side_json(found.second),
        "changed": list(found.changed),
        "notes": list(found.notes),
        "splits": {of.split: _split_json(of) for of in found.splits},
    }


def side_json(side: Side) -> dict[str, Json]:
    """What a reader must know of a side."""
    return {
        "approach": side.approach,
        "hash": side.measured.hash,
        "run": side.run,
        "where": side.where,
        "started": side.started,
        "commit": side.commit,
        "baseline": side.name or None,
        "blessed": side.blessed or None,
        "age": age(side.blessed) if side.blessed else None,
    }


def _split_json(of: OnSplit) -> dict[str, Json]:
    return {
        "rows": of.rows,
        "clusters": of.clusters,
        "better": of.better,
        "worse": of.worse,
        "mended": of.mended,
        "broken": of.broken,
        "metrics": {found.metric: contrast_json(found) for found in of.metrics},
        "flips": [{**plain(flip), "better": flip.better} for flip in of.flips],
    }


def contrast_json(found: Contrast) -> dict[str, Json]:
    """A metric's difference, B minus A; on `up` rows B scores higher, on `down` rows lower."""
    return {
        "a": rounded(found.second),
        "b": rounded(found.first),
        **{
            key: rounded(getattr(found.difference, at))
            for key, at in (("difference", "value"), ("low", "low"), ("high", "high"))
        },
        "n": found.difference.n,
        "clusters": found.difference.clusters,
        "up": found.better,
        "down": found.worse,
        "missing": found.missing,
        "p": rounded(found.p),
        "test": found.test,
    }
