"""What a decision says, in words."""

from __future__ import annotations

from reports import view
from tests.reports.decisions import decision, escalate, requirement, ship


def test_failed_requirements_come_first_and_advisory_ones_after_gating_ones() -> None:
    seen = (0.5, 0.4, 0.6)
    found = decision("stop", "■ Stop", requirements=[
        requirement("a", 0.5, "met", seen),
        requirement("b", 0.5, "not met", seen, tier="advisory"),
        requirement("c", 0.5, "insufficient evidence", seen),
        requirement("d", 0.5, "error", seen),
        requirement("e", 0.5, "not met", seen),
    ])  # fmt: skip
    assert [line.metric for line in view.requirement_lines(found)] == ["e", "b", "d", "c", "a"]


def test_a_requirement_on_a_slice_says_so() -> None:
    found = decision(
        "stop", "■", requirements=[requirement("f", 0.5, "met", (1, 1, 1), where={"lang": "de"})]
    )
    (line,) = view.requirement_lines(found)
    assert line.sentence == "f ≥ 0.50 where lang=de"
    assert line.key == view.metric_of(found) == "f where lang=de"


def test_the_glyph_of_the_headline_is_used_once() -> None:
    assert view.headline(ship()).sentence.startswith("✓ Ship knn_few_shot")
    assert view.headline(decision("ship", "Ship it")).sentence == "✓ Ship it"


def test_a_run_that_is_not_binding_says_it_once_and_never_looks_good() -> None:
    found = view.headline(decision("ship", "✓ Ship x (not binding)", binding=False))
    assert found.sentence == "○ Not binding: Ship x"
    assert found.tone == "unsure"


def test_the_next_step_does_not_repeat_what_the_requirements_say() -> None:
    step = view.next_step(escalate())
    assert step.sentence == "Train with LoRA; it is then judged beside the baselines."
    assert step.why[0] == "200 training rows are enough for LoRA and too few for full fine-tuning."
    assert step.command == "wb escalate task.yaml"


def test_the_next_step_names_the_objective_beside_the_method() -> None:
    advice = {"action": "climb", "method": "lora", "objective": "sft_then_dpo", "why": [], "command": None}
    found = view.next_step(decision("escalate", "✗", recommendation=advice))
    assert found.sentence == "Go one rung up: train with LoRA (SFT, then DPO)."


def test_an_unknown_action_is_shown_as_words() -> None:
    found = decision("stop", "■", recommendation={"action": "ask_a_person", "why": [], "command": None})
    assert view.next_step(found).sentence == "Ask a person."


def test_the_primary_metric_is_the_first_gating_quality_one() -> None:
    assert view.metric_of(escalate()) == "json_fields"
    only_format = decision("ship", "✓", requirements=[requirement("valid_json", 0.9, "met", (1, 1, 1))])
    assert view.metric_of(only_format) == "valid_json"
    assert view.metric_of(decision("incomplete", "…")) is None


def test_the_approach_in_focus_is_compared_with_its_rival() -> None:
    assert (view.focus(escalate()), view.reference(escalate())) == ("knn_few_shot", "few_shot")


def test_what_the_brackets_of_requirements_hold_is_said_by_the_errors_tested() -> None:
    assert view.tested(ship()) == (
        "the bounds that were tested: for “met” at an error of 1.25 %, for “not met” at 5 %"
    )
    assert view.tested(escalate()) == "the two bounds that were tested, each at an error of 5 %"
    older = escalate()
    for asked in older["requirements"]:
        del asked["low_error"], asked["high_error"]
    assert view.tested(older) == ""
    assert not view.unlike(older)
