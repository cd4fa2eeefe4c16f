"""A run that trains: it carries the baselines of the run before it and adds one tuned approach.

In this order, each step on disk before the next: preflight, training, the reload in a fresh process,
the choice of the prompt it is served with (on dev), the test rows for it and for the best baseline
beside it, its look, the decision over all rungs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from baselines.approach import Prompted, load
from evals.asked import check_metrics
from evals.data import Data
from evals.decide import figure
from evals.errors import NotApplicable, OutageError
from evals.graders import make_ready, of_task
from evals.models.metered import Metered
from evals.preferences import load_pairs, unjudged
from evals.run import predict
from evals.selection import with_pairs
from evals.stats.permutation import sign_flip
from evals.status import Terms
from evals.store import digest, lock, read_json, write_json, write_lines, write_text
from evals.task import Task
from evals.types import Decision, Measured, Models, Row, Work
from reports import figures
from tuning.methods import method_named
from tuning.options import recipe_with
from tuning.preflight import Preflight, forced, preflight
from tuning.recipe import Recipe
from tuning.reload import TRAINING
from tuning.tables import OBJECTIVES
from workbench.budget import of_training, open_purse
from workbench.escalation.alone import sft_alone
from workbench.escalation.fitting import PACES, SEARCH, fitted, seconds_a_row
from workbench.escalation.learning import PARTS, draw_curve
from workbench.escalation.lessons import Lessons, beside_labeller
from workbench.escalation.order import Order
from workbench.escalation.record import write_curves
from workbench.escalation.worth import next_step
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
from workbench.provenance import provenance
from workbench.runs import Run, Scope, carry, enter, open_run, start, take_over
from workbench.session import Plan, Session, ask, ask_on_test, graded, reason_of, with_max_tokens

BY_CHANCE = 0.05
"""How unlikely chance must make it that the baseline's prompt does better, for its tokens to be paid."""


def train(order: Order, parent: Run, task: Task, taught: Lessons, models: Models) -> tuple[Run, Decision]:
    """Train `order.method`, judge it beside what `parent` measured, and decide over all rungs.

    Raises RunError when the preflight finds what stands in the way, and WorkbenchError where training
    fails; the same command continues.
    """
    task_hash = digest([task.identity(), taught.own.hash], 12)
    task = with_max_tokens(task, taught.own, models)
    data = replace(taught.data, train=unjudged(task, taught.data.train))
    recipe = taught.named(recipe_of(order))
    trained = (recipe.name, taught.taught, *sorted(order.options))
    scope = Scope(seed=order.seed, train=" ".join(filter(None, trained)))
    run, continued = open_run(order.out, task, task_hash, scope)
    with lock(run.folder / ".lock"), open_purse(run, task) as purse:
        models = Metered(models, purse)
        session = _session(order, scope, task, data, models, run, task_hash)
        enter(run)
        if continued:
            write_text(run.folder / "task.yaml", task.as_used())
            write_ladder(run, replace(read_evidence(run).ladder, interrupted="", ended=False))
        else:
            judged = len(taught.data.train) - len(data.train)
            notes = (*left_out(judged), *taught.note())
            _begin(session, order, parent, {"distilled": taught.told} if taught.told else {}, notes)
        evidence = read_evidence(run)
        begun = best_start(evidence.measured(models), evidence, recipe)
        entry = fitted(session, order, recipe, begun)
        fit = run.fit(entry.name, entry.key)
        if entry.state == "scored":
            alone = sft_alone(session, recipe, fit, begun)
            if alone is not None:
                _write(session, _judged(session, alone, evidence))
            entry = _judged(session, entry, evidence)
        _write(session, entry)
        if entry.state == "scored":
            path = ledger_path(order.task_path)
            spend_looks(path, task, read_evidence(run), (entry.hash,), models)
            if order.curve:
                _drawn(session, entry, recipe, fit, begun)
        _conclude_ladder(session, entry, order)
        purse.stop_clock()
        return run, conclude(run, models)


def look_ahead(order: Order, parent: Run, task: Task, taught: Lessons, models: Models) -> Preflight:
    """What training would take; nothing is written."""
    task = with_max_tokens(task, taught.own, models)
    data = replace(taught.data, train=unjudged(task, taught.data.train))
    evidence, recipe = read_evidence(parent), taught.named(recipe_of(order))
    measured = evidence.measured(models)
    work = Work(parent.folder, task, models, lambda pairs: 0.0, start=best_start(measured, evidence, recipe))
    found = preflight(recipe, data.train, work, seconds_a_row(measured), len(data.dev))
    times = (len(PACES) if order.search else 1) + (sum(1 / of for of in PARTS) if order.curve else 0)
    asked = " and ".join(name for name, on in (("--search", order.search), ("--curve", order.curve)) if on)
    one = figures.seconds(60 * found.minutes)
    notes = [f"with {asked} up to {times:g} times the {one} of one training"] if asked else []
    minutes = times * found.minutes
    notes += ["this is the first training alone: --climb goes on while none ships"] if order.climb else []
    notes += of_training(task, minutes)
    found = replace(found, minutes=minutes, notes=(*found.notes, *notes))
    return forced(found) if order.force else found


def recipe_of(order: Order) -> Recipe:
    """The recipe that was asked for, with the method's own defaults but for what was set."""
    return recipe_with(str(order.method), order.objective or "sft", order.options, order.launch)


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
                reached = figure(evidence.task, one.rows["dev"])
                found.append((with_pairs(evidence.task, reached, one.pairs.get("dev", ())), approach))
    if not found:
        raise NotApplicable(f"{recipe.name}: no baseline was scored to begin from")
    best = asked_once(max(found, key=lambda pair: pair[0])[1], evidence.task)
    return best if evidence.task.tune_model is None else replace(best, model=evidence.task.tune_model)


def asked_once(approach: Prompted, task: Task) -> Prompted:
    """The approach without a vote over samples: it would be paid with every look at dev and with every call,
    and training is towards one answer."""
    if approach.decoder.samples == 1:
        return approach
    return replace(
        approach, decoder=replace(approach.decoder, samples=1, temperature=task.generation.temperature)
    )


def _session(
    order: Order, scope: Scope, task: Task, data: Data, models: Models, run: Run, task_hash: str
) -> Session:
    graders = of_task(task)
    check_metrics(task, graders)
    make_ready(graders, models)
    plan = Plan(
        order.task_path,
        order.out,
        scope,
        progress=order.progress,
        allow_code=order.allow_code,
        trusts_code=order.trusts_code,
    )
    fingerprint = models.open(task.model).fingerprint
    pairs = load_pairs(task)
    return Session(plan, task, data, graders, models, run, (), task_hash, fingerprint, pairs)


def left_out(judged: int) -> tuple[str, ...]:
    """That so many training rows were left out, where any were."""
    said = f"{judged} training rows are left out of training: dev or test pairs have their input"
    return (said,) if judged else ()


def _begin(session: Session, order: Order, parent: Run, more: Mapping[str, Any], said: Sequence[str]) -> None:
    """Carry what the parent measured into the new run, and mark it as started, with `more` on record of its
    rows, and what is `said` of them."""
    run, before = session.run, read_evidence(parent)
    for entry in before.ladder.entries:
        if entry.key:
            carry(run, parent, "approaches", f"{entry.name}-{entry.key}")
    write_examples(run, {"dev": session.data.dev, "test": session.data.test})
    write_lines(run.folder / "looks.jsonl", read_looks(ledger_path(order.task_path)))
    notes = before.ladder.notes
    if order.force:
        notes += ("trained with --force, whatever the verdict was",)
    write_ladder(run, replace(before.ladder, notes=(*notes, *said), next_step=None, ended=False))
    found = provenance(order.task_path, session.data, session.fingerprint, order.seed)
    commands = {**session.plan.commands(), "incomplete": order.command()}
    start(run, session.task, session.plan.scope, {**found, **more, "parent": parent.id, "commands": commands})


def _judged(session: Session, entry: Entry, evidence: Evidence) -> Entry:
    """Choose the prompt it is served with on dev, then ask it and the best baseline on test."""
    fit = session.run.fit(entry.name, entry.key)
    tuned = load(fit)
    best = best_start(evidence.measured(session.models), evidence, recipe_named(fit))
    choices = [tuned, *([replace(tuned, prompt=best.prompt)] if best.prompt != tuned.prompt else [])]
    try:
        answered = [_dev_rows(session, fit, choice) for choice in choices]
    except OutageError as error:
        return replace(entry, key="", state="incomplete", why=reason_of(error))
    figures = [figure(session.task, rows) for rows in answered]
    place = 1 if len(answered) > 1 and _does_better(session.task, *answered) else 0
    served = "its own prompt" if place == 0 else f"the prompt of {best.name}"
    home = session.run.approach(entry.name, session.key(session.identity(choices[place])))
    take_over(session.run, "approaches", home.name)
    if not (home / "predictions.jsonl").is_file():
        write_text(home / "predictions.jsonl", _answers(fit, choices[place]).read_text(encoding="utf-8"))
    told = {"served_with": served, "dev_figures": [round(value, 6) for value in figures]}
    if (fit / SEARCH).is_file():
        told["search"] = read_json(fit / SEARCH)["rates"]
    if distilled := evidence.provenance.get("distilled"):
        told["distilled"] = distilled
    write_json(home / TRAINING, {**read_json(fit / TRAINING), **told, "begun_from": best.name})
    write_curves(fit, home)
    asked = ask(session, choices[place], "dev", replace(entry, key="", splits=()))
    _write(session, asked)
    if asked.state != "scored":
        return asked
    if distilled and (beside := beside_labeller(evidence, asked, distilled, session.models)):
        write_json(home / TRAINING, {**read_json(home / TRAINING), "beside_labeller": beside})
    _ask_reference(session, best.name)
    return ask_on_test(session, replace(asked, splits=("dev",)))


def _drawn(session: Session, entry: Entry, recipe: Recipe, fit: Path, begun: Prompted) -> None:
    """The learning curve, beside what is on record of the approach."""
    home = session.run.approach(entry.name, entry.key)
    draw_curve(session, recipe, fit, _answers(fit, load(fit)), begun, home)


def _answers(fit: Path, choice: Prompted) -> Path:
    """Where the dev answers with one of the prompts are."""
    return fit / "serving" / f"{choice.hash}.jsonl"


def _does_better(task: Terms, own: Sequence[Row], other: Sequence[Row]) -> bool:
    """Whether the baseline's prompt does better than the one that was trained for, by more than chance (sign
    flips of the rows' figures): else its tokens would be paid for nothing."""
    changes = [figure(task, [b]) - figure(task, [a]) for a, b in zip(own, other, strict=True)]
    return sign_flip(changes, [row.example.group or row.example.id for row in own]) < BY_CHANCE


def _dev_rows(session: Session, fit: Path, choice: Prompted) -> list[Row]:
    """All dev rows, answered with this prompt."""
    dev, path = session.data.dev, _answers(fit, choice)

    def show(done: int) -> None:
        session.plan.progress(f"{choice.name}: serving", done, len(dev))

    found = predict(choice, dev, session.models, path, "dev", show)
    return graded(session, [(e, found[e.id]) for e in dev])


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
