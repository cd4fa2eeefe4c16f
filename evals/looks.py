"""The ledger of a test set: who was judged on it, in what order, and what error that may still cost.

An entry is on disk before anything of its judgement is shown, so that what was seen was paid for. The chance
that anything is called *met* by mistake, over all entries that share a row with the test set at
hand, stays within 1 - confidence: an entry may be *met* only while the alphas up to and including
its own sum to no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from evals.metrics import sentence
from evals.types import Look, Requirement

REVEALED = "revealed"
"""In the place of an approach: test rows were shown as text. It costs no error, and stands to be seen."""


class Budget(Protocol):
    """The part of a task that says how much error may be spent, and on what."""

    @property
    def confidence(self) -> float: ...
    @property
    def looks(self) -> int: ...
    @property
    def requirements(self) -> Sequence[Requirement]: ...


def full_alpha(task: Budget) -> float:
    """The error of the whole test set: 1 - confidence."""
    return round(1 - task.confidence, 12)


def look_alpha(task: Budget) -> float:
    """The error of one planned look."""
    return full_alpha(task) / task.looks


def entries(ledger: Sequence[Look], test_rows: Sequence[str]) -> list[Look]:
    """The looks that share a row with this test set, in order, each judgement once: the same
    approach on the same rows, held against the same other, is the same look however often it is
    written down."""
    rows = set(test_rows)
    first: dict[tuple[str, str, frozenset[str]], Look] = {}
    for look in ledger:
        if look.approach != REVEALED and rows.intersection(look.rows):
            first.setdefault((look.approach, look.against, frozenset(look.rows)), look)
    return list(first.values())


def look_of(
    ledger: Sequence[Look], approach: str, test_rows: Sequence[str], against: str = ""
) -> Look | None:
    """The look at this approach (held against another, where one is named) on exactly these rows, in
    any order. On other rows, more of them too, judging it is another look: else growing a test set
    until it is met would be free."""
    asked = (approach, against, set(test_rows))
    found = (look for look in entries(ledger, test_rows))
    return next((x for x in found if (x.approach, x.against, set(x.rows)) == asked), None)


def is_covered(ledger: Sequence[Look], look: Look, test_rows: Sequence[str], task: Budget) -> bool:
    """Whether the error budget of the test set still covers this look."""
    spent = 0.0
    for entry in entries(ledger, test_rows):
        spent += entry.alpha
        if entry == look:
            break
    return spent <= full_alpha(task) + 1e-9


def plan_look(
    task: Budget, ledger: Sequence[Look], approach: str, name: str, test_rows: Sequence[str]
) -> Look | None:
    """The entry to write before an approach is judged on these rows; None when it stands there."""
    if look_of(ledger, approach, test_rows) is not None:
        return None
    bounds = {sentence(requirement): requirement.bound for requirement in task.requirements}
    return Look(approach, name, tuple(test_rows), look_alpha(task), bounds)


def plan_contest(
    task: Budget,
    ledger: Sequence[Look],
    approach: tuple[str, str],
    against: str,
    test_rows: Sequence[str],
    margins: Mapping[str, float],
) -> Look | None:
    """The entry to write before an approach, (hash, name), is held against another on these rows by
    these margins; None when it stands there. That is a look of its own: "not worse than the other" is
    another claim than "meets its thresholds", and each may be mistaken."""
    if look_of(ledger, approach[0], test_rows, against) is not None:
        return None
    return Look(approach[0], approach[1], tuple(test_rows), look_alpha(task), dict(margins), {}, against)


def changed_thresholds(task: Budget, ledger: Sequence[Look], test_rows: Sequence[str]) -> list[str]:
    """A sentence for each requirement whose threshold is another than at an earlier look."""
    now = _by_subject({sentence(r): r.bound for r in task.requirements})
    notes: dict[str, None] = {}
    for look in entries(ledger, test_rows):
        if look.against:
            continue
        then = _by_subject(look.bounds)
        for subject in sorted(now.keys() | then.keys()):
            if then.get(subject) != now.get(subject):
                notes[_change(subject, then.get(subject), now.get(subject), look.name)] = None
    return list(notes)


def _by_subject(bounds: Mapping[str, float]) -> dict[str, float]:
    """Bounds by what a requirement is of: its sentence without the number."""
    found = {}
    for text, bound in bounds.items():
        metric, sign, rest = text.split(" ", 2)
        _, _, where = rest.partition(" ")
        found[f"{metric} {sign} {where}".strip()] = bound
    return found


def _change(subject: str, then: float | None, now: float | None, name: str) -> str:
    if then is None:
        return f"{_said(subject, now)} was added after {name} had been judged on this test set"
    if now is None:
        return f"{_said(subject, then)} was dropped after {name} had been judged on this test set"
    before, after = _said(subject, then), _said(subject, now)
    return f"{before} was asked when {name} was judged on this test set, and now {after} is"


def _said(subject: str, bound: float | None) -> str:
    """The requirement's sentence again."""
    metric, sign, *where = subject.split(" ", 2)
    return " ".join([metric, sign, f"{bound:g}", *where])
