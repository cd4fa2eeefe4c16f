"""The diagnosis as decision.json has it: sentences, the arms with their figures, the next step.

A pure function of the run folder: the same predictions give the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.run import grade, measured_rows, read_predictions
from evals.selection import judge_on_dev, meets_by_point
from evals.task import Task
from evals.types import Example, Grader, Measured, Models, Prediction, Row
from workbench.diagnosis import failing, sentences
from workbench.diagnosis.arms import ONE_CHANGE, PART, Arm, Arms, Kind, read_arms
from workbench.diagnosis.cure import cure
from workbench.diagnosis.effects import Effect, effects
from workbench.diagnosis.lenient import lenient
from workbench.diagnosis.reading import Reading, by_kind


@dataclass(frozen=True)
class Folder:
    """The part of a run folder that a diagnosis is read from."""

    path: Path
    task: Task
    graders: Sequence[Grader]
    primary: Grader
    dev: Sequence[Example]


@dataclass(frozen=True)
class Diagnosed:
    """What there is to say. `step` takes the place of the next step where another cure was found; else
    `ruled_out` speaks for it."""

    sentences: tuple[str, ...] = ()
    arms: tuple[Mapping[str, Any], ...] = ()
    step: Mapping[str, Any] | None = None
    ruled_out: tuple[str, ...] = ()

    def next_step(self, planned: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """What to do next, given what was planned without a diagnosis."""
        if self.step is not None or planned is None:
            return self.step
        return {**planned, "why": [*planned.get("why", ()), *self.ruled_out]}


NOTHING_FOUND = Diagnosed()


def diagnosed(folder: Folder, measured: Sequence[Measured], models: Models) -> Diagnosed:
    """Read a run's diagnosis; nothing where there is none. Raises RunError when it is damaged."""
    arms = read_arms(folder.path)
    if arms is None:
        return NOTHING_FOUND
    if arms.skipped:
        why = f"Not diagnosed ({arms.skipped}): why {arms.of} fails was not measured."
        return Diagnosed((why,))
    scored = {m.name: m for m in measured if m.state == "scored" and m.rows.get("dev")}
    if arms.of not in scored:
        return NOTHING_FOUND
    readings = [_read(folder, arm, scored[arm.of], models) for arm in arms.arms if not arm.why]
    formal = {name: _leniently(folder, m, models) for name, m in scored.items()}
    told = _told(folder, arms, scored, readings, formal)
    entries = [_entry(reading) for reading in readings]
    entries += [_unasked(arm) for arm in arms.arms if arm.why]
    entries += [
        _lenient_entry(name, found)
        for name, found in formal.items()
        if found and (name == arms.of or any(effect.difference.value for effect in found))
    ]
    out = tuple(sentences.ruled_out(readings, formal[arms.of]))
    return Diagnosed(tuple(told), tuple(entries), cure(folder.task, scored, readings), out)


def _read(folder: Folder, arm: Arm, of: Measured, models: Models) -> Reading:
    """An arm's rows, graded, beside those of the approach it changes."""
    path = folder.path / PART / arm.folder
    predictions = read_predictions(path / "predictions.jsonl", "dev")
    after = _rows(folder, predictions, models, path / "scores.jsonl")
    asked = {row.example.id for row in after}
    before = [row for row in of.rows["dev"] if row.example.id in asked]
    fresh = Measured(of.name, "", of.kind, "scored", rows={"dev": after}, expected={"dev": len(after)})
    meets = meets_by_point(folder.task, judge_on_dev(folder.task, fresh))
    return Reading(arm, before, after, effects(folder.task, before, after), meets)


def _rows(folder: Folder, predictions: Mapping[str, Prediction], models: Models, path: Path) -> list[Row]:
    pairs = [(e, predictions[e.id]) for e in folder.dev if e.id in predictions]
    scores = grade(folder.graders, pairs, models, path, "dev")
    return measured_rows(folder.dev, predictions, scores, folder.primary.name, folder.primary.pass_at)


def _leniently(folder: Folder, of: Measured, models: Models) -> list[Effect]:
    """The effects of reading an approach's answers leniently; only changed answers are graded again."""
    before = of.rows["dev"]
    read = {r.example.id: lenient(r.example, r.prediction, folder.task.output) for r in before}
    changed = {r.example.id: read[r.example.id] for r in before if read[r.example.id] != r.prediction}
    again: dict[str, Row] = {}
    if changed:
        path = folder.path / PART / f"lenient-{of.name}-{of.hash[:12]}" / "scores.jsonl"
        again = {row.example.id: row for row in _rows(folder, changed, models, path)}
    return effects(folder.task, before, [again.get(row.example.id, row) for row in before])


def _told(
    folder: Folder,
    arms: Arms,
    scored: Mapping[str, Measured],
    readings: Sequence[Reading],
    formal: Mapping[str, Sequence[Effect]],
) -> Iterator[str]:
    """The sentences, what explains most first."""
    task, rows = folder.task, scored[arms.of].rows["dev"]
    kinds = by_kind(readings)
    yield from sentences.blocked(task, list(scored.values()))
    yield sentences.how_it_fails(arms.of, rows)
    say: Mapping[Kind, Callable[[Reading], str]] = {
        "oracle": sentences.oracle,
        "room": sentences.room,
        "grammar": sentences.grammar,
        "stronger": sentences.stronger,
    }
    found = [say[kind](reading) for kind in ONE_CHANGE for reading in kinds.get(kind, ())]
    found += [sentences.lenient(arms.of, formal[arms.of]), *_another_form(arms.of, formal)]
    found += [sentences.spread("orders of its shots", kinds.get("order", ()))]
    found += [sentences.spread("wordings of the instruction", kinds.get("wording", ()))]
    moved: tuple[Kind, ...] = ("order", "wording")
    moves = max(sentences.width(_of(kinds.get(kind, ()), arms.of)) for kind in moved)
    found += [sentences.just_under(task, arms.of, rows, moves)]
    everything = {name: m.rows["dev"] for name, m in scored.items()}
    everything |= {r.arm.folder: r.after for r in readings if r.arm.kind in ONE_CHANGE}
    own = [name for name, m in scored.items() if not m.start] + [
        r.arm.folder for r in readings if r.arm.kind == "stronger"
    ]
    common = failing.told(failing.failing(everything, folder.primary.name, own))
    found += [f"{common}." if common else ""]
    yield from filter(None, found)
    yield from sentences.not_asked(arms.arms)
    yield from filter(None, [sentences.cost(readings)])


def _of(readings: Sequence[Reading], name: str) -> list[Reading]:
    return [reading for reading in readings if reading.arm.of == name]


def _another_form(of: str, formal: Mapping[str, Sequence[Effect]]) -> Iterator[str]:
    """A cheaper or other approach that says it right in the wrong form, and more so than the best one."""
    mine = next(iter(formal[of]), None)
    others = [(name, found[0]) for name, found in formal.items() if name != of and found]
    best = max(others, key=lambda pair: pair[1].after, default=None)
    if mine and best and best[1].found == "helps" and best[1].after > mine.after:
        yield sentences.lenient(best[0], formal[best[0]])


def _entry(reading: Reading) -> Mapping[str, Any]:
    return {
        "kind": reading.arm.kind,
        "of": reading.arm.of,
        "change": reading.arm.change,
        "rows": len(reading.after),
        "calls": reading.calls,
        "effects": [found.entry() for found in reading.effects],
        "why": "",
    }


def _unasked(arm: Arm) -> Mapping[str, Any]:
    named = {"kind": arm.kind, "of": arm.of, "change": arm.change}
    return {**named, "rows": 0, "calls": 0, "effects": [], "why": arm.why}


def _lenient_entry(of: str, found: Sequence[Effect]) -> Mapping[str, Any]:
    rows = max(effect.difference.n for effect in found)
    named = {"kind": "lenient", "of": of, "change": "its answers read leniently", "rows": rows, "calls": 0}
    return {**named, "effects": [effect.entry() for effect in found], "why": ""}
