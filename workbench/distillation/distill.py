"""`wb distill`: label inputs with the best there is, and keep what graders accept.

    runs/<task>/<run>/distilled/<approach>-<key>/
      spec.json  labels.jsonl  predictions.jsonl  scores.jsonl  spending.jsonl  account.json

Answers are appended as they come, so that a command which was killed, or whose budget was spent, asks only
for what is missing. The task's budget holds for each such folder by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from baselines.approach import save
from evals.data import Data, load_data
from evals.errors import DataError, OutageError, RunError
from evals.examples import row_hash
from evals.graders import make_ready
from evals.models.metered import Metered
from evals.run import predict
from evals.spending import FILE, Purse
from evals.store import digest, file_digest, lock, write_json
from evals.task import Task, load_task
from evals.template import Template
from evals.types import Example, Models, Progress, Split
from workbench.distillation.acceptance import Sieve, sieve_of, target_of
from workbench.distillation.inputs import apart, read_inputs
from workbench.distillation.labeller import LEAST, Labeller, Worth, choose, dev_rows, worth
from workbench.distillation.lines import PART, write_rows
from workbench.escalation.escalate import binding_decision
from workbench.evidence import Evidence, read_evidence
from workbench.exchange.chosen import refuse_file
from workbench.judges.admission import standing
from workbench.runs import Run, take_over

UNLABELLED = cast(Split, "unlabelled")
"""What stands for a split beside the answers to rows that are of none."""


@dataclass(frozen=True)
class Labelling:
    """What one `wb distill` was asked for. `force` replaces `file`, takes a decision that is not binding and
    a labeller that is often wrong, and goes on without rows that got no answer."""

    task_path: Path
    inputs: Path
    file: Path
    out: Path = Path("runs")
    run: Path | None = None
    approach: str | None = None
    force: bool = False
    progress: Progress = lambda step, done, total: None


@dataclass(frozen=True)
class Labelled:
    """What came of it: how many of the inputs were labelled by whom and are in the file, why the others are
    not, what judged their answers (`graded`: more than their form) and what could not, and what the
    labeller's answers are worth."""

    file: Path
    rows: int
    inputs: int
    by: Mapping[str, str]
    left_out: Mapping[str, int]
    dropped: Mapping[str, int]
    judged_by: tuple[str, ...]
    graded: bool
    unable: Mapping[str, str]
    worth: Worth

    def told(self) -> dict[str, Any]:
        """As account.json and `--json` have it."""
        return {
            "file": str(self.file),
            "rows": self.rows,
            "inputs": self.inputs,
            "labelled_by": dict(self.by),
            "left_out": dict(self.left_out),
            "dropped": dict(self.dropped),
            "judged_by": list(self.judged_by),
            "unable": dict(self.unable),
            "worth": self.worth.told(),
        }


def distill(asked: Labelling, models: Models) -> Labelled:
    """Label the inputs and write what is kept. Raises RunError where the decision does not hold, the labeller
    is too often wrong or no answer is kept, DataError for inputs that cannot be taken, OutageError where it
    was interrupted; the same command then continues."""
    refuse_file(asked.file, asked.force)
    task = load_task(asked.task_path)
    data = load_data(task)
    run, _ = binding_decision(asked.task_path, asked.out, asked.run, forced=asked.force)
    inputs = read_inputs(asked.inputs, task)
    rows, left_out = apart(inputs, data, Template(task.prompt.template).names)
    if not rows:
        raise DataError(f"has no input to label: {_counted(left_out)}", where=asked.inputs)
    evidence = read_evidence(run)
    make_ready(evidence.graders, models)
    labeller = choose(evidence, asked.approach, models)
    folder = _folder(run, labeller, task, data, rows)
    with lock(folder / ".lock"), Purse(folder / FILE, task.budget, task.prices) as purse:
        desk = _Desk(asked, task, evidence, labeller, Metered(models, purse), folder)
        sieve, found = desk.tried(rows)
        answers, dropped = desk.labels(rows, sieve)
        by = {**labeller.told(), "run": run.id, "inputs": file_digest(asked.inputs)}
        whole = Labelled(
            asked.file,
            len(answers),
            len(inputs),
            by,
            left_out,
            dropped,
            sieve.names,
            bool(sieve.graders),
            sieve.unable,
            found,
        )
        write_json(folder / "account.json", whole.told())
        if not answers:
            raise RunError(
                f"no answer of {labeller.name} was kept: {_counted(dropped)}",
                where=folder,
                hint="Its answers are in labels.jsonl there. Label with another: --approach NAME.",
            )
        write_rows(asked.file, answers, task.columns, by)
        return whole


def _folder(run: Run, labeller: Labeller, task: Task, data: Data, rows: Sequence[Example]) -> Path:
    """Where the answers are kept: one folder for each labeller and each list of inputs. What an earlier run
    has of it is taken over; it is not spent again."""
    listed = [[row.id, row_hash(row)] for row in rows]
    key = digest([labeller.hash, labeller.fingerprint, task.identity(), data.hash, listed], 12)
    name = f"{labeller.approach.name}-{key}"
    folder = run.folder / PART / name
    if not folder.is_dir() and take_over(run, PART, name):
        (folder / FILE).unlink(missing_ok=True)
    if not (folder / "spec.json").is_file():
        save(labeller.approach, folder)
    return folder


@dataclass(frozen=True)
class _Desk:
    """Where one labeller answers."""

    asked: Labelling
    task: Task
    evidence: Evidence
    labeller: Labeller
    models: Models
    folder: Path

    def tried(self, rows: Sequence[Example]) -> tuple[Sieve, Worth]:
        """What judges the answers, and what they are worth on dev. Raises RunError where it is too little."""
        evidence, models = self.evidence, self.models
        answered = dev_rows(self.labeller, evidence, models, self.folder, self.asked.progress)
        pairs = [(row.example, row.prediction) for row in answered]
        judges = standing(self.task, evidence.graders, models)
        sieve = sieve_of(evidence.task, evidence.graders, judges, pairs, rows, models)
        reasons = sieve.reasons(pairs, models, self.folder / "judged-dev.jsonl", "dev")
        found = worth(evidence, answered, [row for row in answered if not reasons[row.example.id]])
        if found.too_low and not self.asked.force:
            raise RunError(
                f"{self.labeller.name} is too often wrong to learn from: {found.sentence()}",
                where=evidence.run.folder,
                hint=f"At least {LEAST:g} is wanted of what is kept. Name a better one (--approach, or "
                "stronger_model in the task), or label all the same with --force.",
            )
        return sieve, found

    def labels(self, rows: Sequence[Example], sieve: Sieve) -> tuple[list[tuple[Example, Any]], Counter[str]]:
        """The rows whose answers are kept, with these; and how many were dropped for which reason."""
        step = f"{self.labeller.name}: labels"
        found = predict(
            self.labeller.approach,
            rows,
            self.models,
            self.folder / "labels.jsonl",
            UNLABELLED,
            lambda done: self.asked.progress(step, done, len(rows)),
        )
        failed = sum(prediction.error is not None for prediction in found.values())
        if failed and not self.asked.force:
            raise OutageError(
                f"{failed} of {len(rows)} answers ended in an error",
                where=self.folder / "labels.jsonl",
                hint="The same command asks for them again; with --force it goes on without them.",
            )
        pairs = [(row, found[row.id]) for row in rows]
        reasons = sieve.reasons(pairs, self.models, self.folder / "judged.jsonl", UNLABELLED)
        dropped = Counter(reason for reason in reasons.values() if reason)
        kept = [(row, target_of(self.task, found[row.id].text)) for row in rows if not reasons[row.id]]
        return kept, dropped


def _counted(reasons: Mapping[str, int]) -> str:
    return "; ".join(f"{count} {why}" for why, count in reasons.items())
