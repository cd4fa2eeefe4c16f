"""The arms of a diagnosis as a table: every score under every change, what says nothing last."""

from __future__ import annotations

from reports.arms import arm_lines, arm_table
from reports.html import render as page
from reports.markdown import render as summary
from reports.view import next_step
from tests.reports.decisions import arm, decision, effect, escalate, report
from tests.reports.page import read


def test_every_score_of_every_arm_has_a_line_and_what_says_nothing_comes_last() -> None:
    first = arm("stronger", "few_shot", "large", 0, [], "it is away")
    second = arm(
        "grammar",
        "few_shot",
        "held to a grammar",
        40,
        [
            effect("json_fields", 0.8, (0.5, 0.7), (0.2, 0.1, 0.3), "helps"),
            effect("valid_json", 0.9, (0.8, 0.7), (-0.1, -0.2, -0.01), "hurts"),
        ],
    )
    lines = arm_lines({"arms": [first, second]})
    assert [(line.name, line.metric) for line in lines] == [
        ("grammar", "json_fields"),
        ("grammar", "valid_json"),
        ("stronger model", ""),
    ]
    assert (lines[0].before, lines[0].after, lines[0].gain, lines[0].span) == (
        "0.50",
        "0.70",
        "+0.20",
        "[+0.10, +0.30]",
    )
    assert [line.tone for line in lines] == ["met", "not-met", "advisory"]
    assert lines[2].absent == "it is away"
    assert [line.calls for line in lines] == ["40", "", "0"]
    table = arm_table({"arms": [first, second]}, 2)
    assert (len(table.lines), table.reach, table.level) == (2, 0.5, "95 %")


def test_a_decision_without_arms_has_no_table() -> None:
    assert arm_lines({}) == [] and arm_lines({"arms": []}) == []
    assert "What was changed" not in page(report("ship", 3))


def test_the_page_draws_each_difference_against_none() -> None:
    found = read(page(report("escalate", 3)))
    (table,) = [t for t in found.all("table") if t.attributes.get("class") == "arms"]
    bars = table.all("svg")
    assert len(bars) == 4
    assert bars[2].attributes["aria-label"] == "+0.08, from +0.02 to +0.15"
    assert "bar-met" in bars[2].attributes["class"]


def test_the_summary_has_the_sentences() -> None:
    text = summary(report("escalate"))
    assert "### Why, measured on dev" in text
    assert all(f"- {sentence[:20]}" in text for sentence in escalate()["diagnosis"][:1])
    assert "### Why" not in summary(report("ship"))


def test_a_cure_that_is_no_training_is_the_next_step() -> None:
    advice = {"action": "none", "method": None, "why": [], "command": None, "cure": "prompt again"}
    found = next_step(decision("stop", "■ Stop and prompt again", recommendation=advice))
    assert found.sentence == "Prompt again: training is not what is missing."
