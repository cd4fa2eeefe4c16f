"""`wb gate`: is a run no worse than a baseline, by the margins of a policy?

For each metric: *pass* when the lower bound of the difference is above minus the margin, *worse* when
its upper bound is below 0, else the rows *cannot tell*. Latency, tokens and money are decided on
their values. Identical answers pass at once, but for `preference_accuracy`, of which they say nothing.
On dev nothing is spent; on test the gate is a look, written to the ledger before anything is shown:
*pass* is then tested at that look's error, and not to be had once the test set is spent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evals.errors import RunError
from evals.looks import full_alpha, is_covered, look_of, plan_contest
from evals.metrics import PREFERENCE
from evals.store import Appender, lock
from evals.task import Task
from evals.types import Json, Look, Models, Split, StatusName
from evals.verdict import SPENT
from workbench.comparison.blessed import bless, find_blessed, no_baseline, read_blessed
from workbench.comparison.compare import (
    Comparison,
    approaches_of,
    contrast_sides,
    known_metrics,
    pairs_between,
    pairs_of,
    same_answers,
    to_json,
)
from workbench.comparison.policy import MARGIN, Inconclusive, Policy, default_policy, read_policy
from workbench.comparison.rulings import (
    EXIT_CODES,
    STATUSES,
    Errors,
    Held,
    Outcome,
    Ruling,
    judge,
    ruling_json,
)
from workbench.comparison.sides import Side, comparable, refuse, side_of
from workbench.evidence import read_looks
from workbench.ledger import LEDGER_WAIT, ledger_path


@dataclass(frozen=True)
class Asked:
    """What the command was told. `baseline` is a run folder or a blessed name; `task` is the task file
    beside which ledger and baselines lie, None for the one that the run names."""

    run: Path
    baseline: str
    approach: str | None = None
    split: Split = "dev"
    policy: Path | None = None
    margin: float | None = None
    inconclusive: Inconclusive | None = None
    task: Path | None = None


@dataclass(frozen=True)
class Gate:
    """A gate's result. `identical` says that equal answers settled every metric, `inconclusive` what became
    of what the rows cannot tell; `look` is the
    ledger's entry where test was used."""

    comparison: Comparison
    split: Split
    errors: Errors
    rulings: tuple[Ruling, ...]
    identical: bool
    inconclusive: Inconclusive
    look: Look | None = None

    @property
    def outcome(self) -> Outcome:
        """Of the critical metrics: worse if one is, else cannot tell if one cannot, else pass."""
        found = [ruling.outcome for ruling in self.rulings if ruling.rule.tier == "critical"]
        order: tuple[Outcome, ...] = ("worse", "cannot tell")
        return next((outcome for outcome in order if outcome in found), "pass")

    @property
    def exit_code(self) -> int:
        """0 pass, 3 worse, 4 cannot tell (0 where that is let through)."""
        if self.outcome == "cannot tell" and self.inconclusive == "pass":
            return 0
        return EXIT_CODES[self.outcome]


def task_file(side: Side, given: Path | None) -> Path:
    """The task file beside which ledger and baselines lie. Raises RunError when it is not there."""
    path = given or Path(side.task_file)
    if not path.is_file():
        raise RunError(
            f"the task file {str(path)!r} of this run is not here",
            where=side.where,
            hint="Name it: --task TASK.YAML.",
        )
    return path


def gate(asked: Asked, models: Models) -> Gate:
    """Hold a run against a baseline. Raises RunError when they cannot be compared, TaskError for a
    policy that is wrong."""
    first_name, second_name = approaches_of(asked.approach)
    second, evidence = side_of(asked.run, second_name, models)
    first = _baseline(asked, first_name, second, models)
    if reasons := comparable(first, second, asked.split):
        raise refuse(first, second, reasons)
    pairs, sides = pairs_of(first, second, asked.split), (first.measured, second.measured)
    preferred, apart = pairs_between(first, second, asked.split)
    task, shared = evidence.task, {g: h for g, h in second.graders.items() if g in first.graders}
    known = [*known_metrics(pairs, shared, sides), *([PREFERENCE] if preferred else [])]
    policy = _policy(asked, task, known)
    held = Held(pairs, preferred, "; ".join(apart), same_answers(pairs))
    identical = held.alike and all(rule.metric != PREFERENCE for rule in policy.rules)
    errors, look = Errors(full_alpha(task), full_alpha(task)), None
    if asked.split == "test" and not identical:
        path = ledger_path(task_file(second, asked.task))
        with lock(path.with_name(".looks.lock"), wait=LEDGER_WAIT):
            look, errors, new = _look(task, read_looks(path), first, second, policy)
            rulings = judge(policy, held, (first, second), task, errors)
            found: dict[str, StatusName] = {r.rule.label: STATUSES[r.outcome] for r in rulings}
            look = replace(look, statuses=found)
            if new:
                with Appender(path) as file:
                    file.write(look)
    else:
        rulings = judge(policy, held, (first, second), task, errors)
    comparison = contrast_sides(first, second, task, (asked.split,))
    decided = asked.inconclusive or policy.inconclusive
    return Gate(comparison, asked.split, errors, rulings, identical, decided, look)


def _baseline(asked: Asked, approach: str | None, second: Side, models: Models) -> Side:
    if Path(asked.baseline).is_dir():
        return side_of(Path(asked.baseline), approach, models)[0]
    beside = task_file(second, asked.task)
    path = find_blessed(beside, asked.baseline)
    if path is None:
        raise no_baseline(beside, asked.baseline)
    return read_blessed(path, second)


def _policy(asked: Asked, task: Task, known: Sequence[str]) -> Policy:
    if asked.policy is not None:
        return read_policy(asked.policy, task, known, asked.margin)
    return default_policy(task, MARGIN if asked.margin is None else asked.margin)


def _look(
    task: Task, ledger: Sequence[Look], first: Side, second: Side, policy: Policy
) -> tuple[Look, Errors, bool]:
    """The look that this gate is, the errors it may make, and whether it is a new one."""
    who, other, rows = second.measured.hash, first.measured.hash, second.test_rows
    margins = {rule.label: rule.margin for rule in policy.rules}
    new = plan_contest(task, ledger, (who, second.approach), other, rows, margins)
    look = new or look_of(ledger, who, rows, other)
    assert look is not None
    covered = is_covered((*ledger, look), look, rows, task)
    barred = "" if covered else SPENT
    if look.bounds != margins:
        barred = barred or "other margins were used when these two were first compared on this test set"
    return look, Errors(look.alpha, full_alpha(task), barred), new is not None


def headline(found: Gate) -> str:
    """The result in a sentence."""
    split, rows = found.split, found.comparison.splits[0].rows
    critical = [r for r in found.rulings if r.rule.tier == "critical"]
    named = [r.rule.label for r in critical if r.outcome == found.outcome]
    what = " and ".join(filter(None, [", ".join(named[:-1]), *named[-1:]]))
    if found.outcome == "worse":
        return f"✗ Worse: {what} on {rows} {split} rows"
    if found.outcome == "cannot tell":
        through = ", let through (inconclusive: pass)" if found.inconclusive == "pass" else ""
        are = "is worse by its margin" if len(named) == 1 else "are worse by their margins"
        return f"? Cannot tell whether {what} {are}, on {rows} {split} rows{through}"
    if found.identical:
        return f"✓ Pass: all {rows} {split} rows were answered alike"
    return f"✓ Pass: {f'{what} held' if what else 'no metric is critical'} on {rows} {split} rows"


def gate_json(found: Gate) -> dict[str, Json]:
    """The result as plain values: the comparison's, with what the gate says of it."""
    look: Json = None
    if found.look is not None:
        look = {"alpha": found.errors.passing, "against": found.look.against}
    return {
        **to_json(found.comparison),
        "headline": headline(found),
        "outcome": found.outcome,
        "exit_code": found.exit_code,
        "split": found.split,
        "inconclusive": found.inconclusive,
        "look": look,
        "rulings": [ruling_json(ruling) for ruling in found.rulings],
    }


def bless_run(name: str, run: Path, approach: str | None, task: Path | None, models: Models) -> Path:
    """Keep a run's approach as the named baseline of its task; the file that was written."""
    side, _ = side_of(run, approach, models)
    return bless(side, task_file(side, task), name)
