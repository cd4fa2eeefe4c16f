"""A gate's result as JUnit: a case per metric, for what CI shows beside a build.

Worse is a failure. What the rows cannot tell is an error, never skipped, since CI shows a skipped
case green, unless the team lets it through; then it passes and says so. So do advisory metrics.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from reports.plaintext import clip, visible

_TEXT = 2000


def render(found: Mapping[str, Any]) -> str:
    """The whole XML 1.0 document, from what `wb gate --json` prints."""
    name = f"{found['task']}: {found['b']['approach']} against {found['a']['approach']}"
    suite = ElementTree.Element("testsuite", name=_safe(name))
    properties = ElementTree.SubElement(suite, "properties")
    for key, value in _properties(found).items():
        ElementTree.SubElement(properties, "property", name=key, value=_safe(value))
    for ruling in found["rulings"]:
        suite.append(_case(found, ruling))
    root = ElementTree.Element("testsuites", name=_safe(str(found["task"])))
    root.append(suite)
    counts = {
        "tests": len(found["rulings"]),
        "failures": len(suite.findall("testcase/failure")),
        "errors": len(suite.findall("testcase/error")),
        "skipped": 0,
    }
    for element in (suite, root):
        for key, count in counts.items():
            element.set(key, str(count))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _properties(found: Mapping[str, Any]) -> dict[str, str]:
    a, b = found["a"], found["b"]
    said = {
        "verdict": str(found["headline"]),
        "split": str(found["split"]),
        "baseline": str(a["baseline"] or a["run"]),
        "baseline blessed": str(a["blessed"] or ""),
        "run": str(b["run"]),
        "commit": str(b["commit"]),
    }
    return {key: value for key, value in said.items() if value}


def _case(found: Mapping[str, Any], ruling: Mapping[str, Any]) -> ElementTree.Element:
    name = f"{ruling['label']} no worse by {ruling['margin_text']}"
    case = ElementTree.Element("testcase", classname=_safe(f"{found['task']}.gate"), name=_safe(name))
    outcome, why = str(ruling["outcome"]), _safe(str(ruling["why"]))
    through = outcome == "cannot tell" and found["inconclusive"] == "pass"
    if outcome == "pass":
        return case
    if ruling["tier"] == "advisory" or through:
        reason = "advisory" if ruling["tier"] == "advisory" else "inconclusive: pass"
        ElementTree.SubElement(case, "system-out").text = f"{reason}, {outcome}: {why}"
    else:
        kind = "failure" if outcome == "worse" else "error"
        ElementTree.SubElement(case, kind, type=outcome, message=why)
    return case


def _safe(text: str) -> str:
    return visible(clip(text, _TEXT))
