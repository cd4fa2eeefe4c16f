"""What the steps of a run share, and what both an assessment and a training do: ask an approach.

Answers are appended as they come, so that a run which was killed asks only for what is missing.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from baselines.approach import Prompted, load, save
from evals.data import Data
from evals.decide import figure
from evals.errors import OutageError, WorkbenchError
from evals.failures import primary_grader
from evals.graders import answer_text
from evals.preferences import METRIC, Pairs, score_pairs
from evals.run import STRIDE, grade_rows, kept_in, measure_latency, measured_rows, predict
from evals.store import digest, plain
from evals.task import Task
from evals.types import Example, Grader, Models, Prediction, Progress, Row, Rung, Split
from workbench.evidence import PAIRS, Entry
from workbench.leakage import told_shots
from workbench.runs import Run, Scope, take_over

LATENCY_METRICS = ("p50_seconds", "p95_seconds", "p99_seconds")
LONGEST = 64
"""How many of the gold answers longest in characters are counted in tokens to find the longest."""


@dataclass(frozen=True)
class Plan:
    """What one `wb assess` was asked for; `keep` says whether endpoints' answers are kept."""

    task_path: Path
    out: Path = Path("runs")
    scope: Scope = field(default_factory=Scope)
    latency: bool = False
    keep: bool = True
    diagnosis: bool = True
    progress: Progress = lambda step, done, total: None
    allow_code: bool = False
    trusts_code: bool = False

    def commands(self) -> dict[str, str]:
        """What to type after a verdict: the same again to continue, without its limits to judge anew."""
        plain_words = self._words("assess")
        plain_words += [] if self.keep else ["--no-cache"]
        words = [*plain_words, *self.scope.options(), *(["--latency"] if self.latency else [])]
        words += [] if self.diagnosis else ["--no-diagnosis"]
        return {"incomplete": shlex.join(words), "collect": shlex.join(plain_words)}

    def training(self) -> str:
        """What to type to train what the verdict recommends."""
        return shlex.join(self._words("escalate"))

    def _words(self, command: str) -> list[str]:
        """A command on this task, with what both it and this plan are told of files and of code."""
        words = ["wb", command, str(self.task_path)]
        words += [] if self.out == Plan.out else ["--out", str(self.out)]
        words += ["--allow-code"] if self.allow_code else []
        return words + (["--trust-remote-code"] if self.trusts_code else [])


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
    pairs: Pairs = field(default_factory=Pairs)

    def identity(self, approach: Prompted) -> str:
        """What an approach is known by in decisions and looks: what is asked of which weights, wherever
        they lie and whatever the approach is called; with how often, where it is more than once, since
        to ask the same rows more often until they tell would be free else."""
        repeats = self.task.generation.repeats
        often = [repeats] if repeats > 1 else []
        asked = self.models.open(approach.model).fingerprint if approach.model.adapter else self.fingerprint
        return digest([plain(approach.prompt), plain(approach.decoder), asked, *often])

    def key(self, *parts: Any) -> str:
        """Names a folder by what its content depends on: these parts, the data, the model."""
        return digest([*parts, self.data.hash, self.fingerprint, self.plan.scope.seed], 12)

    def examples(self, split: Split) -> Sequence[Example]:
        return self.data.dev if split == "dev" else self.data.test


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


def figure_of(session: Session, pairs: Sequence[tuple[Example, Prediction]]) -> float:
    """What a race goes by: the decision's own figure of these rows."""
    return figure(session.task, graded(session, pairs))


def graded(session: Session, pairs: Sequence[tuple[Example, Prediction]]) -> list[Row]:
    """Rows with these answers and their scores."""
    scores = grade_rows(session.graders, pairs, session.models)
    name = primary_grader(session.task.requirements, [g.name for g in session.graders])
    primary = next(g for g in session.graders if g.name == name)
    predictions = {p.id: p for _, p in pairs}
    return measured_rows([e for e, _ in pairs], predictions, scores, name, primary.pass_at)


def ask(session: Session, approach: Prompted, split: Split, entry: Entry) -> Entry:
    """Predict a split with an approach; the entry says where the answers are and what is missing."""
    identity = session.identity(approach)
    key = session.key(identity)
    folder = session.run.approach(approach.name, key)
    take_over(session.run, "approaches", folder.name)
    if not (folder / "spec.json").is_file():
        save(approach, folder)
    entry = replace(entry, key=key, hash=identity, splits=(*entry.splits, split))
    repeats, missing = session.task.generation.repeats, 0
    try:
        for repeat in range(repeats):
            missing += _ask_once(session, approach, split, folder, repeat)
        _ask_pairs(session, approach, split, folder)
    except OutageError as error:
        return replace(entry, state="incomplete", why=reason_of(error))
    if missing:
        total = repeats * len(session.examples(split))
        return replace(entry, why=f"{missing} of {total} {split} rows ended in an error")
    return entry


def _ask_once(session: Session, approach: Prompted, split: Split, folder: Path, repeat: int) -> int:
    """One answer to every row of a split; how many ended in an error."""
    examples, repeats = session.examples(split), session.task.generation.repeats
    step = f"{approach.name}: {split}" + (f", {repeat + 1} of {repeats}" if repeats > 1 else "")
    found = predict(
        reseeded(approach, repeat),
        examples,
        session.models,
        kept_in(folder, "predictions", repeat),
        split,
        lambda done: session.plan.progress(step, done, len(examples)),
        repeat,
    )
    return sum(p.error is not None for p in found.values())


def reseeded(approach: Prompted, repeat: int) -> Prompted:
    """The approach as it draws its answers the nth time."""
    decoder = approach.decoder
    return replace(approach, decoder=replace(decoder, seed=decoder.seed + repeat * STRIDE))


def _ask_pairs(session: Session, approach: Prompted, split: Split, folder: Path) -> None:
    """What the approach's model makes of the split's pairs of answers, where a requirement asks for it."""
    if not any(r.metric == METRIC for r in session.task.requirements):
        return
    pairs = session.pairs.of(split)[: session.plan.scope.limit]
    barred = told_shots(approach, pairs, session.task)
    shown = approach.prompts([p.query() for p in pairs], session.models, barred)
    step = f"{approach.name}: {split} pairs"
    score_pairs(
        pairs,
        [shown[pair.id] for pair in pairs],
        session.models.open(approach.model),
        folder / PAIRS,
        split,
        lambda done: session.plan.progress(step, done, len(pairs)),
    )


def ask_on_test(session: Session, entry: Entry) -> Entry:
    """Predict test, and time single requests where a latency is wanted."""
    approach = load(session.run.approach(entry.name, entry.key))
    asked = ask(session, approach, "test", entry)
    needed = any(r.metric in LATENCY_METRICS for r in session.task.requirements)
    if asked.state == "incomplete" or not (needed or session.plan.latency):
        return asked
    path = session.run.approach(entry.name, entry.key) / "latency.jsonl"
    session.plan.progress(f"{entry.name}: latency", 0, 1)
    try:
        measure_latency(approach, session.data.dev, session.models, path)
    except OutageError as error:
        return replace(asked, state="incomplete" if needed else asked.state, why=reason_of(error))
    session.plan.progress(f"{entry.name}: latency", 1, 1)
    return asked


def reason_of(error: WorkbenchError) -> str:
    """What happened and where, on one line; what to do is said with the verdict."""
    return f"{error.where}: {error.message}" if error.where else error.message
