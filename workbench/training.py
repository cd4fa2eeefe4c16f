"""A run that trains: it carries the baselines of the run before it and adds one tuned approach.

In this order, each step on disk before the next: preflight, training, the reload in a fresh process,
the choice of the prompt it is served with (on dev), the test rows for it and for the best baseline
beside it, its look, the decision over all rungs.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from baselines.approach import Prompted, load, save
from evals.data import Data
from evals.decide import figure
from evals.errors import NotApplicable, OutageError, RunError
from evals.graders import make_ready, of_task
from evals.models.metered import Metered
from evals.preferences import load_pairs, unjudged
from evals.run import predict
from evals.selection import with_pairs
from evals.store import digest, lock, plain, read_json, read_lines, write_json, write_lines, write_text
from evals.task import Task, check_metrics
from evals.types import Decision, Measured, Models, Work
from tuning.methods import method_named
from tuning.preflight import Preflight, preflight
from tuning.recipe import TRAINING, Recipe
from tuning.reload import check_reload
from tuning.tables import OBJECTIVES
from workbench.budget import open_purse
from workbench.evidence import (
    Entry,
    Evidence,
    Ladder,
    conclude,
    read_evidence,
    read_looks,
    write_examples,
    write_ladder,
)
from workbench.ledger import ledger_path, spend_looks
from workbench.order import Order
from workbench.provenance import provenance
from workbench.runs import Run, Scope, carry, enter, open_run, start
from workbench.session import Plan, Session, ask, ask_on_test, figure_of, reason_of, with_max_tokens
from workbench.worth import next_step

CURVES = "curves.jsonl"
CLOSE = 3
"""Digits to which the figures of two prompts must differ for the longer one to be chosen."""


def train(order: Order, parent: Run, task: Task, data: Data, models: Models) -> tuple[Run, Decision]:
    """Train `order.method`, judge it beside what `parent` measured, and decide over all rungs.

    Raises RunError when the preflight finds what stands in the way, and WorkbenchError where training
    fails; the same command continues.
    """
    task_hash = digest([task.identity(), data.hash], 12)
    task = with_max_tokens(task, data, models)
    before, data = len(data.train), replace(data, train=unjudged(task, data.train))
    recipe = recipe_of(order)
    scope = Scope(seed=order.seed, train=recipe.name)
    run, continued = open_run(order.out, task, task_hash, scope)
    with lock(run.folder / ".lock"), open_purse(run, task) as purse:
        models = Metered(models, purse)
        session = _session(order, scope, task, data, models, run, task_hash)
        enter(run)
        if not continued:
            _begin(session, order, parent, before - len(data.train))
        evidence = read_evidence(run)
        begun = best_start(evidence.measured(models), evidence, recipe)
        entry = _fitted(session, order, recipe, begun)
        if entry.state == "scored":
            entry = _judged(session, entry, evidence)
        _write(session, entry)
        if entry.state == "scored":
            path = ledger_path(order.task_path)
            spend_looks(path, task, read_evidence(run), (entry.hash,), models)
        _conclude_ladder(session, entry, order)
        purse.stop_clock()
        return run, conclude(run, models)


def look_ahead(order: Order, parent: Run, task: Task, data: Data, models: Models) -> Preflight:
    """What training would take; nothing is written."""
    task = with_max_tokens(task, data, models)
    data = replace(data, train=unjudged(task, data.train))
    evidence, recipe = read_evidence(parent), recipe_of(order)
    measured = evidence.measured(models)
    work = Work(parent.folder, task, models, lambda pairs: 0.0, start=best_start(measured, evidence, recipe))
    return preflight(recipe, data.train, work, seconds_a_row(measured), len(data.dev))


def recipe_of(order: Order) -> Recipe:
    """The recipe that was asked for, with the method's own defaults."""
    method = method_named(str(order.method))
    return Recipe(method(), OBJECTIVES.load(order.objective or "sft")())


def best_start(measured: Sequence[Measured], evidence: Evidence, recipe: Recipe) -> Prompted:
    """The best baseline on dev by the task's figure; for a soft prompt the best one whose prompt begins
    alike for every row."""
    entries = {entry.name: entry for entry in evidence.ladder.entries}
    found: list[tuple[float, Prompted]] = []
    for one in measured:
        if one.kind == "baseline" and one.state == "scored" and one.rows.get("dev"):
            approach = load(evidence.run.approach(one.name, entries[one.name].key))
            shots = approach.prompt.shots
            retrieves = approach.prompt.passages is not None or (shots is not None and shots.retrieve)
            if not (recipe.method.soft and retrieves):
                graded = figure(evidence.task, one.rows["dev"])
                found.append((with_pairs(evidence.task, graded, one.pairs.get("dev", ())), approach))
    if not found:
        raise NotApplicable(f"{recipe.name}: no baseline was scored to begin from")
    best = max(found, key=lambda pair: pair[0])[1]
    return best if evidence.task.tune_model is None else replace(best, model=evidence.task.tune_model)


def seconds_a_row(measured: Sequence[Measured]) -> float:
    """What the quickest baseline took for a dev answer."""
    means = [
        sum(row.prediction.usage.seconds for row in rows) / len(rows)
        for one in measured
        if (rows := one.rows.get("dev"))
    ]
    return min(means, default=0.0)


def _session(
    order: Order, scope: Scope, task: Task, data: Data, models: Models, run: Run, task_hash: str
) -> Session:
    graders = of_task(task)
    check_metrics(task, graders)
    make_ready(graders, models)
    plan = Plan(order.task_path, order.out, scope, progress=order.progress)
    fingerprint = models.open(task.model).fingerprint
    pairs = load_pairs(task)
    return Session(plan, task, data, graders, models, run, (), task_hash, fingerprint, pairs)


def _begin(session: Session, order: Order, parent: Run, judged: int) -> None:
    """Carry what the parent measured into the new run, and mark it as started. `judged` training rows were
    left out."""
    run, before = session.run, read_evidence(parent)
    for entry in before.ladder.entries:
        if entry.key:
            carry(run, parent, "approaches", f"{entry.name}-{entry.key}")
    write_examples(run, {"dev": session.data.dev, "test": session.data.test})
    write_lines(run.folder / "looks.jsonl", read_looks(ledger_path(order.task_path)))
    notes = before.ladder.notes
    if order.force:
        notes += ("trained with --force, whatever the verdict was",)
    if judged:
        notes += (f"{judged} training rows are left out of training: dev or test pairs have their input",)
    write_ladder(run, replace(before.ladder, notes=notes, next_step=None, ended=False))
    found = provenance(order.task_path, session.data, session.fingerprint, order.seed)
    commands = {"incomplete": order.command(), "collect": f"wb assess {order.task_path}"}
    start(run, session.task, session.plan.scope, {**found, "parent": parent.id, "commands": commands})


def _fitted(session: Session, order: Order, recipe: Recipe, begun: Prompted) -> Entry:
    """Train, unless this was done before, and see that what was saved is what was trained."""
    entry = Entry(recipe.name, kind="tuned")
    key = session.key(
        plain(recipe.method),
        [recipe.objective.name, plain(recipe.objective)],
        plain(recipe.settings),
        begun.hash,
        session.task.identity(),
    )
    folder = session.run.fit(recipe.name, key)
    work = Work(
        folder,
        session.task,
        session.models,
        lambda pairs: figure_of(session, pairs),
        seed=session.plan.scope.seed,
        budget=session.task.budget,
        start=begun,
        progress=session.plan.progress,
    )
    try:
        if not (folder / "fit.json").is_file():
            _fit(session, order, recipe, work, folder)
    except NotApplicable as error:
        return replace(entry, state="not applicable", why=reason_of(error))
    except OutageError as error:
        return replace(entry, state="incomplete", why=reason_of(error))
    return replace(entry, key=key, fit_seconds=read_json(folder / "fit.json")["seconds"])


def _fit(session: Session, order: Order, recipe: Recipe, work: Work, folder: Path) -> None:
    begin = time.perf_counter()
    measured = read_evidence(session.run).measured(session.models)
    foreseen = preflight(recipe, session.data.train, work, seconds_a_row(measured), len(session.data.dev))
    if foreseen.problems and not order.force:
        raise RunError(
            f"training by {recipe.name} is not begun: {foreseen.problems[0]}",
            where=order.task_path,
            hint="Choose another with --method, or train all the same with --force.",
        )
    approach = recipe.fit(session.data.train, session.data.dev, work)
    session.plan.progress(f"{recipe.name}: reload", 0, 1)
    (difference,) = check_reload([folder])
    session.plan.progress(f"{recipe.name}: reload", 1, 1)
    save(approach, folder)
    seconds = round(time.perf_counter() - begin, 3)
    write_json(folder / TRAINING, _accounted(read_json(folder / TRAINING), foreseen, difference, seconds))
    write_json(folder / "fit.json", {"seconds": seconds})


def _accounted(
    record: Mapping[str, Any], foreseen: Preflight, difference: float, seconds: float
) -> dict[str, Any]:
    """The training's record with what was predicted beside what it took."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        **record,
        "reload_difference": float(f"{difference:.3g}"),
        "predicted": {
            "minutes": round(foreseen.minutes, 2),
            "memory": foreseen.memory,
            "disk": foreseen.disk,
        },
        "actual": {"minutes": round(seconds / 60, 2), "memory": peak},
    }


def _judged(session: Session, entry: Entry, evidence: Evidence) -> Entry:
    """Choose the prompt it is served with on dev, then ask it and the best baseline on test."""
    fit = session.run.fit(entry.name, entry.key)
    tuned = load(fit)
    best = best_start(evidence.measured(session.models), evidence, recipe_named(fit))
    choices = [tuned, *([replace(tuned, prompt=best.prompt)] if best.prompt != tuned.prompt else [])]
    try:
        figures = [_dev_figure(session, fit, choice) for choice in choices]
    except OutageError as error:
        return replace(entry, key="", state="incomplete", why=reason_of(error))
    place = max(range(len(choices)), key=lambda i: (round(figures[i], CLOSE), -i))
    served = "its own prompt" if place == 0 else f"the prompt of {best.name}"
    home = session.run.approach(entry.name, session.key(session.identity(choices[place])))
    if not (home / "predictions.jsonl").is_file():
        write_text(home / "predictions.jsonl", _answers(fit, choices[place]).read_text(encoding="utf-8"))
    figured = {"served_with": served, "dev_figures": [round(value, 6) for value in figures]}
    write_json(home / TRAINING, {**read_json(fit / TRAINING), **figured, "begun_from": best.name})
    write_lines(home / CURVES, _curves(fit))
    asked = ask(session, choices[place], "dev", replace(entry, key="", splits=()))
    _write(session, asked)
    if asked.state != "scored":
        return asked
    _ask_reference(session, best.name)
    return ask_on_test(session, replace(asked, splits=("dev",)))


def _curves(fit: Path) -> list[dict[str, Any]]:
    """The lines of all stages in order, each with the stage's name; every stage counts its own steps."""
    names = [stage["name"] for stage in read_json(fit / TRAINING)["stages"]]
    return [{"stage": name, **line} for name in names for line in read_lines(fit / name / CURVES)]


def _answers(fit: Path, choice: Prompted) -> Path:
    """Where the dev answers with one of the prompts are."""
    return fit / "serving" / f"{choice.hash}.jsonl"


def _dev_figure(session: Session, fit: Path, choice: Prompted) -> float:
    """The task's one figure of all dev rows, answered with this prompt."""
    dev, path = session.data.dev, _answers(fit, choice)

    def show(done: int) -> None:
        session.plan.progress(f"{choice.name}: serving", done, len(dev))

    found = predict(choice, dev, session.models, path, "dev", show)
    return figure_of(session, [(e, found[e.id]) for e in dev])


def recipe_named(fit: Path) -> Recipe:
    """The recipe of a fit's record."""
    record = read_json(fit / TRAINING)
    return Recipe(method_named(record["method"])(), OBJECTIVES.load(record["objective"])())


def _ask_reference(session: Session, name: str) -> None:
    """The best baseline on the same test rows: for the paired difference, and no look."""
    entry = next(e for e in read_evidence(session.run).ladder.entries if e.name == name)
    if "test" not in entry.splits:
        asked = ask_on_test(session, entry)
        _write(session, replace(asked, state="scored") if asked.state == "incomplete" else asked)


def _write(session: Session, entry: Entry) -> None:
    ladder: Ladder = read_evidence(session.run).ladder
    write_ladder(session.run, ladder.with_entry(entry))


def _conclude_ladder(session: Session, entry: Entry, order: Order) -> None:
    """What comes next, and that nothing is left to ask."""
    evidence = read_evidence(session.run)
    ladder = evidence.ladder
    if entry.state == "incomplete":
        ladder = replace(ladder, interrupted=entry.why)
    else:
        decision = evidence.decide(evidence.measured(session.models), evidence.looks)
        ladder = replace(ladder, next_step=next_step(decision, entry, session, order))
    write_ladder(session.run, replace(ladder, ended=True))
