"""Train by a recipe, once, and see that what was saved is what was trained; search for a rate where asked.

A fit is a folder named by all that it depends on: one that is whole is not made again, in this run or in a
later one, and one that was killed goes on where it was.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from baselines.approach import Prompted, save
from evals.errors import ModelError, NotApplicable, OutageError, RunError
from evals.models.sources import trusts_code
from evals.spending import FILE, Purse, read_spent
from evals.store import plain, read_json, read_lines, write_json
from evals.types import Example, Measured, Prediction, Work
from tuning.preflight import Preflight, preflight
from tuning.recipe import ALONE, Recipe
from tuning.reload import TRAINING, check_reload
from workbench.escalation.memory import Added, make_room
from workbench.escalation.order import Order
from workbench.escalation.record import CURVES, curves_of
from workbench.evidence import Entry, read_evidence
from workbench.runs import take_over
from workbench.session import Session, figure_of, reason_of

FIT, SEARCH = "fit.json", "search.json"
PACES = (1.0, 3.0, 1 / 3)
"""Shares of the method's own learning rate that a search tries, in this order."""


@dataclass(frozen=True)
class Tried:
    """One learning rate of a search: its share of the method's own, where its fit lies, what it reached on
    dev (None where it came to nothing, with the reason), and how long that took."""

    pace: float
    key: str
    rate: float | None
    score: float | None
    seconds: float
    why: str = ""


def fitted(session: Session, order: Order, recipe: Recipe, begun: Prompted) -> Entry:
    """The entry of an approach that was trained by `recipe`, or, in a search, by the best of its rates on
    dev; its key names the fit. Raises RunError where the preflight finds what stands in the way."""
    entry = Entry(recipe.name, kind="tuned")
    try:
        if order.search:
            return _searched(session, order, recipe, begun, entry)
        key = fit(session, order, recipe, begun)
    except NotApplicable as error:
        return replace(entry, state="not applicable", why=reason_of(error))
    except OutageError as error:
        return replace(entry, state="incomplete", why=reason_of(error))
    return replace(entry, key=key, fit_seconds=_seconds(session, recipe, key))


def fit(session: Session, order: Order, recipe: Recipe, begun: Prompted) -> str:
    """Train on all training rows, unless this was done before, and give the fit's key."""
    key = fit_key(session, recipe, begun)
    folder = session.run.fit(recipe.name, key)
    take_over(session.run, "fits", folder.name)
    if not (folder / FIT).is_file():
        _fit(session, order, recipe, work_in(session, folder, begun))
    return key


def fit_key(session: Session, recipe: Recipe, begun: Prompted, *more: Any) -> str:
    """Names a fit by what it depends on, and by what `more` there is of it."""
    objective = [recipe.objective.name, plain(recipe.objective)]
    parts = [plain(recipe.method), objective, plain(recipe.settings), begun.hash, session.task.identity()]
    parts += [recipe.taught] if recipe.taught else []
    return session.key(*parts, *more)


def work_in(session: Session, folder: Path, begun: Prompted) -> Work:
    """What a recipe is given to train in `folder`. Its minutes are written as they go by, and it ends at
    a look at dev, which comes right behind a checkpoint, where the budget has no more of them."""
    purse = getattr(session.models, "purse", None) or Purse()

    def grade(pairs: Sequence[tuple[Example, Prediction]]) -> float:
        purse.check()
        return figure_of(session, pairs)

    def progress(step: str, done: int, total: int) -> None:
        purse.tick()
        session.plan.progress(step, done, total)

    return Work(
        folder,
        session.task,
        session.models,
        grade,
        seed=session.plan.scope.seed,
        budget=session.task.budget,
        start=begun,
        progress=progress,
    )


def seconds_a_row(measured: Sequence[Measured]) -> float:
    """What the quickest baseline took for a dev answer."""
    means = [
        sum(row.prediction.usage.seconds for row in rows) / len(rows)
        for one in measured
        if (rows := one.rows.get("dev"))
    ]
    return min(means, default=0.0)


def _seconds(session: Session, recipe: Recipe, key: str) -> float:
    return float(read_json(session.run.fit(recipe.name, key) / FIT)["seconds"])


def _fit(session: Session, order: Order, recipe: Recipe, work: Work) -> None:
    begin, folder = time.perf_counter(), work.dir
    train: Sequence[Example] = session.data.train
    measured = read_evidence(session.run).measured(session.models)
    make_room(session.models)
    foreseen = preflight(recipe, train, work, seconds_a_row(measured), len(session.data.dev))
    if foreseen.problems and not order.force:
        raise RunError(
            f"training by {recipe.name} is not begun: {foreseen.problems[0]}",
            where=order.task_path,
            hint="Mend that, choose another method with --method, or train all the same with --force.",
        )
    alone = recipe.launch is None and not any(folder.glob(f"*/{CURVES}"))
    with Added() as added:
        approach = recipe.fit(train, session.data.dev, work)
    session.plan.progress(f"{recipe.name}: reload", 0, 1)
    before = [folder / ALONE] if (folder / ALONE).is_dir() else []
    difference, *others = check_reload([folder, *before], trusts_code(session.models))
    for path, other in zip(before, others, strict=True):
        write_json(path / TRAINING, {**read_json(path / TRAINING), "reload_difference": other})
    session.plan.progress(f"{recipe.name}: reload", 1, 1)
    save(approach, folder)
    seconds = round(max(time.perf_counter() - begin, trained_seconds(folder)), 3)
    # else what was added was added to other processes, or by one that was killed
    actual = {"minutes": round(seconds / 60, 2), "memory": added.bytes if alone else None}
    write_json(folder / TRAINING, _accounted(read_json(folder / TRAINING), foreseen, difference, actual))
    write_json(folder / FIT, {"seconds": seconds})


def trained_seconds(folder: Path) -> float:
    """The seconds of all steps and looks: what a training took that was killed and went on."""
    paths = folder.glob(f"*/{CURVES}")
    return sum(float(line.get("seconds", 0.0)) for path in paths for line in read_lines(path))


def _accounted(
    record: Mapping[str, Any],
    foreseen: Preflight,
    difference: Mapping[str, float],
    actual: Mapping[str, Any],
) -> dict[str, Any]:
    """The training's record with what was predicted beside what it took."""
    return {
        **record,
        "reload_difference": difference,
        "predicted": {
            "minutes": round(foreseen.minutes, 2),
            "memory": foreseen.memory,
            "disk": foreseen.disk,
        },
        "actual": actual,
    }


def _searched(session: Session, order: Order, recipe: Recipe, begun: Prompted, entry: Entry) -> Entry:
    """Train at one rate after the other, as far as the budget's minutes reach, and take what is best on dev;
    of equal ones the earlier."""
    found: list[Tried] = []
    for pace in PACES:
        paced = replace(recipe, settings=replace(recipe.settings, pace=pace))
        if found and (why := _too_long(session, found)):
            found.append(Tried(pace, "", None, None, 0.0, why))
            continue
        found.append(_try(session, order, paced, begun))
    reached = [one for one in found if one.score is not None]
    if not reached:
        return replace(entry, state="not applicable", why=found[0].why)
    best = max(reached, key=lambda one: one.score or 0.0)
    told = [{**plain(one), "chosen": one is best} for one in found]
    write_json(session.run.fit(recipe.name, best.key) / SEARCH, {"rates": told})
    return replace(entry, key=best.key, fit_seconds=round(sum(one.seconds for one in found), 3))


def _try(session: Session, order: Order, recipe: Recipe, begun: Prompted) -> Tried:
    """One rate; a training that breaks off before it brought anything is a rate that is not chosen."""
    pace = recipe.settings.pace
    try:
        key = fit(session, order, recipe, begun)
    except OutageError:
        raise
    except ModelError as error:
        return Tried(pace, "", None, None, 0.0, reason_of(error))
    folder = session.run.fit(recipe.name, key)
    rates = [
        float(line["rate"]) for _, lines in curves_of(folder) for line in lines if line["kind"] == "train"
    ]
    return Tried(pace, key, max(rates, default=None), reached_on_dev(folder), _seconds(session, recipe, key))


def reached_on_dev(fit_folder: Path) -> float:
    """The dev score of the checkpoint that the last stage chose."""
    lines = curves_of(fit_folder)[-1][1]
    best = next(line["best"] for line in reversed(lines) if line["kind"] == "end")
    return float(next(line["score"] for line in lines if line["kind"] == "dev" and line["step"] == best))


def _too_long(session: Session, found: Sequence[Tried]) -> str:
    """Why no further rate is tried: the longest so far would not fit into what is left of the budget."""
    allowed = session.task.budget.get("minutes")
    if allowed is None:
        return ""
    left = allowed - read_spent(session.run.folder / FILE, session.task.prices).minutes
    longest = max(one.seconds for one in found) / 60
    return "" if longest <= left else f"{longest:.1f} minutes are more than the {left:.1f} the budget leaves"
