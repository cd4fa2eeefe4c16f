"""Whether a training was worth it: what comes after it, said in the decision."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from evals.types import Decision
from tests.reports.decisions import trained
from workbench.escalation.order import Order
from workbench.escalation.worth import next_step
from workbench.evidence import Entry
from workbench.session import Session

ENTRY = Entry("lora", kind="tuned", hash="b")


def decided(low: float | None, statuses: dict[str, str] | None = None, **more: Any) -> Decision:
    found = trained()
    tuned = found["approaches"][-1]
    tuned["statuses"] = statuses or {"valid_json": "met", "json_fields": "not met"}
    if low is not None:
        tuned["delta"]["json_fields"]["low"] = low
    found["requirements"] = [*found["requirements"], *more.get("requirements", ())]
    for requirement in found["requirements"]:
        requirement["label"] = requirement["metric"]
    return Decision(**found)


def step(decision: Decision, method: str = "prefix_tuning", rows: int = 400, entry: Entry = ENTRY) -> Any:
    task = SimpleNamespace(data=SimpleNamespace(preferences=None))
    session = SimpleNamespace(task=task, data=SimpleNamespace(train=[None] * rows))
    order = Order(cast(Any, "task.yaml"), method=method)
    return next_step(decision, entry, cast(Session, session), order)


def test_what_beats_the_best_baseline_and_does_not_ship_is_the_start_of_a_climb() -> None:
    found = step(decided(0.25))
    assert (found["action"], found["method"]) == ("climb", "lora")
    assert "above" not in found


def test_what_does_not_is_rolled_back_and_names_the_method_above() -> None:
    found = step(decided(-0.01))
    assert (found["action"], found["above"]) == ("roll_back", "lora")
    assert found["why"][-1] == "wb escalate --climb would go on with LoRA"


@pytest.mark.parametrize(("low", "action"), [(0.25, "none"), (-0.01, "roll_back")])
def test_at_the_top_there_is_nothing_above(low: float, action: str) -> None:
    decision = decided(low)
    decision.approaches[-1]["training"] = {}
    found = step(decision, "full")
    assert found["action"] == action
    assert "above" not in found


@pytest.mark.parametrize(
    ("found", "action"), [("helps", "collect_train"), ("cannot tell", "none"), (None, "none")]
)
def test_at_the_top_more_rows_are_advised_where_the_learning_curve_says_they_help(
    found: str | None, action: str
) -> None:
    decision = decided(0.25)
    said = "with twice the data (800 rows) expect +15 points"
    curve = None if found is None else {"found": found, "sentence": said}
    decision.approaches[-1]["training"] = {"learning_curve": curve}
    taken = step(decision, "lora")
    assert taken["action"] == action
    assert "better, and full fine-tuning takes 2,000 rows, here are 400" in taken["why"][0]
    assert taken["why"][1] == (said if curve else "--curve tells whether more rows would help")


def test_what_is_missed_counts_before_what_is_undecided() -> None:
    decision = decided(0.25, {"valid_json": "insufficient evidence", "json_fields": "not met"})
    decision.approaches[-1]["delta"]["valid_json"] = {
        **decision.approaches[-1]["delta"]["json_fields"],
        "low": -0.1,
    }
    assert step(decision)["action"] == "climb"
    decision.approaches[-1]["statuses"]["json_fields"] = "met"
    assert step(decision)["action"] == "roll_back"


def test_too_few_rows_for_the_next_method_are_the_top_too() -> None:
    assert "above" not in step(decided(-0.01), "prefix_tuning", rows=30)


def test_a_method_that_could_not_be_tried_names_the_one_above() -> None:
    found = step(decided(None), entry=Entry("lora", state="not applicable", why="no rows"))
    assert (found["action"], found["above"]) == ("none", "lora")


def test_what_meets_format_and_quality_and_forgets_too_much_is_told_so() -> None:
    wanted = {
        "metric": "forgetting_loss",
        "kind": "forgetting",
        "tier": "critical",
        "sentence": "forgetting_loss ≤ 0.01",
    }
    statuses = {"valid_json": "met", "json_fields": "met", "forgetting_loss": "not met"}
    found = step(decided(None, statuses, requirements=[wanted]))
    assert found["why"] == [
        "lora misses no format or quality requirement, and forgets too much: forgetting_loss ≤ 0.01"
    ]
    assert step(decided(None, {"valid_json": "met", "json_fields": "met"}))["why"] == [
        "lora misses no format or quality requirement"
    ]


def test_the_command_to_climb_by_finds_the_run_and_keeps_what_was_asked_of_rows_and_code() -> None:
    order = Order(
        *(Path("my task.yaml"), Path("elsewhere"), Path("elsewhere/x/1"), "prefix_tuning"),
        force=True,
        allow_code=True,
        distilled=Path("rows.jsonl"),
    )
    session = SimpleNamespace(
        task=SimpleNamespace(data=SimpleNamespace(preferences=None)),
        data=SimpleNamespace(train=[None] * 400),
    )
    found = next_step(decided(0.25), ENTRY, cast(Session, session), order)
    told = "wb escalate 'my task.yaml' --method lora --distilled rows.jsonl --out elsewhere --allow-code"
    assert found["command"] == told
