"""From statuses to one of five verdicts: the first that applies, over gating requirements.

Missing rows are tried both ways, all right and all wrong. Where that changes the verdict or the
approach that ships, the verdict is *incomplete*; the cases between the two extremes lie between
their verdicts, because each status only gets better as rows do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evals.looks import full_alpha, is_covered, look_alpha, look_of
from evals.selection import is_gating, judge_on_dev, worst_margin
from evals.status import Judgement, Terms, Trial, judge
from evals.types import Json, Look, Measured, Requirement, Split, StatusName, Verdict

SPENT = "test set spent: add fresh rows"
TRAINING = ("tune", "climb")
"""The next steps that make *escalate*; any other is named by *stop*."""


@dataclass(frozen=True)
class Standing:
    """An approach with its judgements, one per requirement, on each split where it has any.

    `look` is its look at the test set: without one its test rows are a reference, and dev decides.
    `unseen` says that it was stopped before there was any row to judge.
    """

    measured: Measured
    dev: tuple[Judgement, ...] | None
    test: tuple[Judgement, ...] | None
    look: Look | None
    unseen: bool = False

    @property
    def split(self) -> Split | None:
        """The split that decides, None when there is none."""
        if self.test is not None and self.look is not None:
            return "test"
        return "dev" if self.dev is not None else None

    @property
    def judgements(self) -> tuple[Judgement, ...]:
        """The judgements that decide."""
        found = self.test if self.split == "test" else self.dev
        return found or ()


def stand(task: Terms, measured: Measured, ledger: Sequence[Look], test_rows: Sequence[str]) -> Standing:
    """Judge one approach on every split on which it was to be scored."""
    if measured.state in ("not applicable", "failed"):
        return Standing(measured, None, None, None)
    asked: dict[Split, bool] = {
        split: bool(measured.rows.get(split)) or measured.expected.get(split, 0) > 0
        for split in ("dev", "test")
    }
    look = look_of(ledger, measured.hash, test_rows) if asked["test"] else None
    dev = judge_on_dev(task, measured) if asked["dev"] else None
    test = None
    if asked["test"]:
        barred = "no look was spent on it: its test rows are a reference"
        if look is not None:
            barred = "" if is_covered(ledger, look, test_rows, task) else SPENT
        alpha = look.alpha if look is not None else look_alpha(task)
        trial = Trial("test", alpha, full_alpha(task), look_alpha(task), barred, task.policy == "point")
        test = tuple(judge(requirement, measured, trial, task) for requirement in task.requirements)
    unseen = measured.state == "incomplete" and dev is None and test is None
    return Standing(measured, dev, test, look, unseen)


def verdict_of(
    task: Terms, standings: Sequence[Standing], next_step: Mapping[str, Json] | None
) -> tuple[Verdict, Standing | None]:
    """The verdict, and the approach that ships where one does."""
    best = _verdict(task, standings, next_step, hopeful=True)
    worst = _verdict(task, standings, next_step, hopeful=False)
    return worst if best == worst else ("incomplete", None)


def _verdict(
    task: Terms, standings: Sequence[Standing], next_step: Mapping[str, Json] | None, hopeful: bool
) -> tuple[Verdict, Standing | None]:
    judged = [(s, _gating(task, s, hopeful)) for s in standings if s.judgements or s.unseen]
    for standing, names in judged:
        if _may_ship(standing, hopeful) and all(name == "met" for _, name in names):
            return "ship", standing
    if any("not met" not in [name for _, name in names] for _, names in judged):
        return "collect", None
    kinds = {requirement.kind for _, names in judged for requirement, name in names if name == "not met"}
    train = next_step is not None and next_step.get("action") in TRAINING
    if train and kinds & {"format", "quality"}:
        return "escalate", None
    return "stop", None


def _may_ship(standing: Standing, hopeful: bool) -> bool:
    """Only what was judged on test ships; what lacks rows on dev might yet be."""
    if standing.split == "test":
        return True
    lacking = standing.unseen or any(j.status.status == "error" for j in standing.judgements)
    return hopeful and lacking


def _gating(task: Terms, standing: Standing, hopeful: bool) -> list[tuple[Requirement, StatusName]]:
    asked = [r for r in task.requirements if is_gating(r)]
    if standing.unseen:
        return [(r, "met" if hopeful else "not met") for r in asked]
    pairs = zip(task.requirements, standing.judgements, strict=True)
    return [(r, resolved(j, hopeful)) for r, j in pairs if is_gating(r)]


def resolved(judgement: Judgement, hopeful: bool) -> StatusName:
    """The status, with an error taken for what it could be at best or at worst."""
    if judgement.status.status != "error":
        return judgement.status.status
    return judgement.best if hopeful else judgement.worst


def has_missed(task: Terms, standing: Standing) -> bool:
    """Whether a gating requirement is *not met*."""
    return any(name == "not met" for _, name in _gating(task, standing, hopeful=True))


def closest(task: Terms, standings: Sequence[Standing]) -> Standing | None:
    """The approach to show where none ships: one with nothing *not met* before one with something,
    one judged on test before one that was not, then the best worst margin, then the cheaper."""
    judged = [s for s in standings if s.judgements]

    def rank(standing: Standing) -> tuple[bool, bool, float]:
        tested = standing.split == "test"
        return not has_missed(task, standing), tested, worst_margin(task, standing.judgements)

    return max(judged, key=rank, default=None)
