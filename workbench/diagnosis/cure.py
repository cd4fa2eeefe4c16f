"""What a diagnosis makes of the next step: another cure than training, where an interval shows one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evals.stats.bounds import lower
from evals.status import Terms
from evals.types import Measured
from workbench.diagnosis import sentences
from workbench.diagnosis.arms import Kind
from workbench.diagnosis.effects import effects
from workbench.diagnosis.reading import Reading, by_kind

SAME_ROWS = 0.5
"""The share of the model's failures that a stronger one must repeat, by its lower bound, for the labels
or the task to be at fault."""
BY_SHOTS = ("few_shot", "knn_few_shot")


def cure(
    task: Terms, scored: Mapping[str, Measured], readings: Sequence[Reading]
) -> Mapping[str, Any] | None:
    """The next step that takes training's place, None where nothing does: to fix retrieval, to let
    answers be longer, to hold them to a grammar, to fix the labels or the task, to prompt again."""
    kinds = by_kind(readings)
    for reading in kinds.get("oracle", ()):
        if reading.cures:
            return _step("fix_retrieval", sentences.oracle(reading))
    for reading in kinds.get("room", ()):
        if _meets_by_it(reading):
            return _step("none", sentences.room(reading), "give answers more room (generation.max_tokens)")
    for reading in kinds.get("grammar", ()):
        if _meets_by_it(reading):
            return _step("none", sentences.grammar(reading), "hold the answers to a grammar")
    for reading in kinds.get("stronger", ()):
        if _at_the_same_rows(reading) and not _shots_teach(task, scored):
            return _step("fix_data", sentences.stronger(reading))
    arbitrary: tuple[Kind, ...] = ("order", "wording")
    for kind in arbitrary:
        for reading in kinds.get(kind, ()):
            if _meets_by_it(reading):
                return _step("none", sentences.spread(f"{kind}s", [reading]), "prompt again")
    return None


def _step(action: str, why: str, instead: str = "") -> Mapping[str, Any]:
    step = {"action": action, "method": None, "why": [why.rstrip(".")], "command": None}
    return {**step, "cure": instead} if instead else step


def _meets_by_it(reading: Reading) -> bool:
    """Whether the change is a cause and everything is met with it, by what was observed."""
    return reading.meets and any(effect.found == "helps" for effect in reading.effects)


def _at_the_same_rows(reading: Reading) -> bool:
    """Whether the stronger model gains too little to matter and repeats the failures."""
    found, (same, lost) = reading.open, reading.fails_too
    if found is None or found.found != "not the cause" or not lost:
        return False
    repeated = [1.0] * same + [0.0] * (lost - same)
    return lower(repeated, (1 - found.difference.level) / 2) > SAME_ROWS


def _shots_teach(task: Terms, scored: Mapping[str, Measured]) -> bool:
    """Whether examples in the prompt help: then training rows hold what the prompt does not say."""
    bare, shown = scored.get("zero_shot"), [scored[name] for name in BY_SHOTS if name in scored]
    if bare is None:
        return False
    return any(e.found == "helps" for m in shown for e in effects(task, bare.rows["dev"], m.rows["dev"])[:1])
