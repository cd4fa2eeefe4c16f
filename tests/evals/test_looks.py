"""The error budget of a test set."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.looks import (
    REVEALED,
    changed_thresholds,
    entries,
    full_alpha,
    is_covered,
    look_alpha,
    look_of,
    plan_contest,
    plan_look,
)
from evals.types import Look
from tests.evals.measurements import Asked, hashes, looks_at, quality

TASK = Asked((quality(0.8),))
ROWS = hashes(20)


def test_a_look_takes_its_share_of_the_error() -> None:
    look = plan_look(TASK, [], "#a", "a", ROWS)
    assert look is not None
    assert look.alpha == look_alpha(TASK) == pytest.approx(0.0125)
    assert look.bounds == {"exact ≥ 0.8": 0.8}
    assert full_alpha(TASK) == 0.05


def test_judging_the_same_approach_on_the_same_rows_again_is_free() -> None:
    ledger = looks_at(TASK, ROWS, "a")
    assert plan_look(TASK, ledger, "#a", "a", ROWS) is None
    assert plan_look(TASK, ledger, "#a", "a", ROWS[::-1]) is None
    assert plan_look(TASK, ledger, "#b", "b", ROWS) is not None


def test_a_grown_test_set_is_another_look_at_the_same_approach() -> None:
    ledger = looks_at(TASK, ROWS, "a")
    grown = (*ROWS, "new")
    look = plan_look(TASK, ledger, "#a", "a", grown)
    assert look is not None
    assert len(entries([*ledger, look], grown)) == 2
    assert look_of([*ledger, look], "#a", grown) == look


def test_a_line_written_twice_is_one_look() -> None:
    (look,) = looks_at(TASK, ROWS, "a")
    again = replace(look, statuses={"exact": "met"})
    assert entries([look, again], ROWS) == [look]


def test_rows_that_were_revealed_are_no_look() -> None:
    ledger = [Look(REVEALED, "wb export jsonl", tuple(ROWS), 0.0, {}), *looks_at(TASK, ROWS, "a")]
    assert [look.name for look in entries(ledger, ROWS)] == ["a"]
    assert changed_thresholds(TASK, ledger, ROWS) == []


def test_only_the_planned_looks_are_covered() -> None:
    ledger = looks_at(TASK, ROWS, "a", "b", "c", "d", "e")
    assert [is_covered(ledger, look, ROWS, TASK) for look in ledger] == [True] * 4 + [False]


def test_each_look_carries_the_error_it_was_planned_with() -> None:
    first = looks_at(replace(TASK, looks=1), ROWS, "a")
    second = plan_look(TASK, first, "#b", "b", ROWS)
    assert second is not None
    assert is_covered([*first, second], first[0], ROWS, TASK)
    assert not is_covered([*first, second], second, ROWS, TASK)


def test_fresh_rows_alone_open_a_new_budget() -> None:
    ledger = looks_at(TASK, ROWS, "a", "b", "c", "d")
    fresh = hashes(20, start=100)
    look = plan_look(TASK, ledger, "#e", "e", fresh)
    assert look is not None
    assert is_covered([*ledger, look], look, fresh, TASK)
    shared = (*fresh, ROWS[0])
    look = plan_look(TASK, ledger, "#e", "e", shared)
    assert look is not None
    assert not is_covered([*ledger, look], look, shared, TASK)


def test_holding_an_approach_against_another_is_a_look_of_its_own() -> None:
    ledger = looks_at(TASK, ROWS, "a", "b")
    look = plan_contest(TASK, ledger, ("#a", "a"), "#b", ROWS, {"exact": 0.05})
    assert look is not None
    assert (look.alpha, look.against, look.bounds) == (look_alpha(TASK), "#b", {"exact": 0.05})
    grown = [*ledger, look]
    assert len(entries(grown, ROWS)) == 3
    assert look_of(grown, "#a", ROWS) == ledger[0]
    assert look_of(grown, "#a", ROWS, "#b") == look
    assert plan_contest(TASK, grown, ("#a", "a"), "#b", ROWS, {"exact": 0.1}) is None
    assert plan_contest(TASK, grown, ("#b", "b"), "#a", ROWS, {}) is not None
    assert changed_thresholds(TASK, grown, ROWS) == []


def test_a_threshold_moved_after_a_look_is_told() -> None:
    ledger = looks_at(TASK, ROWS, "a")
    moved = Asked((quality(0.7), quality(0.5, "valid")))
    assert changed_thresholds(TASK, ledger, ROWS) == []
    assert changed_thresholds(moved, ledger, ROWS) == [
        "exact ≥ 0.8 was asked when a was judged on this test set, and now exact ≥ 0.7 is",
        "valid ≥ 0.5 was added after a had been judged on this test set",
    ]
    assert changed_thresholds(Asked(()), ledger, ROWS) == [
        "exact ≥ 0.8 was dropped after a had been judged on this test set"
    ]
    assert changed_thresholds(moved, ledger, hashes(5, start=50)) == []


def test_slices_are_thresholds_of_their_own() -> None:
    sliced = Asked((quality(0.8), quality(0.6, where={"lang": "de"})))
    ledger = looks_at(sliced, ROWS, "a")
    moved = Asked((quality(0.8), quality(0.5, where={"lang": "de"})))
    (note,) = changed_thresholds(moved, ledger, ROWS)
    assert note.startswith("exact ≥ 0.6 where lang=de was asked when")


# The life of a test set

ACTIONS = st.sampled_from(["assess", "revise", "collect", "escalate", "climb", "gate", "again", "fresh"])


@dataclass
class Life:
    """What happens to one test set, and which judgements were allowed to say *met*."""

    ledger: list[Look] = field(default_factory=list)
    allowed: list[Look] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    first: int = 0
    count: int = 10

    @property
    def rows(self) -> tuple[str, ...]:
        return hashes(self.count, start=self.first)

    def do(self, action: str, looks: int) -> None:
        task = replace(TASK, looks=looks)
        if action == "collect":
            self.count += 5
        if action == "fresh":
            self.first, self.count = self.first + self.count, 10
        if action in ("revise", "escalate", "climb") or not self.known:
            self.known.append(f"#{len(self.known)}")
        if action == "assess":
            self.known += [f"#{len(self.known) + n}" for n in range(2)]
        judged = self.known if action in ("assess", "collect", "fresh", "again") else self.known[-1:]
        for approach in judged:
            against = "#main" if action == "gate" else ""
            look = (
                plan_contest(task, self.ledger, (approach, approach), against, self.rows, {})
                if against
                else plan_look(task, self.ledger, approach, approach, self.rows)
            )
            if look is not None:
                self.ledger.append(look)
                if is_covered(self.ledger, look, self.rows, task):
                    self.allowed.append(look)


@settings(max_examples=150)
@given(st.lists(st.tuples(ACTIONS, st.sampled_from([1, 2, 4, 8])), max_size=14))
def test_whatever_happens_no_row_is_spent_beyond_its_error(actions: list[tuple[str, int]]) -> None:
    """Revisions, collected rows, escalations, climbs, gates, more or fewer planned looks: the looks that
    may say *met* and share any row never cost more than 1 - confidence together."""
    life = Life()
    for action, looks in actions:
        life.do(action, looks)
        for row in {row for look in life.allowed for row in look.rows}:
            spent = sum(look.alpha for look in life.allowed if row in look.rows)
            assert spent <= full_alpha(TASK) + 1e-9


@settings(max_examples=80)
@given(st.lists(st.tuples(ACTIONS, st.sampled_from([1, 4])), max_size=12))
def test_what_was_once_allowed_stays_so_and_judging_again_is_free(actions: list[tuple[str, int]]) -> None:
    life = Life()
    for action, looks in actions:
        life.do(action, looks)
    for look in life.ledger:
        assert is_covered(life.ledger, look, look.rows, TASK) == (look in life.allowed)
    before = list(life.ledger)
    life.do("again", 4)
    assert [look for look in life.ledger if look in before] == before
    again = list(life.ledger)
    life.do("again", 4)
    assert life.ledger == again
