"""`wb plan`: before anything is run, the ladder as it would run and what the eval rows could show.

For each requirement on a share of rows: the true value that these rows would show to meet it, or on
dev to miss it, with a chance of 80 %; the chance at five points beyond the threshold, and the rows
that would take. Scores are taken for right or wrong, and rows of a group for all right or all wrong,
unless an earlier run of the task says how they lie: graded scores may be worth more rows, or fewer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from evals.asked import check_metrics
from evals.data import Data, load_data, look_hash, render_all
from evals.errors import ModelError, RunError
from evals.graders import of_task
from evals.looks import entries, full_alpha, look_alpha
from evals.metrics import evidence, in_slice, sentence, unit_of
from evals.ranking import ranking
from evals.requirements import is_built_in
from evals.stats.bounds import FEWEST_CLUSTERS
from evals.stats.effects import (
    POWER,
    Grouping,
    chance_mean,
    chance_share,
    detectable_difference,
    detectable_share,
    rows_for_share,
)
from evals.stats.foreseen import Seen
from evals.stats.power import fewest_rows, most_failures
from evals.stats.sample import Sample
from evals.store import plain
from evals.task import Task, load_task
from evals.template import Template
from evals.types import Example, Models, Prediction, Requirement, Row, Rung
from workbench import ladder
from workbench.checks.estimate import Estimate, estimate, measure
from workbench.comparison.policy import MARGIN
from workbench.comparison.sides import Side, side_of
from workbench.documents import Documents
from workbench.evidence import read_looks
from workbench.ledger import ledger_path
from workbench.runs import run_folders
from workbench.session import with_max_tokens

BEYOND = 0.05
"""How far beyond the threshold the chance is said: five points, or half of what is left to 1."""
FEWEST_SEEN = 10
"""Units an earlier run must have for its scores to say how the next ones will lie."""
ASSUMED = "right or wrong"
"""What scores are taken for where no earlier run says how they lie."""
DISAGREE = 0.2
"""The share of rows on which two approaches are taken to disagree."""


@dataclass(frozen=True)
class Step:
    """A rung as it would run; `why` says why it would not, "" when it would. `start` is what it adds to,
    "" where it stands alone, `condition` what must be found on dev before it is run."""

    name: str
    options: dict[str, Any]
    calls: int | None
    why: str = ""
    start: str = ""
    condition: str = ""


@dataclass(frozen=True)
class Showable:
    """What the rows could show of one requirement. `alpha` is the one-sided error of a look.

    `fewest` rows meet it with a perfect score (None: no number does), `most_failures` of the `n` may be
    wrong with it still met (None: it cannot be shown). With chance `power` the rows show it *met* from a
    true value of `met_from` on, and the `dev_n` dev rows show it *not met* up to `missed_up_to`. At
    `truth` the chance is `chance`, and `rows` would make it `power`. `cannot` says why it cannot be
    shown, "" when it can.
    """

    requirement: str
    tier: str
    n: int
    groups: int
    alpha: float
    fewest: int | None
    most_failures: int | None
    met_from: float | None
    truth: float
    chance: float
    rows: int | None
    dev_n: int
    missed_up_to: float | None
    assumed: str
    cannot: str = ""


@dataclass(frozen=True)
class Pairs:
    """What two approaches on the same rows could show: the smallest gain that is seen with chance
    `power` when they disagree on `disagree` of the rows (None: none), and the chance that an equal
    approach passes a gate of `margin`."""

    split: str
    n: int
    disagree: float
    gain: float | None
    margin: float
    passes: float


@dataclass(frozen=True)
class Planned:
    """The whole plan. `looks` are planned, used so far by these test rows, and still covered; with
    `stop_first` the ladder ends at the first approach that meets everything on dev."""

    task: str
    rows: dict[str, int]
    looks: dict[str, int]
    policy: str
    steps: tuple[Step, ...]
    estimate: Estimate | None
    estimate_why: str
    requirements: tuple[Showable, ...]
    pairs: tuple[Pairs, ...]
    like: str = ""
    stop_first: bool = False
    power: float = POWER
    noise: dict[str, Any] | None = field(default=None)

    @property
    def exit_code(self) -> int:
        """4 when a requirement that gates cannot be shown, else 0."""
        return 4 if any(r.cannot and r.tier == "critical" for r in self.requirements) else 0

    def to_json(self) -> dict[str, Any]:
        """All of it as plain JSON values."""
        found: dict[str, Any] = {**plain(self), "exit_code": self.exit_code}
        return found


def plan(task_path: Path, out: Path, like: Path | None, models: Models) -> Planned:
    """Plan a task. `like` is a run to take spreads from; left out, the newest of the task under `out`.
    Raises TaskError or DataError for files that cannot be used, RunError for a run that cannot."""
    task = load_task(task_path)
    check_metrics(task, of_task(task))
    data = load_data(task)
    rungs = rungs_of(task)
    Documents(task).need()
    earlier = earlier_side(task, out, like, models)
    cost, why = _estimate(task, data, rungs, models)
    names = Template(task.prompt.template).names
    test_rows = [look_hash(example, names) for example in data.test]
    used = entries(read_looks(ledger_path(task_path)), test_rows)
    left = math.floor((full_alpha(task) - sum(x.alpha for x in used)) / look_alpha(task) + 1e-6)
    looks = {"planned": task.looks, "used": len(used), "left": max(0, left)}
    return Planned(
        task.name,
        {"train": len(data.train), "dev": len(data.dev), "test": len(data.test)},
        looks,
        task.policy,
        tuple(_steps(rungs, data, task, cost)),
        cost,
        why,
        tuple(_showable(task, data, earlier, looks["left"])),
        tuple(_pairs(split, len(getattr(data, split)), task) for split in ("dev", "test")),
        earlier.where if earlier else "",
        task.stop_first,
    )


def rungs_of(task: Task) -> list[Rung]:
    """The task's rungs in ladder order."""
    return ladder.rungs(task)


def earlier_side(task: Task, out: Path, like: Path | None, models: Models) -> Side | None:
    """The approach that an earlier run of this task decided on, None where there is no such run."""
    if like is not None:
        return side_of(like, None, models)[0]
    for folder in run_folders(out / task.name):
        try:
            if (folder / "decision.json").is_file():
                return side_of(folder, None, models)[0]
        except RunError:
            continue
    return None


def _estimate(task: Task, data: Data, rungs: Sequence[Rung], models: Models) -> tuple[Estimate | None, str]:
    try:
        render_all(task, data)
        limit = with_max_tokens(task, data, models).generation.max_tokens or 0
        return estimate(task, data, measure(task, data, models.open(task.model)), rungs, limit), ""
    except ModelError as error:
        return None, error.message


def _steps(rungs: Sequence[Rung], data: Data, task: Task, cost: Estimate | None) -> Iterator[Step]:
    calls = {step.name: step.calls for step in cost.steps} if cost else {}
    for rung, found in zip(rungs, ladder.planned(task, bool(data.train)), strict=True):
        options = {k: v for k, v in plain(rung).items() if k != "name" and v is not None}
        if found.applies:
            yield Step(rung.name, options, calls.get(rung.name), "", found.start, found.why)
        else:
            yield Step(rung.name, options, None, found.why, found.start)


def _showable(task: Task, data: Data, earlier: Side | None, looks_left: int) -> Iterator[Showable]:
    for requirement in task.requirements:
        ranked = ranking(requirement.metric)
        if is_built_in(requirement.metric) and requirement.metric != "error_rate" and not ranked:
            continue
        test, dev = (_counting(requirement, rows) for rows in (data.test, data.dev))
        yield _one(task, requirement, test, dev, _before(requirement, earlier), looks_left)


def _counting(requirement: Requirement, examples: Sequence[Example]) -> list[Row]:
    """The rows that a requirement would be judged on."""
    rows = [Row(example, Prediction(example.id, "", "stop"), {}, None) for example in examples]
    mine = in_slice(rows, requirement.where)
    return [row for row in mine if row.example.gold_doc_ids or not ranking(requirement.metric)]


def _one(
    task: Task,
    requirement: Requirement,
    test: Sequence[Row],
    dev: Sequence[Row],
    before: Sample | None,
    looks_left: int,
) -> Showable:
    alpha, n = look_alpha(task), len(test)
    up = requirement.at_least is not None
    share = requirement.bound if up else 1 - requirement.bound
    fewest, failures = fewest_rows(share, alpha), most_failures(n, share, alpha)
    groups = len({unit_of(row) for row in test})
    cannot = "" if task.policy == "point" else _cannot(n, groups, fewest, failures, looks_left)
    truth = min(share + BEYOND, (share + 1) / 2)
    power = _power(share, alpha, test, before, up)
    missed = _power(1 - share, full_alpha(task), dev, before, not up)
    lowest, beaten = power.detectable(n), missed.detectable(len(dev))
    return Showable(
        requirement=sentence(requirement),
        tier=requirement.tier,
        n=n,
        groups=groups,
        alpha=alpha,
        fewest=fewest,
        most_failures=failures,
        met_from=_turned(lowest, up),
        truth=truth if up else 1 - truth,
        chance=0.0 if cannot else power.chance(truth, n),
        rows=power.rows(truth),
        dev_n=len(dev),
        missed_up_to=_turned(beaten, not up),
        assumed="as in the earlier run" if before else ASSUMED,
        cannot=cannot,
    )


def _turned(value: float | None, up: bool) -> float | None:
    return None if value is None else value if up else 1 - value


def _cannot(n: int, groups: int, fewest: int | None, failures: int | None, looks_left: int) -> str:
    if fewest is None:
        return "no number of rows shows perfection: ask for a little less than everything"
    if n == 0:
        return f"there is no test row for it; a perfect score takes {fewest}"
    if failures is None:
        return f"even a perfect score takes {fewest} test rows, and there are {n}"
    if groups < n and groups < FEWEST_CLUSTERS:
        return f"nothing is met on fewer than {FEWEST_CLUSTERS} groups, and there are {groups}"
    if looks_left < 1:
        return "the looks at these test rows are used up: add fresh rows"
    return ""


@dataclass(frozen=True)
class _Power:
    """Chances of showing "at least `threshold`": of right or wrong rows, or of scores as they were seen."""

    threshold: float
    alpha: float
    grouping: Grouping
    seen: Seen | None

    def chance(self, truth: float, n: int) -> float:
        if n == 0:
            return 0.0
        if self.seen is None:
            return chance_share(truth, n, self.threshold, self.alpha, self.grouping)
        return self.seen.chance(truth, n, self.threshold, self.alpha)

    def detectable(self, n: int) -> float | None:
        if n == 0 or self.threshold >= 1:
            return None
        if self.seen is None:
            return detectable_share(n, self.threshold, self.alpha, grouping=self.grouping)
        return self.seen.detectable(n, self.threshold, self.alpha)

    def rows(self, truth: float) -> int | None:
        if self.seen is None:
            return rows_for_share(truth, self.threshold, self.alpha, grouping=self.grouping)
        return self.seen.rows(truth, self.threshold, self.alpha)


def _power(threshold: float, alpha: float, rows: Sequence[Row], before: Sample | None, up: bool) -> _Power:
    """The chances of such rows; scores seen before are turned round where less is better."""
    grouping, grouped = _grouping(rows)
    if before is None:
        return _Power(threshold, alpha, grouping, None)
    num = before.num if up else before.den - before.num
    return _Power(threshold, alpha, grouping, Seen(num, before.den, grouping.size, grouped))


def _grouping(rows: Sequence[Row]) -> tuple[Grouping, bool]:
    """How these rows come in groups, taken to be alike wholly; and whether some share one."""
    counts: dict[Any, int] = {}
    for row in rows:
        counts[unit_of(row)] = counts.get(unit_of(row), 0) + 1
    if len(counts) == len(rows):
        return Grouping(), False
    sizes = np.array(list(counts.values()), dtype=float)
    return Grouping(float(sizes.mean()), 1.0, float(sizes.std() / sizes.mean())), True


def _before(requirement: Requirement, earlier: Side | None) -> Sample | None:
    """The scores of a metric that is graded, or comes in groups, in the earlier run; None for right or
    wrong rows alone, whose law follows from the value, and for too few to say anything."""
    if earlier is None:
        return None
    rows = in_slice(earlier.measured.rows.get("dev", ()), requirement.where)
    try:
        found = evidence(requirement.metric, rows).present
    except ValueError:
        return None
    return None if found.binary or found.clusters < FEWEST_SEEN else found


def _pairs(split: str, n: int, task: Task) -> Pairs:
    alpha = full_alpha(task) if split == "dev" else look_alpha(task)
    gain = detectable_difference(n, DISAGREE, alpha)
    return Pairs(split, n, DISAGREE, gain, MARGIN, _equal_passes(n, alpha))


def _equal_passes(n: int, alpha: float) -> float:
    """The chance that an approach that is as good as the other passes a gate of `MARGIN`."""
    return chance_mean(0.0, math.sqrt(DISAGREE), n, -MARGIN, alpha, floor=-1.0)


def with_noise(planned: Planned, noise: dict[str, Any]) -> Planned:
    """The plan with what was measured of the noise."""
    return replace(planned, noise=noise)
