"""junit.xml: what CI shows beside a build tells the truth."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from reports.junit import render
from tests.reports.attacks import hostile
from tests.reports.decisions import VERDICTS, report
from tests.reports.gold import assert_gold


def suites(name: str) -> dict[str, ElementTree.Element]:
    return {suite.get("name", ""): suite for suite in ElementTree.fromstring(render(report(name)))}


def cases(suite: ElementTree.Element) -> dict[str, list[str]]:
    return {case.get("name", ""): [child.tag for child in case] for case in suite.findall("testcase")}


@pytest.mark.parametrize("name", VERDICTS)
def test_a_file_is_the_gold_file(name: str) -> None:
    assert_gold(f"{name}.xml", render(report(name)))


def test_not_met_fails_and_insufficient_evidence_is_an_error() -> None:
    assert cases(suites("escalate")["knn_few_shot"]) == {
        "json_fields ≥ 0.80": ["failure"],
        "valid_json ≥ 0.95": ["error"],
    }


def test_met_passes_and_an_advisory_requirement_only_tells() -> None:
    suite = suites("ship")["knn_few_shot"]
    assert cases(suite) == {
        "p95_seconds ≤ 2.00 s": ["system-out"],
        "valid_json ≥ 0.95": [],
        "json_fields ≥ 0.80": [],
    }
    told = suite.findtext("testcase/system-out") or ""
    assert told.startswith("advisory, not met: 2.31 s [2.12 s, 2.64 s] on 60 requests")


def test_missing_rows_are_errors() -> None:
    assert set(map(tuple, cases(suites("incomplete")["knn_few_shot"]).values())) == {("error",)}


def test_an_approach_that_does_not_apply_has_properties_and_no_case() -> None:
    suite = suites("escalate")["rag"]
    told = {p.get("name"): p.get("value") for p in suite.iter("property")}
    assert cases(suite) == {}
    assert told["state"] == "not applicable"
    assert told["why"] == "the task names no documents"


@pytest.mark.parametrize("name", VERDICTS)
def test_nothing_is_skipped_and_the_counts_add_up(name: str) -> None:
    root = ElementTree.fromstring(render(report(name)))
    assert not list(root.iter("skipped"))
    for count, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
        assert int(root.get(count, "-1")) == len(list(root.iter(tag)))
        assert sum(int(suite.get(count, "-1")) for suite in root) == len(list(root.iter(tag)))


def test_hostile_text_gives_valid_xml() -> None:
    root = ElementTree.fromstring(render(hostile()).encode("utf-8"))
    assert "⟨U+D800⟩" in root.get("name", "")
    assert len(root) == 5
