"""`wb escalate --curve`: whether more training rows would help, found by training on fewer.

Three quarters of the rows that share none, two halves that share none, and the whole: each is trained on by
the same recipe with a seed of its own and answers the same dev rows. What a doubling beyond the rows there
are would bring follows from them (`evals.stats.curve`). Each part is kept when it is done, so that a curve
that was interrupted asks for the rest alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from baselines.approach import Prompted, load, save
from evals.errors import ModelError, NotApplicable, OutageError
from evals.failures import primary_grader
from evals.run import grade_rows, predict
from evals.store import read_json, write_json
from evals.types import Example
from tuning.recipe import Recipe
from tuning.reload import ADAPTER, TRAINING
from tuning.settings import Settings
from workbench.escalation.fitting import fit_key, work_in
from workbench.escalation.forecast import LEARNING
from workbench.escalation.memory import make_room
from workbench.runs import take_over
from workbench.session import Session, reason_of

PARTS = (4, 4, 4, 2, 2)
"""Into how many parts the rows are cut for each subset; the whole is the training itself."""
FEWEST = 40
"""Training rows below which a quarter of them trains nothing."""
DONE, ANSWERS = "part.json", "dev.jsonl"


@dataclass(frozen=True)
class Part:
    """Some of the training rows: the `number`th of `of` equal parts; 1 of 1 is all of them."""

    of: int
    number: int
    rows: tuple[Example, ...]

    @property
    def name(self) -> str:
        """ "25 % (2)"."""
        return f"{100 // self.of} % ({self.number})"


def parts(train: Sequence[Example]) -> list[Part]:
    """Every subset: parts of one size share no row, and rows of a group stay together as far as the cuts
    allow."""
    ordered = sorted(train, key=lambda e: (sha256((e.group or e.id).encode()).digest(), e.id))
    found, seen = [], dict.fromkeys(PARTS, 0)
    for of in PARTS:
        place, seen[of] = seen[of], seen[of] + 1
        size = len(ordered) // of
        found.append(Part(of, place + 1, tuple(ordered[place * size : (place + 1) * size])))
    return found


def draw_curve(
    session: Session, recipe: Recipe, fit: Path, answers: Path, begun: Prompted, home: Path
) -> None:
    """Train on every part and write `learning.json` into the approach's folder `home`. `fit` is the training
    on all rows from `begun`, `answers` are its dev answers with its own prompt. Raises OutageError where it
    was interrupted."""
    if (home / LEARNING).is_file():
        return
    train = session.data.train
    why = ""
    if recipe.objective.name != "sft":
        why = f"a curve over training rows says nothing of {recipe.objective.name}, which learns from pairs"
    elif len(train) < FEWEST:
        why = f"{len(train)} training rows are too few to train on a quarter of them: {FEWEST} are the fewest"
    if why:
        write_json(home / LEARNING, {"why": why})
        return
    same = replace(recipe, settings=Settings(**read_json(fit / TRAINING)["settings"]))
    done = [_scored(session, load(fit), Part(1, 1, tuple(train)), answers)]
    done += [_part(session, same, part, place, begun) for place, part in enumerate(parts(train), 1)]
    units = [f"group {e.group}" if e.group is not None else f"row {e.id}" for e in session.data.dev]
    write_json(home / LEARNING, {"metric": _metric(session), "units": units, "parts": done})


def _metric(session: Session) -> str:
    """The grader that says whether a row is right, whose score the curve is of."""
    return primary_grader(session.task.requirements, [g.name for g in session.graders])


def _part(session: Session, recipe: Recipe, part: Part, place: int, begun: Prompted) -> dict[str, Any]:
    """One part, trained and scored; only its scores, its record and its curves are kept."""
    key = fit_key(session, recipe, begun, "part", part.of, part.number)
    folder = session.run.fit(f"{recipe.name}-part", key)
    take_over(session.run, "fits", folder.name)
    if (folder / DONE).is_file():
        found: dict[str, Any] = read_json(folder / DONE)
        return found
    progress = session.plan.progress
    work = replace(
        work_in(session, folder, begun),
        seed=session.plan.scope.seed + place,
        progress=lambda step, done, total: progress(f"{part.name} of the rows, {step}", done, total),
    )
    try:
        if not (folder / "spec.json").is_file():
            make_room(session.models)
            save(recipe.fit(part.rows, session.data.dev, work), folder)
        told = _scored(session, load(folder), part, folder / ANSWERS)
    except OutageError:
        raise
    except (ModelError, NotApplicable) as error:
        told = _told(part, None, reason_of(error))
    write_json(folder / DONE, told)
    for heavy in (folder / ADAPTER, *folder.glob("*/checkpoints")):
        shutil.rmtree(heavy, ignore_errors=True)
    return told


def _scored(session: Session, approach: Prompted, part: Part, path: Path) -> dict[str, Any]:
    """A part with the primary score of every dev row in their order, 0 for one without an answer."""
    dev = session.data.dev
    found = predict(approach, dev, session.models, path, "dev")
    scores = grade_rows(session.graders, [(e, found[e.id]) for e in dev], session.models)
    name = _metric(session)
    values = [scores[e.id][name].value if name in scores[e.id] else 0.0 for e in dev]
    return _told(part, values, "")


def _told(part: Part, scores: Sequence[float] | None, why: str) -> dict[str, Any]:
    return {"of": part.of, "number": part.number, "rows": len(part.rows), "scores": scores, "why": why}
