"""Two runs side by side as Markdown and a gate as JUnit: whatever a model wrote."""

from __future__ import annotations

import copy
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from reports import comparison, gate_junit
from tests.reports.attacks import ATTACKS

SIDE = {"approach": "few_shot", "hash": "h", "run": "r1", "where": "runs/r1", "started": "", "commit": "abc",
        "baseline": None, "blessed": None, "age": None}  # fmt: skip
METRIC = {"a": 0.8, "b": 0.7, "difference": -0.1, "low": -0.15, "high": -0.05, "n": 100, "clusters": 100,
          "up": 2, "down": 12, "missing": 0, "p": 0.01, "test": "McNemar"}  # fmt: skip
FOUND: dict[str, Any] = {
    "version": 1,
    "task": "tickets",
    "level": 0.9,
    "primary": "exact",
    "identical": False,
    "a": {**SIDE, "baseline": "main", "blessed": "2026-01-02T00:00:00+00:00", "age": "12 days ago"},
    "b": SIDE,
    "changed": ["prompt.system"],
    "notes": ["not compared on test: few_shot of r1 was not judged on test"],
    "splits": {
        "dev": {
            "rows": 100, "clusters": 100, "better": 2, "worse": 12, "mended": 1, "broken": 9,
            "metrics": {"exact": METRIC},
            "flips": [
                {"id": "r1", "repeat": 0, "first": 1.0, "second": 0.0, "better": False, "before": "a",
                 "after": "b", "was": {"x": 1, "y": 2}, "now": {"x": 1, "y": 3}, "target": {"x": 1, "y": 2}},
            ],
        }
    },
    "headline": "✗ Worse: exact on 100 dev rows",
    "outcome": "worse",
    "exit_code": 3,
    "split": "dev",
    "inconclusive": "fail",
    "look": None,
    "rulings": [
        {"label": "exact", "metric": "exact", "where": {}, "margin": 0.05, "margin_text": "0.05",
         "tier": "critical", "outcome": "worse", "needed_n": None, "why": "−0.10 on 100 rows", **METRIC},
    ],
}  # fmt: skip


def test_the_verdict_comes_first_under_a_marker_that_stays() -> None:
    lines = comparison.render(FOUND).splitlines()
    assert lines[0].startswith("<!-- workbench comparison tickets ")
    assert lines[2] == "## ✗ Worse: exact on 100 dev rows"
    other = copy.deepcopy(FOUND)
    other["headline"] = "✓ Pass"
    assert comparison.render(other).splitlines()[0] == lines[0]


def test_the_age_of_a_baseline_is_shown() -> None:
    assert "baseline `main`, blessed 12 days ago" in comparison.render(FOUND)


def test_of_objects_only_the_fields_that_differ_are_shown() -> None:
    assert comparison.moved(FOUND["splits"]["dev"]["flips"][0]) == ("y: 2", "y: 3", "y: 2")


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_a_model_wrote_cannot_leave_its_cell(attack: str) -> None:
    found = copy.deepcopy(FOUND)
    flip = found["splits"]["dev"]["flips"][0]
    flip |= {"was": None, "now": attack, "before": attack, "target": attack, "id": attack}
    found["notes"], found["changed"], found["headline"] = [attack], [attack], attack
    found["rulings"][0] |= {"why": attack, "label": attack}
    text = comparison.render(found)
    bare = re.sub(r"`+[^`\n]*`+", "", text)
    assert not re.search(r"(?<!\\)<(?!br>|!-- workbench|/?details>|/?summary>)", bare)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert all(line.count(" | ") in (3, 4, 5) for line in rows)
    ElementTree.fromstring(gate_junit.render(found))


def test_junit_says_what_became_of_each_metric() -> None:
    root = ElementTree.fromstring(gate_junit.render(FOUND))
    assert (root.get("failures"), root.get("errors"), root.get("skipped")) == ("1", "0", "0")
    found = copy.deepcopy(FOUND)
    found["rulings"][0]["outcome"] = "cannot tell"
    assert ElementTree.fromstring(gate_junit.render(found)).get("errors") == "1"
    found["inconclusive"] = "pass"
    root = ElementTree.fromstring(gate_junit.render(found))
    assert root.get("errors") == "0"
    (said,) = root.iter("system-out")
    assert said.text == "inconclusive: pass, cannot tell: −0.10 on 100 rows"
