"""What a run folder knows, and how it is concluded: read from disk, decide, render.

`ladder.json` says which approaches the run tried and how far each came; everything else is read
from the files beside it. Concluding the same folder again gives the same bytes. decision.json is
written last: a folder that has it is whole, one without it is continued.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from evals.decide import Given, decide
from evals.errors import ResumableError, RunError
from evals.failures import primary_grader
from evals.graders import of_task
from evals.looks import full_alpha
from evals.preferences import METRIC, read_pair_rows
from evals.run import grade, kept_in, measured_rows, read_latency, read_predictions
from evals.store import (
    DAMAGED,
    plain,
    read_json,
    read_lines,
    reading,
    revive,
    write_json,
    write_lines,
    write_text,
)
from evals.task import Task, load_task
from evals.types import Decision, Example, Grader, Look, Measured, Models, Row, Split, State
from reports import REPORTERS, Report, ReportAnswer, ReportRow
from workbench.budget import told
from workbench.diagnosis.found import NOTHING_FOUND, Diagnosed, Folder, diagnosed
from workbench.escalation.economics import economics
from workbench.escalation.record import training_record
from workbench.judges.admission import limited
from workbench.judges.judgements import judgements, sentences
from workbench.leakage import compared, without
from workbench.runs import Run

JUDGES = "judges.json"
"""Why each judge of the run may not gate, "" when it may."""
PAIRS = "preferences.jsonl"
"""What an approach's model makes of the pairs of answers, in the approach's folder."""
SPLITS: tuple[Split, ...] = ("dev", "test")


@dataclass(frozen=True)
class Entry:
    """How far one approach came in this run. `key` names its folder; `splits` it was asked on;
    `start` is the approach that it adds to; `chosen` is what its rung chose on dev."""

    name: str
    key: str = ""
    hash: str = ""
    kind: Literal["baseline", "tuned"] = "baseline"
    state: State = "scored"
    why: str = ""
    fit_seconds: float = 0.0
    splits: tuple[Split, ...] = ()
    start: str = ""
    chosen: str = ""


@dataclass(frozen=True)
class Ladder:
    """The run's state: its approaches in ladder order and what was found before the first of them.

    `test_rows` are the hashes of all test rows, asked or not; `near` the ids of dev and test rows that
    nearly repeat an earlier row; `ended` says that nothing is left to
    ask: every approach came as far as it could; `interrupted` why
    the climb ended before the shortlist was judged on test."""

    task_hash: str
    binding: bool
    notes: tuple[str, ...] = ()
    next_step: Mapping[str, Any] | None = None
    audit: Mapping[str, Any] = field(default_factory=dict)
    entries: tuple[Entry, ...] = ()
    test_rows: tuple[str, ...] = ()
    near: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ended: bool = False
    interrupted: str = ""

    def with_entry(self, entry: Entry) -> Ladder:
        """The ladder with an entry added, or replaced where one of that name stands."""
        if any(e.name == entry.name for e in self.entries):
            entries = tuple(entry if e.name == entry.name else e for e in self.entries)
        else:
            entries = (*self.entries, entry)
        return replace(self, entries=entries)


def write_ladder(run: Run, ladder: Ladder) -> None:
    """Write ladder.json."""
    write_json(run.folder / "ladder.json", ladder)


def write_examples(run: Run, examples: Mapping[Split, Sequence[Example]]) -> None:
    """Write the eval rows as used."""
    write_lines(
        run.folder / "examples.jsonl", ({"split": s, **plain(e)} for s in SPLITS for e in examples.get(s, ()))
    )


@dataclass(frozen=True)
class Evidence:
    """A run folder, read."""

    run: Run
    task: Task
    graders: tuple[Grader, ...]
    examples: Mapping[Split, tuple[Example, ...]]
    ladder: Ladder
    looks: tuple[Look, ...]
    provenance: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    @property
    def primary(self) -> Grader:
        """The grader that says whether a row is right."""
        name = primary_grader(self.task.requirements, [g.name for g in self.graders])
        return next(g for g in self.graders if g.name == name)

    def rows(self, entry: Entry, split: Split, models: Models) -> list[Row]:
        """An approach's graded rows of a split, those of each repeat after those of the one before."""
        repeats = range(self.task.generation.repeats)
        return [row for repeat in repeats for row in self._repeat(entry, split, models, repeat)]

    def _repeat(self, entry: Entry, split: Split, models: Models, repeat: int) -> list[Row]:
        folder = self.run.approach(entry.name, entry.key)
        predictions = read_predictions(kept_in(folder, "predictions", repeat), split)
        pairs = [(e, predictions[e.id]) for e in self.examples[split] if e.id in predictions]
        scores = grade(self.graders, pairs, models, kept_in(folder, "scores", repeat), split)
        primary = self.primary
        return measured_rows(self.examples[split], predictions, scores, primary.name, primary.pass_at)

    def measured(self, models: Models) -> list[Measured]:
        """Everything measured of every approach, in ladder order."""
        return [self._measured(entry, models) for entry in self.ladder.entries]

    def _measured(self, entry: Entry, models: Models) -> Measured:
        return Measured(
            entry.name,
            entry.hash,
            entry.kind,
            entry.state,
            entry.why,
            rows={split: self.rows(entry, split, models) for split in entry.splits},
            expected={
                split: len(self.examples[split]) * self.task.generation.repeats for split in entry.splits
            },
            latency=read_latency(self.run.approach(entry.name, entry.key) / "latency.jsonl")
            if entry.key
            else (),
            fit_seconds=entry.fit_seconds,
            provider="local" if entry.kind == "tuned" else "",
            start=entry.start,
            chosen=entry.chosen,
            pairs=self._pairs(entry),
            training=self._training(entry),
        )

    def _training(self, entry: Entry) -> Mapping[str, Any] | None:
        """What is on record of a tuned approach's training."""
        if entry.kind != "tuned" or not entry.key:
            return None
        return training_record(self.run.approach(entry.name, entry.key), 1 - 2 * full_alpha(self.task))

    def _pairs(self, entry: Entry) -> dict[Split, Sequence[Row]]:
        if not entry.key or not any(r.metric == METRIC for r in self.task.requirements):
            return {}
        path = self.run.approach(entry.name, entry.key) / PAIRS
        return {split: read_pair_rows(path, split) for split in entry.splits}

    def diagnosed(self, measured: Sequence[Measured], models: Models) -> Diagnosed:
        """Why nothing ships, as far as the run asked."""
        folder = Folder(self.run.folder, self.task, self.graders, self.primary, self.examples["dev"])
        return diagnosed(folder, measured, models)

    def decide(
        self,
        measured: Sequence[Measured],
        looks: Sequence[Look],
        test_rows: Sequence[str] | None = None,
        why: Diagnosed = NOTHING_FOUND,
    ) -> Decision:
        """The decision that this evidence and these looks give, on all test rows or on `test_rows`, with
        the diagnosis where one was made."""
        judged = judgements(self.task, measured)
        given = Given(
            task_hash=self.ladder.task_hash,
            test_rows=self.ladder.test_rows if test_rows is None else test_rows,
            binding=self.ladder.binding,
            notes=(*self.ladder.notes, *self.notes, *sentences(judged)),
            interrupted=self.ladder.interrupted,
            next_step=why.next_step(self.ladder.next_step),
            diagnosis=why.sentences,
            arms=why.arms,
            commands=self.provenance["commands"],
            files=self.task.data.sources(),
            audit=self.ladder.audit,
            spent=told(self.run, self.task),
            economics={
                **({"judges": judged} if judged else {}),
                **({"tuned": paid} if (paid := economics(self.task, measured)) else {}),
            },
            provenance=self.provenance,
        )
        return decide(self.task, measured, looks, given)

    def concluded(self, measured: Sequence[Measured], models: Models) -> Decision:
        """The decision, beside what it would be without the rows that nearly repeat an earlier row."""
        ladder = self.ladder
        less = without(measured, self.looks, self.examples, ladder.test_rows, ladder.near, self.decide)
        why = self.diagnosed(measured, models)
        return compared(self.decide(measured, self.looks, why=why), less)


def read_evidence(run: Run) -> Evidence:
    """Read a run folder. Raises RunError when a part is missing or damaged."""
    with reading(run.folder / "provenance.json"):
        provenance = read_json(run.folder / "provenance.json")
        commands, task_file = {**provenance["commands"]}, Path(provenance["task_file"])
    ladder = run.folder / "ladder.json"
    if not ladder.is_file():
        raise _unfinished(run, commands)
    written = load_task(run.folder / "task.yaml")
    task, notes = limited(written, _judges(run.folder / JUDGES))
    with reading(ladder):
        read = revive(Ladder, read_json(ladder))
    return Evidence(
        run,
        task,
        of_task(task, task_file),
        _read_examples(run.folder / "examples.jsonl"),
        read,
        read_looks(run.folder / "looks.jsonl"),
        provenance,
        notes,
    )


def _judges(path: Path) -> dict[str, str]:
    with reading(path):
        return {str(name): str(why) for name, why in read_json(path).items()} if path.is_file() else {}


def _read_examples(path: Path) -> dict[Split, tuple[Example, ...]]:
    if not path.is_file():
        raise RunError("is missing", where=path, hint=DAMAGED)
    examples: dict[Split, list[Example]] = {split: [] for split in SPLITS}
    with reading(path):
        for line in read_lines(path):
            examples[line.pop("split")].append(revive(Example, line))
    return {split: tuple(rows) for split, rows in examples.items()}


def _unfinished(run: Run, commands: Mapping[str, str]) -> ResumableError:
    hint = f"Continue it: {commands.get('incomplete')}"
    return ResumableError("has not come to its end", where=run.folder, hint=hint)


def read_looks(path: Path) -> tuple[Look, ...]:
    """The ledger of looks at `path`; none when there is no file."""
    with reading(path):
        return tuple(revive(Look, line) for line in read_lines(path))


def conclude(run: Run, models: Models) -> Decision:
    """Decide from the folder, write everything that is shown of it, then decision.json.

    Raises ResumableError when the run was interrupted before its end, RunError when it is damaged.
    """
    evidence = read_evidence(run)
    if not evidence.ladder.ended:
        raise _unfinished(run, evidence.provenance["commands"])
    measured = evidence.measured(models)
    decision = evidence.concluded(measured, models)
    report = Report(
        decision=plain(decision),
        rows=_report_rows(measured, evidence.primary.name),
        task_text=evidence.task.text,
        rows_total=len(evidence.examples["dev"]),
    )
    for name in REPORTERS:
        write_text(run.folder / name, REPORTERS.load(name)(report))
    write_json(run.folder / "decision.json", decision)
    return decision


def _report_rows(measured: Sequence[Measured], primary: str) -> tuple[ReportRow, ...]:
    """The dev rows with every approach's answer; test rows are never shown as text."""
    examples: dict[str, Example] = {}
    answers: dict[str, dict[str, ReportAnswer]] = {}
    for approach in measured:
        for row in approach.rows.get("dev", ()):
            if row.prediction.repeat:
                continue  # of several answers to a row the first is shown
            examples[row.example.id] = row.example
            answers.setdefault(row.example.id, {})[approach.name] = _answer(row, primary)
    return tuple(ReportRow(id, e.input, e.target, answers[id]) for id, e in examples.items())


def _answer(row: Row, primary: str) -> ReportAnswer:
    score = row.scores.get(primary)
    failed = next((s for s in row.scores.values() if s.failure == "format"), score)
    prediction = row.prediction
    return ReportAnswer(
        text=prediction.text,
        answer=score.answer if score else None,
        value=score.value if score else None,
        failure=row.failure,
        why=prediction.error or (failed.why if failed else ""),
        finish=prediction.finish,
        tokens_in=prediction.usage.tokens_in,
        tokens_out=prediction.usage.tokens_out,
    )
