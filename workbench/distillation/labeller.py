"""Who labels: the task's stronger model with the best baseline's prompt, or that baseline, or one by name;
and how good its answers are, measured on dev, before it labels anything.

Of the dev answers that would be kept the share that is right is what a file of such answers is worth: their
rows have a reference to tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from baselines.approach import Prompted, load
from evals.entries import rounded
from evals.errors import RunError
from evals.failures import grader_of
from evals.looks import full_alpha
from evals.metrics import evidence as evidence_of
from evals.run import grade, measured_rows, predict
from evals.selection import figure, with_pairs
from evals.stats.bounds import interval
from evals.store import digest, plain
from evals.types import Interval, Models, Progress, Row
from workbench.comparison.sides import scored_entry
from workbench.evidence import Entry, Evidence

LEAST = 0.5
"""The dev score of the answers that would be kept, below which nothing is labelled unasked: more of what
the student learned would be wrong than right."""


@dataclass(frozen=True)
class Labeller:
    """An approach that labels. `entry` is its place in the run; None where it is asked with another model
    than the run asked, so that its dev answers are still to come."""

    approach: Prompted
    hash: str
    fingerprint: str
    entry: Entry | None = None

    @property
    def name(self) -> str:
        """What the approach is called, with the model where that is not the task's."""
        return self.approach.name if self.entry else f"{self.approach.name} with {self.approach.model.name}"

    def told(self) -> dict[str, str]:
        """What stands beside every row that it labelled."""
        return {
            "approach": self.name,
            "hash": self.hash,
            "model": self.approach.model.name,
            "weights": self.fingerprint,
        }


def choose(evidence: Evidence, name: str | None, models: Models) -> Labeller:
    """The approach of that name; without a name the best baseline on dev, asked of the task's stronger model
    where there is one. Raises RunError when there is none."""
    entry = scored_entry(evidence, name) if name is not None else _best(evidence, models)
    approach = load(evidence.run.approach(entry.name, entry.key))
    stronger = evidence.task.stronger_model
    if name is not None or stronger is None:
        return Labeller(approach, entry.hash, models.open(approach.model).fingerprint, entry)
    approach = replace(approach, model=stronger)
    fingerprint = models.open(stronger).fingerprint
    identity = digest([plain(approach.prompt), plain(approach.decoder), fingerprint])
    return Labeller(approach, identity, fingerprint)


def _best(evidence: Evidence, models: Models) -> Entry:
    """The best baseline by the figure that approaches are chosen by; of equals the cheaper one."""
    found: list[tuple[float, Entry]] = []
    for entry, one in zip(evidence.ladder.entries, evidence.measured(models), strict=True):
        if entry.kind == "baseline" and entry.state == "scored" and one.rows.get("dev"):
            graded = figure(evidence.task, one.rows["dev"])
            found.append((with_pairs(evidence.task, graded, one.pairs.get("dev", ())), entry))
    if not found:
        raise RunError(
            "no baseline was scored that could label",
            where=evidence.run.folder,
            hint="Run `wb assess` to its end first.",
        )
    return max(found, key=lambda pair: pair[0])[1]


def dev_rows(
    labeller: Labeller, evidence: Evidence, models: Models, folder: Path, progress: Progress
) -> list[Row]:
    """Its graded dev rows: those of the run, or answered now and kept in `folder`."""
    if labeller.entry is not None:
        rows = evidence.rows(labeller.entry, "dev", models)
        return [row for row in rows if not row.prediction.repeat]
    dev, step = evidence.examples["dev"], f"{labeller.name}: dev"
    path = folder / "predictions.jsonl"
    found = predict(labeller.approach, dev, models, path, "dev", lambda n: progress(step, n, len(dev)))
    pairs = [(row, found[row.id]) for row in dev]
    scores = grade(evidence.graders, pairs, models, folder / "scores.jsonl", "dev")
    primary = evidence.primary
    return measured_rows(dev, found, scores, primary.name, primary.pass_at)


@dataclass(frozen=True)
class Worth:
    """What a labeller's dev answers are worth by the task's metric: all of them, and those that would be
    kept. `wanted` is what the task asks of that metric, None where it asks nothing."""

    metric: str
    all: Interval
    kept: Interval
    wanted: float | None = None

    @property
    def too_low(self) -> bool:
        """Whether such labels teach more errors than answers."""
        return self.kept.value is None or self.kept.value < LEAST

    @property
    def misses(self) -> bool:
        """Whether what would be kept is below what the task asks for."""
        return self.wanted is not None and (self.kept.value is None or self.kept.value < self.wanted)

    def sentence(self) -> str:
        """Both figures with their intervals."""
        whole = f"{self.metric} {_with_ends(self.all)} on {self.all.n} dev rows"
        if not self.kept.n:
            return f"{whole}; none of these answers would be kept"
        return f"{whole}, {_with_ends(self.kept)} on the {self.kept.n} whose answers would be kept"

    def told(self) -> dict[str, Any]:
        """As it is written and shown by scripts."""
        kept = {"value": rounded(self.kept.value), "low": rounded(self.kept.low)}
        kept |= {"high": rounded(self.kept.high), "n": self.kept.n}
        whole = {"value": rounded(self.all.value), "low": rounded(self.all.low)}
        whole |= {"high": rounded(self.all.high), "n": self.all.n}
        return {"metric": self.metric, "all": whole, "kept": kept, "level": self.all.level}


def worth(evidence: Evidence, rows: Sequence[Row], kept: Sequence[Row]) -> Worth:
    """The primary metric of these dev rows, at the level that a decision shows."""
    metric, names = evidence.primary.name, [grader.name for grader in evidence.graders]
    level = 1 - 2 * full_alpha(evidence.task)
    asked = [
        requirement.at_least
        for requirement in evidence.task.requirements
        if requirement.kind == "quality" and grader_of(requirement.metric, names) == metric
        if requirement.metric == metric and not requirement.where
    ]
    whole, good = (interval(evidence_of(metric, some).present, level) for some in (rows, kept))
    return Worth(metric, whole, good, asked[0] if asked else None)


def _with_ends(found: Interval) -> str:
    if found.value is None or found.low is None or found.high is None:
        return "not measured"
    return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"
