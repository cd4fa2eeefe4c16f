"""The five verdicts, from rows and a ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from evals.decide import Given, decide, decision_schema
from evals.store import plain
from evals.task import Prices
from evals.types import Decision, Json, Look, Measured, Requirement, Usage
from tests.clocks import computes_within
from tests.evals.measurements import Asked, a_row, approach, hashes, looks_at, quality, rows_of, share

TASK = Asked((quality(0.8),))
TUNE: Mapping[str, Json] = {
    "action": "tune", "method": "lora", "why": ["200 training rows"], "command": "wb escalate task.yaml",
}  # fmt: skip
LATENCY = Requirement("p95_seconds", "latency", at_most=1.0)


def _decide(
    measured: Sequence[Measured], looked: Sequence[str] = (), task: Asked = TASK, rows: int = 100, **more: Any
) -> Decision:
    """Decide with a ledger in which these approaches were looked at, and check the result's form."""
    test_rows = hashes(rows)
    ledger = more.pop("ledger", looks_at(task, test_rows, *looked))
    more = {"task_hash": "t", "test_rows": test_rows, "next_step": TUNE, **more}
    decision = decide(task, measured, ledger, Given(**more))
    Draft202012Validator(decision_schema()).validate(json.loads(json.dumps(plain(decision), allow_nan=False)))
    return decision


def test_ship_names_the_cheapest_that_meets_everything_on_test() -> None:
    measured = [
        approach("zero", share(5, 60)),
        approach("few", share(57, 60), share(95, 100)),
        approach("knn", share(60, 60), share(99, 100)),
    ]
    decision = _decide(measured, ["few", "knn"])
    assert (decision.verdict, decision.approach) == ("ship", "few")
    assert decision.headline == "✓ Ship few, do not tune: it meets exact ≥ 0.8 on 100 test rows"
    assert decision.recommendation["action"] == "ship"
    assert decision.looks == {"planned": 4, "used": 2}
    assert decision.requirements[0]["split"] == "test"


def test_dev_alone_ships_nothing() -> None:
    decision = _decide([approach("few", share(60, 60))])
    assert decision.verdict == "collect"
    assert decision.headline == "? Judge few on test, do not tune yet: it meets everything on dev"


def test_test_rows_without_a_look_are_a_reference_that_cannot_ship() -> None:
    decision = _decide([approach("few", share(60, 60), share(100, 100))])
    assert decision.verdict == "collect"
    assert decision.approaches[0]["decided_on"] == "dev"
    assert decision.approaches[0]["test"] is not None


def test_collect_says_how_many_rows_would_settle_it() -> None:
    decision = _decide([approach("few", share(55, 60), share(87, 100))], ["few"])
    assert decision.verdict == "collect"
    needed = decision.requirements[0]["needed_n"]
    assert isinstance(needed, int)
    assert decision.recommendation["action"] == "collect_eval"
    assert decision.recommendation["rows"] == needed - 100
    assert decision.headline.startswith(
        f"? Collect {needed - 100} more test rows, do not tune yet: whether few meets exact ≥ 0.8"
    )


def test_the_headline_names_the_requirement_that_its_rows_are_for() -> None:
    task = Asked((quality(0.8), quality(0.8, "valid")))
    rows = [a_row(f"r{i}", {"exact": float(i < 88), "valid": float(i < 85)}) for i in range(100)]
    decision = _decide([approach("few", share(55, 60), rows)], ["few"], task)
    easy, hard = (requirement["needed_n"] for requirement in decision.requirements)
    assert isinstance(easy, int) and isinstance(hard, int) and hard > easy
    assert decision.recommendation["rows"] == hard - 100
    assert decision.headline.startswith(
        f"? Collect {hard - 100} more test rows, do not tune yet: whether few meets valid ≥ 0.8 is "
    )
    assert decision.headline.endswith(", and so is exact ≥ 0.8")
    why: Any = decision.recommendation["why"]
    assert why[-1] == f"about {hard - 100} more test rows would settle all of it at the observed values"


def test_what_no_number_of_rows_settles_is_named_first() -> None:
    task = Asked((quality(0.8), quality(0.8, "valid")))
    rows = [a_row(f"r{i}", {"exact": float(i < 85), "valid": float(i < 80)}) for i in range(100)]
    decision = _decide([approach("few", share(55, 60), rows)], ["few"], task)
    assert decision.recommendation["rows"] is None
    assert decision.headline.startswith("? Collect eval rows, do not tune yet: whether few meets valid ≥ 0.8")


def test_the_errors_of_both_bounds_stand_with_them() -> None:
    most = Requirement("exact", "quality", at_most=0.95)
    decision = _decide([approach("few", share(55, 60), share(95, 100))], ["few"], Asked((quality(0.8), most)))
    ends = [(r["low_error"], r["high_error"]) for r in decision.requirements]
    assert ends == [(0.0125, 0.05), (0.05, 0.0125)]
    on_dev = _decide([approach("few", share(55, 60))])
    assert (on_dev.requirements[0]["low_error"], on_dev.requirements[0]["high_error"]) == (0.05, 0.05)


def test_collect_for_a_slice_counts_the_rows_that_come_with_it() -> None:
    task = Asked((quality(0.8, where={"lang": "de"}),))
    test = rows_of(share(17, 20), fields={"lang": "de"}) + rows_of(
        [1.0] * 80, start=20, fields={"lang": "en"}
    )
    decision = _decide([approach("few", test, test)], ["few"], task)
    needed = decision.requirements[0]["needed_n"]
    assert isinstance(needed, int)
    assert decision.recommendation["rows"] == 5 * (needed - 20)
    assert decision.requirements[0]["label"] == "exact where lang=de"
    assert decision.approaches[0]["statuses"] == {"exact where lang=de": "insufficient evidence"}


def test_collect_asks_for_dev_rows_where_dev_keeps_an_approach_from_test() -> None:
    measured = [approach("open", share(45, 60)), approach("tested", share(59, 60), share(40, 100))]
    decision = _decide(measured, ["tested"])
    assert decision.verdict == "collect"
    assert "dev rows, do not tune yet: whether open meets" in decision.headline


def test_escalate_when_everything_misses_on_dev() -> None:
    measured = [approach("zero", share(2, 80)), approach("knn", share(49, 80))]
    decision = _decide(measured)
    assert decision.verdict == "escalate"
    assert decision.headline == (
        "✗ Escalate to LoRA: no baseline meets exact ≥ 0.8; best is knn, 0.61 [0.51, 0.70]"
    )
    assert decision.recommendation["method"] == "lora"
    assert decision.recommendation["command"] == "wb escalate task.yaml"
    assert decision.looks["used"] == 0
    assert decision.requirements[0]["approach"] == "knn"


def test_escalate_after_the_test_set_said_no() -> None:
    decision = _decide(
        [approach("zero", share(2, 80)), approach("knn", share(78, 80), share(50, 100))], ["knn"]
    )
    assert decision.verdict == "escalate"
    assert decision.requirements[0]["split"] == "test"


def test_stop_when_there_is_nothing_left_to_train() -> None:
    decision = _decide([approach("zero", share(2, 80))], next_step=None)
    assert decision.verdict == "stop"
    assert decision.recommendation["action"] == "none"
    assert decision.headline.startswith("■ Stop, do not tune: no baseline meets exact ≥ 0.8")


def test_stop_when_training_is_not_the_cure() -> None:
    step = {"action": "fix_retrieval", "why": ["the gold passage was found in 12 % of rows"]}
    decision = _decide([approach("zero", share(2, 80))], next_step=step)
    assert decision.verdict == "stop"
    assert decision.recommendation["action"] == "fix_retrieval"
    assert "12 %" in str(decision.recommendation["why"])
    assert decision.headline.startswith("■ Stop and fix retrieval, do not tune: ")


def test_stop_when_only_latency_fails() -> None:
    task = Asked((quality(0.8), LATENCY))
    slow = approach("a", share(60, 60), share(100, 100), latency=(2.0,) * 60)
    decision = _decide([slow], ["a"], task)
    assert decision.verdict == "stop"
    assert decision.recommendation["action"] == "none"
    assert "training is not the cure" in str(decision.recommendation["why"])


def test_stop_when_no_approach_could_be_scored() -> None:
    decision = _decide([approach("rag", [], state="not applicable", why="no documents")])
    assert decision.verdict == "stop"
    assert decision.headline == "■ Stop: no approach could be scored"
    assert decision.requirements[0]["status"] == "insufficient evidence"
    assert _decide([]).verdict == "stop"


def test_incomplete_when_missing_rows_could_change_the_verdict() -> None:
    measured = [approach("few", share(60, 60), [*[1.0] * 20, None])]
    decision = _decide(measured, ["few"], rows=21, commands={"incomplete": "wb assess task.yaml"})
    assert decision.verdict == "incomplete"
    assert decision.recommendation["command"] == "wb assess task.yaml"
    assert decision.requirements[0]["status"] == "error"
    assert decision.headline.startswith("… Incomplete: few, exact ≥ 0.8 (test): 1 of 21 rows have no answer")


def test_missing_rows_that_change_nothing_leave_the_verdict() -> None:
    lost = approach("zero", [*share(2, 78), None, None])
    assert _decide([lost, approach("knn", share(20, 80))]).verdict == "escalate"
    shipped = [lost, approach("few", share(60, 60), share(99, 100))]
    assert _decide(shipped, ["few"]).verdict == "ship"


def test_an_approach_that_was_never_reached_makes_it_incomplete() -> None:
    stopped = approach("knn", [], state="incomplete", why="connection refused", expected={})
    decision = _decide([approach("zero", share(2, 80)), stopped])
    assert decision.verdict == "incomplete"
    assert "knn was stopped before it had a row: connection refused" in decision.headline


def test_an_open_approach_that_was_stopped_before_test_makes_it_incomplete() -> None:
    stopped = approach("lora", share(60, 60), state="incomplete", expected={"dev": 60, "test": 100})
    assert _decide([approach("zero", share(2, 80)), stopped]).verdict == "collect"
    decision = _decide([approach("zero", share(2, 80)), stopped], interrupted="budget.calls is spent")
    assert decision.verdict == "incomplete"
    assert "budget.calls is spent" in decision.headline


def test_what_comes_after_the_one_that_ships_need_not_be_complete() -> None:
    stopped = approach("knn", [], state="incomplete", expected={})
    assert _decide([approach("few", share(60, 60), [1.0] * 100), stopped], ["few"]).verdict == "ship"
    assert _decide([stopped, approach("few", share(60, 60), [1.0] * 100)], ["few"]).verdict == "incomplete"


def test_advisory_requirements_never_gate() -> None:
    task = Asked((quality(0.8), quality(0.999, "exact", tier="advisory")))
    decision = _decide([approach("few", share(60, 60), share(99, 100))], ["few"], task)
    assert decision.verdict == "ship"
    assert decision.requirements[1]["status"] == "insufficient evidence"


def test_point_policy_decides_on_values_and_says_so() -> None:
    task = replace(TASK, policy="point")
    decision = _decide([approach("few", share(9, 10), share(9, 10))], ["few"], task, rows=10)
    assert decision.verdict == "ship"
    assert any("point values" in note for note in decision.notes)


def test_a_spent_test_set_shows_nothing_more() -> None:
    names = ["a", "b", "c", "d", "few"]
    decision = _decide([approach("few", share(60, 60), [1.0] * 100)], names)
    assert decision.verdict == "collect"
    assert any("test set spent: add fresh rows" in note for note in decision.notes)
    assert decision.recommendation["rows"] == 20
    assert "Collect 20 fresh test rows" in decision.headline
    assert _decide([approach("few", share(60, 60), [1.0] * 100)], names[1:]).verdict == "ship"


def test_a_status_once_given_stays_when_another_joins() -> None:
    first = approach("few", share(60, 60), share(90, 100))
    before = _decide([first], ["few"])
    after = _decide([first, approach("knn", share(60, 60), [1.0] * 100)], ["few", "knn"])
    assert before.approaches[0]["statuses"] == after.approaches[0]["statuses"]
    assert before.approaches[0]["test"] == after.approaches[0]["test"]


def test_a_moved_threshold_is_on_the_first_screen() -> None:
    ledger: list[Look] = looks_at(Asked((quality(0.9),)), hashes(100), "few")
    decision = _decide([approach("few", share(60, 60), share(99, 100))], ledger=ledger)
    assert decision.verdict == "ship"
    assert any("0.9 was asked when few was judged" in note for note in decision.notes)


def test_what_a_perfect_score_could_not_show_is_on_the_first_screen() -> None:
    decision = _decide([approach("few", share(60, 60))], task=Asked((quality(0.98),)))
    (note,) = decision.notes
    assert note.startswith("exact ≥ 0.98 cannot be shown with 100 test rows: even a perfect score takes 217")
    never = _decide([approach("few", share(60, 60))], task=Asked((quality(1.0),)))
    assert "can never be shown" in never.notes[0]


def test_a_run_that_is_not_binding_says_so_everywhere() -> None:
    decision = _decide([approach("few", share(60, 60))], binding=False, notes=["only few was run"])
    assert decision.headline.endswith("(not binding)")
    assert decision.notes[0] == "only few was run"
    assert any("Not binding" in note for note in decision.notes)


def test_a_failed_rung_is_told() -> None:
    broken = approach("rag", [], state="failed", why="index could not be built")
    assert "rag failed: index could not be built" in _decide([broken, approach("a", share(2, 80))]).notes


def test_a_cheaper_call_later_in_the_ladder_is_told_where_tokens_are_priced() -> None:
    task = Asked((quality(0.8),), prices=Prices(1.0, 1.0))
    dear = approach("few", rows_of(share(60, 60), usage=Usage(900, 0, 10)), share(100, 100))
    cheap = approach("knn", rows_of(share(60, 60), usage=Usage(90, 0, 10)))
    decision = _decide([dear, cheap], ["few"], task)
    assert "Measured cost a call is lower for knn, later in the ladder than few." in decision.notes


def test_failures_and_correct_rows_are_all_dev_rows() -> None:
    rows = [*rows_of([1.0, 0.0, None]), a_row("t", {"exact": 0.0}, finish="length")]
    entry: Any = _decide([approach("few", rows)]).approaches[0]
    assert entry["failures"] == {"error": 1, "truncated": 1, "refused": 0, "format": 0, "wrong": 1}
    assert (entry["correct"], entry["split"]) == (1, "dev")
    assert sum(entry["failures"].values()) + entry["correct"] == len(rows)


def test_deltas_are_paired_with_the_best_other_baseline() -> None:
    measured = [
        approach("zero", share(10, 80)),
        approach("few", share(40, 80)),
        approach("lora", share(70, 80), kind="tuned"),
    ]
    entries: Any = _decide(measured).approaches
    assert [entry["delta"]["exact"]["vs"] for entry in entries] == ["few", "zero", "few"]
    tuned = entries[2]["delta"]["exact"]
    assert (tuned["value"], tuned["n"], tuned["split"]) == (0.375, 80, "dev")
    assert 0.2 < tuned["low"] < 0.375 < tuned["high"] < 0.5


def test_a_pooled_metric_has_a_difference_of_ratios_with_its_interval() -> None:
    task = Asked((quality(0.8, "json.micro"),))
    one = [a_row(f"{i}", {"json": 0.5}, counts={"micro": (1 + i % 2, 3)}) for i in range(60)]
    two = [a_row(f"{i}", {"json": 0.25}, counts={"micro": (1, 4)}) for i in range(60)]
    entries: Any = _decide([approach("a", one), approach("b", two)], task=task).approaches
    delta = entries[0]["delta"]["json.micro"]
    assert (delta["value"], delta["n"]) == (0.25, 60)
    assert 0.15 < delta["low"] < 0.25 < delta["high"] < 0.35


def test_deciding_again_gives_the_same_bytes() -> None:
    rng = np.random.default_rng(0)
    measured = [approach(name, rng.random(80).tolist(), rng.random(100).tolist()) for name in "ab"]
    first, second = (json.dumps(plain(_decide(measured, ["a"]))) for _ in range(2))
    assert first == second


def test_a_large_run_is_decided_quickly() -> None:
    rng = np.random.default_rng(1)
    task = Asked((quality(0.95, "valid"), quality(0.8, "fields"), quality(0.8, "fields.micro")))

    def rows() -> list[Any]:
        return [
            a_row(
                f"{i}", {"valid": float(v), "fields": f}, counts={"micro": (round(8 * f), 8), "name": (v, 1)}
            )
            for i, (v, f) in enumerate(zip(rng.random(2000) < 0.97, rng.beta(5, 1, 2000), strict=True))
        ]

    measured = [approach(f"a{i}", rows(), rows()) for i in range(5)]
    with computes_within(10):
        _decide(measured, ["a0", "a1"], task, rows=2000)


cells = st.lists(st.sampled_from([0.0, 0.5, 1.0, None]), max_size=40)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(cells, cells | st.none(), st.booleans()), max_size=4),
    st.sampled_from([None, TUNE, {"action": "fix_data"}]),
)
def test_there_is_always_a_verdict(drawn: Any, step: Mapping[str, Json] | None) -> None:
    measured = [approach(f"a{i}", dev, test) for i, (dev, test, _) in enumerate(drawn)]
    looked = [f"a{i}" for i, (_, test, looked) in enumerate(drawn) if looked and test is not None]
    decision = _decide(measured, looked[:4], next_step=step)
    assert (decision.verdict == "ship") == (decision.approach is not None)
    if decision.verdict == "escalate":
        assert step is TUNE
    assert decision.headline


@pytest.mark.parametrize("n", [40, 100])
def test_a_verdict_only_improves_with_right_test_rows(n: int) -> None:
    order = ["escalate", "collect", "ship"]
    verdicts = [
        order.index(_decide([approach("a", [1.0] * 60, share(right, n))], ["a"], rows=n).verdict)
        for right in range(0, n + 1, 5)
    ]
    assert verdicts == sorted(verdicts)
