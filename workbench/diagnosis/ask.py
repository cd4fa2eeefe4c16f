"""Which arms a run that ships nothing asks, and asking them: on dev rows, at most so many calls.

An arm is asked only where it could show something: six rows to win are the fewest that an exact test
calls a difference (two-sided, 95 %). A model that is away or refuses ends its arm alone, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from baselines.approach import Prompted, load, save
from evals.errors import DataError, ModelError, WorkbenchError
from evals.run import predict
from evals.selection import figure, judge_on_dev, meets_by_point
from evals.task import Task
from evals.types import Decision, Example, Measured, Models, Progress, Row
from workbench.diagnosis.arms import MOST_ROWS, PART, SPREAD_ROWS, Arm, Arms, forget_arms, write_arms
from workbench.diagnosis.grammar import answer_form, held
from workbench.diagnosis.oracle import WithGold, corpus_for, gold_passages
from workbench.diagnosis.wordings import reordered, reworded
from workbench.evidence import Evidence
from workbench.runs import take_over

FEWEST_TO_WIN = 6
ROOM, LEAST_ROOM, MOST_ROOM = 8, 256, 512
"""How many times as long answers may be that were cut off, and the tokens between which that lies: enough to
write down how an answer comes about."""
SKIPPED = "--no-diagnosis"


@dataclass(frozen=True)
class Bench:
    """What arms are asked with. `task` is the task where it lies, `key` names a folder by its content."""

    task: Task
    models: Models
    key: Callable[..., str]
    progress: Progress
    skip: bool = False


@dataclass(frozen=True)
class Subject:
    """An approach of the run with its dev rows."""

    approach: Prompted
    rows: Mapping[str, Row]


@dataclass(frozen=True)
class Question:
    """An arm to be asked on `rows`, by `approach`."""

    arm: Arm
    approach: Prompted | WithGold
    rows: Sequence[Example]


def diagnose(evidence: Evidence, bench: Bench) -> None:
    """Ask the arms of a run that ships nothing; what was asked is in the run folder then.

    Nothing is asked where rows are all that is lacking, as an approach meets everything on dev by what
    was observed, nor where neither form nor quality is missed. Raises ResumableError when the disk is full.
    """
    measured = evidence.measured(bench.models)
    decision = evidence.decide(measured, evidence.looks)
    of = _missing_something(decision)
    lacks_rows = decision.verdict == "collect" and any(_meets(evidence, m) for m in measured)
    if not of or decision.verdict in ("ship", "incomplete") or lacks_rows:
        forget_arms(evidence.run.folder)
        return
    if bench.skip:
        write_arms(evidence.run.folder, Arms(of, skipped=SKIPPED))
        return
    subjects = _subjects(evidence, measured)
    asked = [_ask(evidence, bench, question) for question in _questions(evidence, bench, subjects, of)]
    write_arms(evidence.run.folder, Arms(of, tuple(asked)))


def _missing_something(decision: Decision) -> str:
    """The approach that comes closest, where it misses form or quality; else ""."""
    of = next((str(r["approach"]) for r in decision.requirements if r["approach"]), "")
    open_ones = [r for r in decision.requirements if r["tier"] == "critical" and r["status"] != "met"]
    return of if any(r["kind"] in ("format", "quality") for r in open_ones) else ""


def _meets(evidence: Evidence, measured: Measured) -> bool:
    judged = judge_on_dev(evidence.task, measured)
    return measured.state == "scored" and meets_by_point(evidence.task, judged)


def _subjects(evidence: Evidence, measured: Sequence[Measured]) -> dict[str, Subject]:
    """The approaches that were scored, by name, in ladder order."""
    keys = {entry.name: entry.key for entry in evidence.ladder.entries}
    return {
        m.name: Subject(
            load(evidence.run.approach(m.name, keys[m.name])), {r.example.id: r for r in m.rows["dev"]}
        )
        for m in measured
        if m.state == "scored" and m.rows.get("dev")
    }


def sampled(examples: Sequence[Example], most: int) -> list[Example]:
    """At most so many rows, the same ones whatever the order of the file."""
    return sorted(examples, key=lambda e: sha256(e.id.encode()).digest())[:most]


def _questions(
    evidence: Evidence, bench: Bench, subjects: Mapping[str, Subject], of: str
) -> Iterator[Question | Arm]:
    """The arms there are, what could explain most first; an arm without a question is not asked."""
    if of not in subjects:
        return
    rows = sampled(evidence.examples["dev"], MOST_ROWS)
    few = rows[:SPREAD_ROWS]
    yield from _oracle(bench, subjects, of, rows)
    yield from _room(subjects[of], rows)
    if not any(_is_held(subject.approach) for subject in subjects.values()):
        yield from _grammar(bench.task, subjects[of], rows)
    if bench.task.stronger_model is not None:
        stronger = replace(subjects[of].approach, model=bench.task.stronger_model)
        yield Question(Arm("stronger", of, bench.task.stronger_model.name), stronger, rows)
    ordered = _best_with_shots(bench.task, subjects, of)
    for change, other in reordered(ordered.approach) if ordered else ():
        yield Question(Arm("order", other.name, change), other, few)
    for change, other in reworded(subjects[of].approach, bench.task.prompt.instruction):
        yield Question(Arm("wording", of, change), other, few)


def _oracle(
    bench: Bench, subjects: Mapping[str, Subject], of: str, rows: Sequence[Example]
) -> Iterator[Question | Arm]:
    """The gold passages for the approach that retrieves, the last where several do, else for the best."""
    gold = [row for row in rows if row.gold_doc_ids]
    if bench.task.data.documents is None or not gold:
        return
    retrieving = [name for name, s in subjects.items() if s.approach.prompt.passages is not None]
    name = of if of in retrieving or not retrieving else retrieving[-1]
    arm = Arm("oracle", name, "the gold passages in the prompt")
    subject = subjects[name]
    found = {id: row.prediction.sources for id, row in subject.rows.items()}
    try:
        documents = bench.task.path.parent / bench.task.data.documents
        corpus = corpus_for(subject.approach, documents, bench.models)
    except DataError as error:
        yield replace(arm, why=_reason(error))
        return
    given = gold_passages(subject.approach, gold, found, corpus)
    if len(given) < FEWEST_TO_WIN:
        yield replace(arm, why=f"only {len(given)} dev rows have gold documents that are there")
        return
    yield Question(arm, WithGold(subject.approach, given), [row for row in gold if row.id in given])


def _room(subject: Subject, rows: Sequence[Example]) -> Iterator[Question]:
    """Longer answers, where enough are cut off."""
    cut = sum(subject.rows[row.id].failure == "truncated" for row in rows if row.id in subject.rows)
    decoder = subject.approach.decoder
    room = max(decoder.max_tokens, min(max(ROOM * decoder.max_tokens, LEAST_ROOM), MOST_ROOM))
    if cut < FEWEST_TO_WIN or room == decoder.max_tokens:
        return
    approach = replace(subject.approach, decoder=replace(decoder, max_tokens=room))
    yield Question(Arm("room", approach.name, f"room for {room} tokens"), approach, rows)


def _grammar(task: Task, subject: Subject, rows: Sequence[Example]) -> Iterator[Question | Arm]:
    form = answer_form(task)
    if form is None:
        return
    failures = [subject.rows[row.id].failure for row in rows if row.id in subject.rows]
    lost = sum(failure in ("format", "truncated") for failure in failures)
    arm = Arm("grammar", subject.approach.name, "held to a grammar")
    if lost < FEWEST_TO_WIN:
        yield replace(arm, why=f"the form fails on {lost} of {len(failures)} rows, too few to show anything")
        return
    yield Question(arm, held(subject.approach, form), rows)


def _is_held(approach: Prompted) -> bool:
    """Whether an approach is held to a grammar already: the ladder then says what that does."""
    return bool(getattr(approach.decoder, "held", False))


def _best_with_shots(task: Task, subjects: Mapping[str, Subject], of: str) -> Subject | None:
    """The diagnosed approach where it shows shots, else the best of those that do."""
    ordered = {name: s for name, s in subjects.items() if any(True for _ in reordered(s.approach))}
    if of in ordered:
        return ordered[of]
    return max(ordered.values(), key=lambda s: figure(task, list(s.rows.values())), default=None)


def _ask(evidence: Evidence, bench: Bench, question: Question | Arm) -> Arm:
    """Ask one arm, or go on where it stopped."""
    if isinstance(question, Arm):
        return question
    arm, approach, rows = question.arm, question.approach, question.rows
    asked = approach if isinstance(approach, Prompted) else approach.approach
    step = f"diagnosis, {arm.kind}"
    try:
        key = bench.key(arm.kind, approach.hash, bench.models.open(asked.model).fingerprint)
        arm = replace(arm, folder=f"{arm.kind}-{key}")
        folder = evidence.run.folder / PART / arm.folder
        take_over(evidence.run, PART, arm.folder)
        if not (folder / "spec.json").is_file():
            save(asked, folder)
        predict(
            approach,
            rows,
            bench.models,
            folder / "predictions.jsonl",
            "dev",
            lambda done: bench.progress(step, done, len(rows)),
        )
    except ModelError as error:
        return replace(arm, why=_reason(error))
    return arm


def _reason(error: WorkbenchError) -> str:
    return f"{error.where}: {error.message}" if error.where else error.message
