"""summary.md: the verdict for a step summary, harmless whatever a model wrote."""

from __future__ import annotations

import re

import pytest

from reports import Report
from reports.markdown import MAX_BYTES, marker, render
from tests.reports.attacks import ATTACKS, hostile
from tests.reports.decisions import VERDICTS, approach, interval, long_names, report, requirement
from tests.reports.gold import assert_gold


@pytest.mark.parametrize("name", VERDICTS)
def test_a_summary_is_the_gold_summary(name: str) -> None:
    assert_gold(f"{name}.md", render(report(name)))


def test_verdict_command_and_requirements_come_first() -> None:
    lines = render(report("escalate")).splitlines()
    assert lines[2].startswith("## ✗ Escalate to LoRA")
    assert lines.index("wb escalate task.yaml") < lines.index("### Requirements")
    assert lines[lines.index("### Requirements") + 4].startswith("| ✗ not met | `json_fields ≥ 0.80` |")


def test_the_marker_is_the_task_s_and_outlives_a_new_verdict() -> None:
    first, second = (render(report(name)).splitlines()[0] for name in ("escalate", "ship"))
    assert first == second == marker(report("ship").decision)
    other = {"task": {"name": "ticket triage"}}
    assert marker(other) != first
    assert re.fullmatch(r"<!-- workbench summary [a-z0-9-]* [0-9a-f]{8} -->", marker(hostile().decision))


def test_every_table_row_has_as_many_cells_as_its_head() -> None:
    for made in (*map(report, VERDICTS), long_names(), hostile()):
        table: list[int] = []
        for line in [*render(made).splitlines(), ""]:
            if not line.startswith("|"):
                assert len(set(table)) <= 1
                table = []
                continue
            table.append(len(re.findall(r"(?<!\\)\|", line)))


def test_hostile_text_makes_no_markup_link_image_or_mention() -> None:
    text = render(hostile())
    outside = re.sub(r"(`{4})sh.*?\1", "", text, flags=re.DOTALL)
    plain = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", outside)
    assert not re.search(r"https?://|www\.|(?<!\\)\]\(", plain)
    assert not re.search(r"[@#]\w", plain)
    assert set(re.findall(r"(?<!\\)<[^>]*>", plain)) <= {"<br>", "<sub>", "</sub>", text.splitlines()[0]}
    text.encode("utf-8")


def test_a_command_cannot_leave_its_block() -> None:
    assert "````sh\necho ```\n```\n<b></script><script>alert(1)</script>\n````" in render(hostile())


def test_a_run_that_is_not_binding_says_so() -> None:
    assert "**Not binding**" in render(report("incomplete"))
    assert "Not binding" not in render(report("ship"))


@pytest.mark.parametrize("text", ["x" * 500, ATTACKS[-2], ATTACKS[-1]])
def test_it_stays_under_twenty_kilobytes(text: str) -> None:
    found = VERDICTS["collect"]()
    found["approaches"] = [
        approach(f"{i} {text}", interval(0.5, 0.4, 0.6), interval(1, 1, 1), delta={}) for i in range(80)
    ]
    found["requirements"] = [
        requirement(f"{i} {text}", 0.5, "met", (0.7, 0.6, 0.8), why=text) for i in range(60)
    ]
    found["notes"] = [text] * 50
    found["recommendation"]["command"] = text
    found["headline"] = text
    made = render(Report(found))
    assert len(made.encode()) < MAX_BYTES
    assert "more in `report.html`" in made
