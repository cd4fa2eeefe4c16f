"""`wb assess`: climb the baselines on dev, judge the shortlist on test, conclude.

Every step leaves its result on disk before the next begins, so the same command continues a run
that was killed at any point and ends where an undisturbed one would have.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from baselines import COMPOSED
from baselines.approach import Prompted, load, save
from baselines.notes import read_chosen
from evals.asked import check_metrics
from evals.audit import MOST_NAMED, Audit, audit
from evals.data import Data, load_data, look_hash, render_all
from evals.decide import shortlist
from evals.errors import ModelError, NotApplicable, OutageError
from evals.graders import make_ready, of_task
from evals.looks import look_of
from evals.models.metered import Metered
from evals.preferences import load_pairs
from evals.selection import judge_on_dev, meets_by_point
from evals.store import digest, lock, plain, read_json, write_json, write_lines, write_text
from evals.task import Task, load_task
from evals.template import Template
from evals.types import (
    Decision,
    Model,
    Models,
    Rung,
    Work,
)
from workbench import budget, compose
from workbench import ladder as ladders
from workbench.checks.audit import said_of_personal
from workbench.checks.estimate import estimate, measure
from workbench.diagnosis.ask import Bench, diagnose
from workbench.documents import Documents
from workbench.evidence import (
    JUDGES,
    Entry,
    Ladder,
    conclude,
    read_evidence,
    read_looks,
    write_examples,
    write_ladder,
)
from workbench.judges.admission import limited, refuse_toothless, standing
from workbench.leakage import blocks, copied_rows
from workbench.ledger import ledger_path, spend_looks
from workbench.provenance import provenance
from workbench.runs import Run, enter, fit_notes, open_run, start, take_over
from workbench.session import Plan, Session, ask, ask_on_test, figure_of, reason_of, with_max_tokens

log = logging.getLogger(__name__)

STOPPED = "a cheaper approach meets everything on dev"
"""Why a rung is not run where the ladder ends at the first hit."""


def assess(plan: Plan, models: Models) -> tuple[Run, Decision]:
    """Run the baselines of a task and decide. Raises WorkbenchError; the run can then be continued.

    An outage of the model does not raise: the verdict is "incomplete" and says so.
    """
    task = load_task(plan.task_path)
    graders = of_task(task)
    check_metrics(task, graders)
    make_ready(graders, models)
    budget.check_prices(task)
    judges = standing(task, graders, models)
    written, (task, _) = task, limited(task, judges)
    if plan.scope.touches_test:
        refuse_toothless(task, written)
    rungs = tuple(ladders.rungs(task, plan.scope.only))
    whole, pairs = load_data(task), load_pairs(task)
    render_all(task, whole)
    data = whole if plan.scope.limit is None else whole.limited(plan.scope.limit)
    model = models.open(task.model)
    task_hash = digest([task.identity(), whole.hash], 12)
    task = with_max_tokens(task, data, models)
    _check_budget(task, data, model, rungs)
    for error in ladders.missing_models(task, rungs, bool(data.train), models):
        raise error
    documents = Documents(task)
    audited = audit(task, data, models, documents)
    documents.must_be_sound()
    run, continued = open_run(plan.out, task, task_hash, plan.scope)
    with lock(run.folder / ".lock"), budget.open_purse(run, task) as purse:
        metered, fingerprint = Metered(models, purse), model.fingerprint
        session = Session(plan, task, data, graders, metered, run, rungs, task_hash, fingerprint, pairs)
        enter(run)
        if judges:
            write_json(run.folder / JUDGES, judges)
        if continued:
            write_text(run.folder / "task.yaml", task.as_used())
        else:
            write_examples(run, {"dev": data.dev, "test": data.test if plan.scope.touches_test else ()})
            found = provenance(plan.task_path, data, fingerprint, plan.scope.seed)
            start(run, task, plan.scope, {**found, "commands": plan.commands()})
        _run(session, _first_ladder(session, audited, documents.unread()))
        _diagnose(session)
        write_ladder(run, replace(read_evidence(run).ladder, ended=True))
        purse.stop_clock()
        return run, conclude(run, metered)


def _check_budget(task: Task, data: Data, model: Model, rungs: Sequence[Rung]) -> None:
    """Say before the first call what the budget does not pay for. Raises TaskError where that is a call."""
    if task.budget:
        limit = task.generation.max_tokens or 0
        budget.say_too_small(task, estimate(task, data, measure(task, data, model), rungs, limit))


def _run(session: Session, ladder: Ladder) -> None:
    """Climb and judge. Where the ladder stops at the first approach that meets everything on dev and
    that one does not hold on test, the rest of the ladder is climbed too."""
    ledger = read_looks(ledger_path(session.plan.task_path))
    write_lines(session.run.folder / "looks.jsonl", ledger)
    judged: tuple[str, ...] = ()
    for stop_first in [True, False] if session.task.stop_first else [False]:
        if _climb(session, ladder, stop_first) or not session.plan.scope.touches_test:
            return
        judged = _judge_on_test(session, judged)
        evidence = read_evidence(session.run)
        if evidence.decide(evidence.measured(session.models), evidence.looks).verdict == "ship":
            return
        ladder = _going_on(evidence.ladder, ladder, judged)


def _going_on(climbed: Ladder, first: Ladder, judged: Sequence[str]) -> Ladder:
    """The ladder to climb again, to its end: it says so where it ended early before."""
    if not any(entry.why == STOPPED for entry in climbed.entries):
        return first
    names = [entry.name for entry in climbed.entries if entry.hash in judged and entry.state == "scored"]
    note = (
        f"{', '.join(names)} met everything on dev and did not hold on test: "
        "the rest of the ladder was run too (stop: first)."
    )
    log.warning("%s", note)
    return replace(first, notes=(*first.notes, note))


def _diagnose(session: Session) -> None:
    """Ask why nothing ships, where nothing does and nothing was interrupted."""
    skip = not session.plan.diagnosis
    bench = Bench(session.task, session.models, session.key, session.plan.progress, skip)
    diagnose(read_evidence(session.run), bench)


def _climb(session: Session, ladder: Ladder, stop_first: bool) -> bool:
    """Fit and measure every rung on dev, from the empty ladder; says whether an outage ended the climb."""
    for rung in session.rungs:
        if ladder.interrupted:
            entry = Entry(rung.name, state="incomplete", why=f"not run: {ladder.interrupted}")
        elif stop_first and _met_on_dev(session, ladder):
            entry = Entry(rung.name, state="not applicable", why=STOPPED)
        else:
            entry = _measure_on_dev(session, rung, ladder)
        ladder = ladder.with_entry(entry)
        if entry.state == "incomplete":
            ladder = replace(ladder, interrupted=ladder.interrupted or entry.why)
        if entry.state == "failed":
            ladder = replace(ladder, binding=False, notes=(*ladder.notes, f"{entry.name} failed"))
        ladder = replace(ladder, notes=(*ladder.notes, *fit_notes(session.run, rung.name)))
        write_ladder(session.run, ladder)
    return bool(ladder.interrupted)


def _first_ladder(session: Session, found: Audit, unread: str) -> Ladder:
    """The ladder before its first rung, with what the audit found and which documents were not read."""
    task, scope = session.task, session.plan.scope
    missing = ladders.left_out(task, bool(session.data.train))
    notes = scope.notes() + ((f"the task's ladder leaves out {', '.join(missing)}",) if missing else ())
    binding = not notes
    step = ladders.next_step(task, len(session.data.train), session.plan.training())
    rows = tuple(look_hash(e, Template(task.prompt.template).names) for e in session.data.test)
    blocked = blocks(found.quotes)
    notes += (f"{unread}.",) if unread else ()
    notes += (*(f"Leakage: {reason}" for reason in blocked), *said_of_personal(task, found))
    return Ladder(
        session.task_hash,
        binding and not blocked,
        notes,
        step,
        {**found.to_json(MOST_NAMED), "blocked": blocked},
        test_rows=rows,
        near=found.near_ids(),
    )


def _met_on_dev(session: Session, ladder: Ladder) -> bool:
    """Whether an approach so far meets every requirement on dev by what was observed."""
    write_ladder(session.run, ladder)
    measured = read_evidence(session.run).measured(session.models)
    return any(
        meets_by_point(session.task, judge_on_dev(session.task, m)) for m in measured if m.state == "scored"
    )


def _measure_on_dev(session: Session, rung: Rung, so_far: Ladder) -> Entry:
    """The rung's entry. A model that cannot do this rung (too long a prompt for the memory, say) fails
    the rung alone; one that has not answered any rung yet fails the run."""
    start = compose.best(session.run, so_far, session.models) if rung.name in COMPOSED else None
    blank = Entry(rung.name, start=start.name if start else "")
    try:
        approach, seconds, chosen = _fit(session, rung, start)
        blank = replace(blank, fit_seconds=seconds, chosen=chosen)
        if copied := copied_rows(approach, session.task, session.data):
            return replace(blank, state="failed", why=copied)
        if start is not None:
            compose.keep(session.run, approach, session.key(session.identity(approach)), start)
        return ask(session, approach, "dev", blank)
    except NotApplicable as error:
        return replace(blank, state="not applicable", why=reason_of(error))
    except OutageError as error:
        return replace(blank, state="incomplete", why=reason_of(error))
    except ModelError as error:
        if not any(entry.state == "scored" for entry in so_far.entries):
            raise
        return replace(blank, state="failed", why=reason_of(error))


def _fit(session: Session, rung: Rung, start: Entry | None = None) -> tuple[Prompted, float, str]:
    """The rung's approach, from this run or an earlier one where one was found under the same conditions;
    the seconds it took, and what was chosen."""
    task = session.task
    asked = [[r.metric, r.kind, r.tier, plain(r.where)] for r in task.requirements]
    beginning = [start.hash] if start is not None else []
    key = session.key(rung.name, plain(rung), task.identity(), task.generation.identity(), asked, *beginning)
    folder = session.run.fit(rung.name, key)
    take_over(session.run, "fits", folder.name)
    if (folder / "fit.json").is_file():
        return load(folder), read_json(folder / "fit.json")["seconds"], read_chosen(folder)
    begin = time.perf_counter()
    work = Work(
        folder,
        task,
        session.models,
        lambda pairs: figure_of(session, pairs),
        seed=session.plan.scope.seed,
        budget=task.budget,
        start=compose.lay_out(session.run, start, folder) if start is not None else None,
        progress=session.plan.progress,
    )
    approach = cast(Prompted, rung.fit(session.data.train, session.data.dev, work))
    save(approach, folder)
    seconds = round(time.perf_counter() - begin, 3)
    write_json(folder / "fit.json", {"seconds": seconds})
    return approach, seconds, read_chosen(folder)


def _judge_on_test(session: Session, judged: tuple[str, ...]) -> tuple[str, ...]:
    """Ask the shortlist on test, then spend its looks: written to the ledger before anything is shown.

    `judged` were on test before and did not ship: the shortlist is chosen from the others, and joins
    them; so do approaches whose look at these rows is paid for, as judging them again is free. After an
    outage nothing more is asked; what is left of the shortlist is then incomplete.
    """
    evidence = read_evidence(session.run)
    measured = evidence.measured(session.models)
    rows = evidence.ladder.test_rows
    paid = {m.hash for m in measured if m.hash and look_of(evidence.looks, m.hash, rows)}
    others = [m for m in measured if m.hash not in judged]
    chosen = tuple({*judged, *paid, *shortlist(session.task, others)})
    if not chosen:
        return chosen
    ladder, outage = evidence.ladder, ""
    for entry in ladder.entries:
        if entry.hash in chosen:
            asked = replace(
                entry, state="incomplete", why=f"not asked on test: {outage}", splits=("dev", "test")
            )
            if not outage:
                asked = ask_on_test(session, replace(entry, splits=("dev",)))
            outage = outage or (asked.why if asked.state == "incomplete" else "")
            ladder = ladder.with_entry(asked)
            write_ladder(session.run, ladder)
    path = ledger_path(session.plan.task_path)
    spend_looks(path, session.task, read_evidence(session.run), chosen, session.models)
    return chosen
