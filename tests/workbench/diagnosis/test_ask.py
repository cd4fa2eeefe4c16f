"""Which arms are asked, on which rows, at what cost; what an arm that cannot be asked leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.errors import ModelError, OutageError
from evals.types import Example, Request
from tests.workbench.diagnosis.desk import Desk, arms, line, right, truth
from workbench.diagnosis.arms import MOST_ROWS, SPREAD_ROWS, read_arms
from workbench.diagnosis.ask import sampled


def half_right(request: Request) -> str:
    return right(request, 0.5)


def test_nothing_is_asked_where_an_approach_ships(tmp_path: Path) -> None:
    run, decision = Desk(tmp_path, lambda r: right(r, 1.0)).assess()
    assert decision.verdict == "ship"
    assert (decision.diagnosis, decision.arms) == ((), ())
    assert read_arms(run.folder) is None


def test_nothing_is_asked_where_all_is_met_on_dev_and_only_rows_are_missing(tmp_path: Path) -> None:
    desk = Desk(tmp_path, lambda r: right(r, 1.0))
    run, decision = desk.assess(dev_only=True)
    assert (decision.verdict, decision.arms) == ("collect", ())
    assert not (run.folder / "diagnosis").exists()


def test_arms_ask_dev_rows_alone_and_no_more_than_is_said(tmp_path: Path) -> None:
    desk = Desk(tmp_path, half_right, half_right, stronger_model="stronger")
    run, decision = desk.assess()
    asked = desk.weak.asked + desk.strong.asked
    assert not any(request.id.startswith("test") for request in asked)
    assert all(arm["rows"] <= MOST_ROWS for arm in decision.arms)
    assert all(arm["rows"] == SPREAD_ROWS for kind in ("order", "wording") for arm in arms(decision, kind))
    calls = sum(arm["calls"] for arm in decision.arms)
    assert f"This took {calls} calls on dev rows" in decision.diagnosis[-1]
    for arm in read_arms(run.folder).arms:  # type: ignore[union-attr]
        assert bool(arm.folder) != bool(arm.why)
        assert not arm.folder or (run.folder / "diagnosis" / arm.folder / "spec.json").is_file()


def test_nothing_is_asked_where_only_cost_is_missed(tmp_path: Path) -> None:
    requirements = [
        {"metric": "label", "at_least": 0.5, "kind": "quality"},
        {"metric": "tokens_in", "at_most": 1, "kind": "cost"},
    ]
    _, decision = Desk(tmp_path, lambda r: right(r, 0.95), requirements=requirements).assess()
    assert (decision.verdict, decision.arms, decision.diagnosis) == ("stop", (), ())


def test_it_can_be_left_out_and_that_is_said(tmp_path: Path) -> None:
    desk = Desk(tmp_path, half_right)
    run, decision = desk.assess(diagnosis=False)
    assert decision.diagnosis == ("Not diagnosed (--no-diagnosis): why zero_shot fails was not measured.",)
    assert decision.arms == ()
    assert (
        "--no-diagnosis" in json.loads((run.folder / "provenance.json").read_text())["commands"]["incomplete"]
    )


def test_a_form_that_hardly_fails_is_not_held_to_a_grammar(tmp_path: Path) -> None:
    _, decision = Desk(tmp_path, half_right).assess()
    (arm,) = arms(decision, "grammar")
    assert (arm["rows"], arm["effects"]) == (0, [])
    assert "fails on 0 of 60 rows" in line(decision, "A grammar was not tried")


def test_free_text_has_no_grammar_and_a_task_without_documents_no_gold_passages(tmp_path: Path) -> None:
    requirements = [{"metric": "exact", "at_least": 0.9, "kind": "quality"}]
    _, decision = Desk(tmp_path, half_right, output="text", requirements=requirements).assess()
    assert not arms(decision, "grammar") and not arms(decision, "oracle") and not arms(decision, "stronger")


def test_an_arm_whose_model_is_away_leaves_the_others(tmp_path: Path) -> None:
    def away(request: Request) -> str:
        raise OutageError("nobody answers")

    _, decision = Desk(tmp_path, half_right, away, stronger_model="stronger").assess()
    (arm,) = arms(decision, "stronger")
    assert arm["why"] == "nobody answers" and arm["effects"] == []
    assert "The stronger model was not tried on zero_shot: nobody answers." in decision.diagnosis
    assert arms(decision, "wording")[0]["effects"]


def test_an_arm_that_the_model_refuses_leaves_the_others(tmp_path: Path) -> None:
    def answer(request: Request) -> str:
        if request.grammar:
            raise ModelError("cannot be held to a grammar")
        return f"It is {truth(1)} and {truth(2)}"

    _, decision = Desk(tmp_path, answer).assess()
    assert arms(decision, "grammar")[0]["why"] == "cannot be held to a grammar"
    assert arms(decision, "wording")[0]["rows"] == SPREAD_ROWS


def test_an_interrupted_diagnosis_goes_on_where_it_stopped(tmp_path: Path) -> None:
    left = 17

    def stops(request: Request) -> str:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return half_right(request)

    desk = Desk(tmp_path, half_right, stops, stronger_model="stronger")
    with pytest.raises(KeyboardInterrupt):
        desk.assess()
    desk.strong.answer = half_right
    before = len(desk.strong.asked)
    _, decision = desk.assess()
    assert len(list((tmp_path / "runs" / "mood").glob("2*"))) == 1
    assert len(desk.strong.asked) - before == 60 - 17
    again = Desk(tmp_path / "other", half_right, half_right, stronger_model="stronger")
    assert again.assess()[1].diagnosis == decision.diagnosis


def test_a_new_run_takes_the_arms_over_and_decides_again_to_the_same_bytes(tmp_path: Path) -> None:
    desk = Desk(tmp_path, half_right, half_right, stronger_model="stronger")
    run, first = desk.assess()
    before = {
        name: (run.folder / name).read_bytes() for name in ("decision.json", "report.html", "summary.md")
    }
    desk.conclude(run)
    assert {name: (run.folder / name).read_bytes() for name in before} == before
    desk.weak.asked.clear()
    desk.strong.asked.clear()
    other, second = desk.assess()
    assert other.folder != run.folder
    assert (desk.weak.asked, desk.strong.asked) == ([], [])
    assert (second.diagnosis, second.arms) == (first.diagnosis, first.arms)


def test_the_rows_of_an_arm_do_not_depend_on_the_order_of_the_file() -> None:
    rows = [Example(f"r{n}", str(n), "x") for n in range(300)]
    assert sampled(rows, MOST_ROWS) == sampled(rows[::-1], MOST_ROWS)
    assert sampled(rows, SPREAD_ROWS) == sampled(rows, MOST_ROWS)[:SPREAD_ROWS]
