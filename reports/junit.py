"""junit.xml: a suite per approach, a case per requirement, for what CI shows beside a build.

Not met is a failure. Insufficient evidence and missing rows are errors, never skipped: CI shows a
skipped case green. An advisory requirement cannot fail a build: it passes and says what was found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from reports import Report, figures
from reports.approaches import failure_counts, rows_of
from reports.plaintext import clip, visible
from reports.trained import trainings
from reports.view import RequirementLine, headline, requirement_lines

_TEXT = 2000


def render(report: Report) -> str:
    """The whole XML 1.0 document."""
    decision = report.decision
    root = ElementTree.Element("testsuites", name=_safe(decision["task"]["name"]))
    requirements = requirement_lines(decision)
    for approach in decision["approaches"]:
        root.append(_suite(decision, approach, requirements))
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(
    decision: Mapping[str, Any], approach: Mapping[str, Any], requirements: tuple[RequirementLine, ...]
) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name=_safe(approach["name"]))
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in _properties(decision, approach).items():
        ElementTree.SubElement(properties, "property", name=name, value=_safe(value))
    if approach.get("state") != "not applicable":
        for line in requirements:
            suite.append(_case(decision, approach, line))
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", str(len(suite.findall("testcase/error"))))
    suite.set("skipped", "0")
    return suite


def _properties(decision: Mapping[str, Any], approach: Mapping[str, Any]) -> dict[str, Any]:
    counts, split = failure_counts(approach)
    found: dict[str, Any] = {
        "verdict": headline(decision).sentence,
        "binding": "yes" if decision["binding"] else "no",
        "chosen": "yes" if decision.get("approach") == approach["name"] else "no",
        "state": approach.get("state") or "scored",
        "why": approach.get("why") or "",
        "hash": approach.get("hash") or "",
    }
    if counts and rows_of(approach, split):
        found[f"failures on {rows_of(approach, split)} {split} rows"] = ", ".join(
            f"{name} {count}" for name, count in counts.items() if count
        )
    told = next((one for one in trainings(decision) if one.name == approach["name"]), None)
    found |= {} if told is None else {f"training: {name}": text for name, text in told.facts}
    return {name: value for name, value in found.items() if value}


def _case(
    decision: Mapping[str, Any], approach: Mapping[str, Any], line: RequirementLine
) -> ElementTree.Element:
    suite_name = f"{decision['task']['name']}.{approach['name']}"
    case = ElementTree.Element("testcase", classname=_safe(suite_name), name=_safe(line.sentence))
    status = str((approach.get("statuses") or {}).get(line.key) or "not measured")
    found = _found(approach, line, status)
    if line.advisory and status != "met":
        ElementTree.SubElement(case, "system-out").text = _safe(f"advisory, {status}: {found}")
    elif status == "not met":
        ElementTree.SubElement(case, "failure", type="not met", message=_safe(found))
    elif status != "met":
        ElementTree.SubElement(case, "error", type=_safe(status), message=_safe(found))
    return case


def _found(approach: Mapping[str, Any], line: RequirementLine, status: str) -> str:
    """What was observed for this approach, in a sentence."""
    if line.approach == approach["name"] and line.status == status:
        return f"{line.observed} {line.interval} on {line.basis}. {line.why}"
    for split in ("test", "dev"):
        cell = (approach.get(split) or {}).get(line.key)
        if cell and cell.get("value") is not None:
            digits = figures.digits_for(line.bound, cell["value"], cell.get("low"), cell.get("high"))
            value = figures.figure(line.metric, cell["value"], digits)
            spread = figures.interval(line.metric, cell, digits)
            if line.kind == "forgetting":
                asked = (approach.get("training") or {}).get("forgetting") or {}
                of = f"of {asked['task']}" if asked.get("task") else "nats a token on general text"
                return f"{value} {spread} {of}, asked {line.sentence}"
            return f"{value} {spread} on {figures.count(cell['n'])} {split} rows, asked {line.sentence}"
    return str(approach.get("why") or f"not measured; the approach is {approach.get('state')}")


def _safe(value: Any) -> str:
    return visible(clip(str(value), _TEXT))
