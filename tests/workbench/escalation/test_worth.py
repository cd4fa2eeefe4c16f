"""Whether a training was worth it: what comes after it, said in the decision."""

from __future__ import annotations

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
    found = step(decided(low), "full")
    assert found["action"] == action
    assert "above" not in found


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
