"""`wb assess`: climb the baselines on dev, judge the shortlist on test, conclude.

Every step leaves its result on disk before the next begins, so the same command continues a run
that was killed at any point and ends where an undisturbed one would have.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from baselines.approach import Prompted, load, save
from evals.audit import audit
from evals.data import Data, load_data, row_hash
from evals.decide import figure, plan_look, shortlist
from evals.errors import NotApplicable, OutageError
from evals.failures import primary_grader
from evals.graders import answer_text, build
from evals.run import grade_rows, measure_latency, measured_rows, predict
from evals.selection import judge_on_dev, meets_by_point
from evals.store import Appender, digest, lock, plain, read_json, write_json, write_lines
from evals.task import Task, check_metrics, load_task
from evals.types import Decision, Example, Grader, Look, Models, Prediction, Progress, Rung, Split, Work
from workbench import ladder as ladders
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
from workbench.provenance import provenance
from workbench.runs import Run, Scope, open_run, start, take_over

LATENCY_METRICS = ("p50_seconds", "p95_seconds", "p99_seconds")
LONGEST = 64
"""How many of the gold answers longest in characters are counted in tokens to find the longest."""


@dataclass(frozen=True)
class Plan:
    """What one `wb assess` was asked for."""

    task_path: Path
    out: Path = Path("runs")
    scope: Scope = Scope()
    latency: bool = False
    progress: Progress = lambda step, done, total: None


@dataclass(frozen=True)
class Session:
    """What the steps of one assess share."""

    plan: Plan
    task: Task
    data: Data
    graders: tuple[Grader, ...]
    models: Models
    run: Run
    rungs: tuple[Rung, ...]
    task_hash: str
    fingerprint: str

    def key(self, *parts: Any) -> str:
        """Names a folder by what its content depends on: these parts, the data, the model."""
        return digest([*parts, self.data.hash, self.fingerprint, self.plan.scope.seed], 12)

    def examples(self, split: Split) -> Sequence[Example]:
        return self.data.dev if split == "dev" else self.data.test


def assess(plan: Plan, models: Models) -> tuple[Run, Decision]:
    """Run the baselines of a task and decide. Raises WorkbenchError; the run can then be continued.

    An outage of the model does not raise: the verdict is "incomplete" and says so.
    """
    task = load_task(plan.task_path)
    graders = build(task.graders, task.output, task.path)
    check_metrics(task, graders)
    rungs = tuple(ladders.rungs(task, plan.scope.only))
    whole = load_data(task)
    data = whole if plan.scope.limit is None else whole.limited(plan.scope.limit)
    model = models.open(task.model)
    task_hash = digest([task.identity(), whole.hash], 12)
    task = with_max_tokens(task, data, models)
    run, continued = open_run(plan.out, task, task_hash, plan.scope)
    with lock(run.folder / ".lock"):
        session = Session(plan, task, data, graders, models, run, rungs, task_hash, model.fingerprint)
        if not continued:
            start(run, task, plan.scope, provenance(plan.task_path, data, model.fingerprint, plan.scope.seed))
            write_examples(run, {"dev": data.dev, "test": () if plan.scope.dev_only else data.test})
        outage = _climb(session)
        if not outage and not plan.scope.dev_only:
            _judge_on_test(session)
        return run, conclude(run, models)


def with_max_tokens(task: Task, data: Data, models: Models) -> Task:
    """The task with `generation.max_tokens: auto` replaced by 1.5 times its longest gold answer.

    Counted in train and dev, never in test.
    """
    if task.generation.max_tokens is not None:
        return task
    answers = sorted((answer_text(e.target) for e in (*data.train, *data.dev)), key=len)[-LONGEST:]
    model = models.open(task.model)
    longest = max((model.count(text) for text in answers), default=0)
    return replace(task, generation=replace(task.generation, max_tokens=max(8, math.ceil(1.5 * longest))))


def _climb(session: Session) -> bool:
    """Fit and measure every rung on dev; says whether an outage ended the climb."""
    ladder = _first_ladder(session)
    outage = ""
    for rung in session.rungs:
        if outage:
            entry = Entry(rung.name, state="incomplete", why=f"not run: {outage}")
        elif session.task.stop_first and _met_on_dev(session, ladder):
            entry = Entry(rung.name, state="not applicable", why="a cheaper approach meets everything on dev")
        else:
            entry = _measure_on_dev(session, rung)
            outage = entry.why if entry.state == "incomplete" else ""
        ladder = ladder.with_entry(entry)
        write_ladder(session.run, ladder)
    if any(e.state == "failed" for e in ladder.entries):
        failed = ", ".join(e.name for e in ladder.entries if e.state == "failed")
        write_ladder(session.run, replace(ladder, binding=False, notes=(*ladder.notes, f"{failed} failed")))
    return bool(outage)


def _first_ladder(session: Session) -> Ladder:
    task, scope = session.task, session.plan.scope
    missing = ladders.left_out(task)
    notes = scope.notes() + ((f"the task's ladder leaves out {', '.join(missing)}",) if missing else ())
    step = ladders.next_step(task, len(session.data.train), session.plan.task_path)
    return Ladder(session.task_hash, not notes, notes, step, audit(task, session.data))


def _met_on_dev(session: Session, ladder: Ladder) -> bool:
    """Whether an approach so far meets every requirement on dev by what was observed."""
    write_ladder(session.run, ladder)
    measured = read_evidence(session.run).measured(session.models)
    return any(
        meets_by_point(session.task, judge_on_dev(session.task, m)) for m in measured if m.state == "scored"
    )


def _measure_on_dev(session: Session, rung: Rung) -> Entry:
    try:
        approach, seconds = _fit(session, rung)
        return _ask(session, approach, "dev", Entry(rung.name, fit_seconds=seconds))
    except NotApplicable as error:
        return Entry(rung.name, state="not applicable", why=str(error))
    except OutageError as error:
        return Entry(rung.name, state="incomplete", why=str(error))


def _fit(session: Session, rung: Rung) -> tuple[Prompted, float]:
    """The rung's approach, from this run or an earlier one where one was found under the same conditions."""
    task = session.task
    key = session.key(rung.name, plain(rung), task.identity(), plain(task.generation))
    folder = session.run.fit(rung.name, key)
    take_over(session.run, "fits", folder.name)
    if (folder / "fit.json").is_file():
        return load(folder), read_json(folder / "fit.json")["seconds"]
    begin = time.perf_counter()
    work = Work(
        folder,
        task,
        session.models,
        lambda pairs: _figure(session, pairs),
        seed=session.plan.scope.seed,
        budget=task.budget,
        progress=session.plan.progress,
    )
    approach = rung.fit(session.data.train, session.data.dev, work)
    save(approach, folder)
    seconds = round(time.perf_counter() - begin, 3)
    write_json(folder / "fit.json", {"seconds": seconds})
    return approach, seconds


def _figure(session: Session, pairs: Sequence[tuple[Example, Prediction]]) -> float:
    """What a race goes by: the decision's own figure of these rows."""
    scores = grade_rows(session.graders, pairs, session.models)
    name = primary_grader(session.task.requirements, [g.name for g in session.graders])
    primary = next(g for g in session.graders if g.name == name)
    predictions = {p.id: p for _, p in pairs}
    rows = measured_rows([e for e, _ in pairs], predictions, scores, name, primary.pass_at)
    return figure(session.task, rows)


def _ask(session: Session, approach: Prompted, split: Split, entry: Entry) -> Entry:
    """Predict a split with an approach; the entry says where the answers are and what is missing."""
    key = session.key(approach.hash)
    folder = session.run.approach(approach.name, key)
    take_over(session.run, "approaches", folder.name)
    if not (folder / "spec.json").is_file():
        save(approach, folder)
    examples = session.examples(split)
    found: Mapping[str, Prediction] = {}
    entry = replace(entry, key=key, hash=approach.hash, splits=(*entry.splits, split))
    step = f"{approach.name}: {split}"
    try:
        found = predict(
            approach,
            examples,
            session.models,
            folder / "predictions.jsonl",
            split,
            lambda done: session.plan.progress(step, done, len(examples)),
        )
    except OutageError as error:
        return replace(entry, state="incomplete", why=str(error))
    missing = sum(p.error is not None for p in found.values())
    if missing:
        return replace(entry, why=f"{missing} of {len(examples)} {split} rows ended in an error")
    return entry


def _judge_on_test(session: Session) -> None:
    """Ask the shortlist on test, then spend its looks: written to the ledger before anything is shown."""
    evidence = read_evidence(session.run)
    chosen = shortlist(session.task, evidence.measured(session.models))
    if not chosen:
        write_lines(session.run.folder / "looks.jsonl", read_looks(ledger_path(session.plan.task_path)))
        return
    ladder = evidence.ladder
    for entry in ladder.entries:
        if entry.hash in chosen:
            approach = load(session.run.approach(entry.name, entry.key))
            ladder = ladder.with_entry(_ask(session, approach, "test", replace(entry, splits=("dev",))))
            write_ladder(session.run, ladder)
            if session.plan.latency or any(r.metric in LATENCY_METRICS for r in session.task.requirements):
                _time(session, approach, entry)
    _spend_looks(session, read_evidence(session.run), chosen)


def _time(session: Session, approach: Prompted, entry: Entry) -> None:
    folder = session.run.approach(entry.name, entry.key)
    session.plan.progress(f"{entry.name}: latency", 0, 1)
    measure_latency(approach, session.data.dev, session.models, folder / "latency.jsonl")
    session.plan.progress(f"{entry.name}: latency", 1, 1)


def ledger_path(task_path: Path) -> Path:
    """The ledger of looks of a task: beside its file, meant to be committed with it."""
    return task_path.parent / "looks.jsonl"


def _spend_looks(session: Session, evidence: Evidence, chosen: Sequence[str]) -> None:
    path = ledger_path(session.plan.task_path)
    with lock(path.with_name(".looks.lock")):
        ledger = read_looks(path)
        rows = [row_hash(e) for e in evidence.examples["test"]]
        new: list[Look] = []
        for entry in evidence.ladder.entries:
            if entry.hash in chosen and "test" in entry.splits:
                look = plan_look(session.task, (*ledger, *new), entry.hash, entry.name, rows)
                new += [look] if look is not None else []
        decision = evidence.decide(evidence.measured(session.models), (*ledger, *new))
        statuses = {a["hash"]: a["statuses"] for a in decision.approaches}
        new = [replace(look, statuses=statuses[look.approach]) for look in new]
        if new:
            with Appender(path) as file:
                for look in new:
                    file.write(look)
        write_lines(session.run.folder / "looks.jsonl", (*ledger, *new))

