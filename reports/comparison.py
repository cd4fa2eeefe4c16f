"""Two runs side by side as Markdown, for a pull request's comment or a CI summary.

A pure function of what `wb compare --json` or `wb gate --json` prints. Its first line is a hidden
marker that stays the same for a task, so that a job finds and replaces its own comment. What models
and users wrote is hostile: it is escaped and cut, and test rows are not in it at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from evals.store import digest
from evals.types import Json
from reports import figures
from reports.plaintext import answer_text, code, markdown, one_line, visible

MOST_FLIPS = 20
_CELL = 120
GLYPHS = {"pass": "✓", "worse": "✗", "cannot tell": "?"}


def render(found: Mapping[str, Any]) -> str:
    """The whole text: the verdict of a gate where there is one, then what differs, then the flips."""
    a, b = found["a"], found["b"]
    title = found.get("headline") or f"{b['approach']} compared with {a['approach']}"
    blocks = [
        _marker(found),
        f"## {markdown(str(title), 400)}",
        f"**A** {_side(a)}<br>**B** {_side(b)}",
    ]
    if found["changed"]:
        blocks.append("Changed: " + ", ".join(code(str(key), _CELL) for key in found["changed"][:12]))
    blocks += (
        ["\n".join(f"- {markdown(str(note), 300)}" for note in found["notes"])] if found["notes"] else []
    )
    if found.get("rulings"):
        blocks += ["### Gate", _rulings(found["rulings"])]
    for split, of in found["splits"].items():
        blocks += [f"### Differences on {split}, {of['rows']} rows", _metrics(of["metrics"])]
        blocks.append(_counts(of, str(found["primary"])))
    blocks.append(f"Intervals of {100 * found['level']:.3g} %; differences are B − A, row by row.")
    flips = (found["splits"].get("dev") or {}).get("flips") or []
    if flips:
        blocks.append(_flips(flips))
    return "\n\n".join(blocks) + "\n"


def _marker(found: Mapping[str, Any]) -> str:
    name = visible(str(found["task"]))
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
    return f"<!-- workbench comparison {slug} {digest(name, 8)} -->"


def _side(side: Mapping[str, Any]) -> str:
    parts = [code(str(side["approach"]), 80)]
    if side["baseline"]:
        parts.append(
            f"of the baseline {code(str(side['baseline']), 80)}, blessed {markdown(str(side['age']))}"
        )
    parts.append(f"run {code(str(side['run']), 80)}")
    if side["commit"]:
        parts.append(f"commit {code(str(side['commit']), 40)}")
    return ", ".join(parts)


def difference(metric: str, of: Mapping[str, Any]) -> str:
    """ "+0.03 [−0.02, +0.08]": a difference in its metric's unit, with its interval where it has one."""
    value = figures.signed(of["difference"], metric)
    if of["low"] is None or of["high"] is None:
        return value
    return f"{value} [{figures.signed(of['low'], metric)}, {figures.signed(of['high'], metric)}]"


def _metrics(metrics: Mapping[str, Any]) -> str:
    body = [
        (
            code(name, 80),
            figures.figure(name, of["a"]),
            figures.figure(name, of["b"]),
            difference(name, of),
            f"{of['up']} / {of['down']}",
            str(of["n"]),
        )
        for name, of in metrics.items()
    ]
    return table(("Metric", "A", "B", "B − A", "Rows up / down", "n"), body, right=True)


def _rulings(rulings: Sequence[Mapping[str, Any]]) -> str:
    body = [
        (
            f"{GLYPHS[str(ruling['outcome'])]} {ruling['outcome']}"
            + (" (advisory)" if ruling["tier"] == "advisory" else ""),
            code(str(ruling["label"]), 80),
            markdown(str(ruling["margin_text"]), 40),
            markdown(str(ruling["why"]), 400),
        )
        for ruling in rulings
    ]
    return table(("", "Metric", "Margin", "Why"), body)


def _counts(of: Mapping[str, Any], primary: str) -> str:
    return (
        f"{of['better']} rows better and {of['worse']} worse by {code(primary, 80)}; "
        f"{of['mended']} became right, {of['broken']} wrong."
    )


def _flips(flips: Sequence[Mapping[str, Any]]) -> str:
    """Rows that were broken before those that were mended."""
    ordered = [*(f for f in flips if not f["better"]), *(f for f in flips if f["better"])]
    body = [
        (
            f"{'▲' if flip['better'] else '▼'} {code(str(flip['id']), 60)}",
            f"{flip['first']:.2f} → {flip['second']:.2f}",
            *(code(text, _CELL) for text in moved(flip)),
        )
        for flip in ordered[:MOST_FLIPS]
    ]
    more = f"\n\n{len(flips) - MOST_FLIPS} more." if len(flips) > MOST_FLIPS else ""
    head = ("Row", "Score", "A", "B", "Wanted")
    summary = f"{len(flips)} dev rows that differ"
    return f"<details><summary>{summary}</summary>\n\n{table(head, body)}{more}\n\n</details>"


def moved(flip: Mapping[str, Any]) -> tuple[str, str, str]:
    """What A said, what B said, what was wanted: of objects only the fields that differ. An answer is
    what was read out of the text, or the text where nothing could be."""
    was, now, target = flip["was"], flip["now"], flip["target"]
    if isinstance(was, dict) and isinstance(now, dict):
        keys = [key for key in {**was, **now} if was.get(key) != now.get(key)]
        wanted = _fields(target, keys) if isinstance(target, dict) else answer_text(target)
        return _fields(was, keys), _fields(now, keys), wanted
    return _said(was, flip["before"]), _said(now, flip["after"]), answer_text(target)


def _fields(answer: Mapping[str, Json], keys: Sequence[str]) -> str:
    return (
        ", ".join(f"{key}: {answer_text(answer[key])}" for key in keys if key in answer) or "(none of these)"
    )


def _said(answer: Json, text: str) -> str:
    if answer is not None:
        return answer_text(answer)
    return one_line(text, 400) or "(nothing)"


def table(head: Sequence[str], body: Sequence[Sequence[str]], right: bool = False) -> str:
    """A Markdown table; `right` aligns all but the first column to the right."""
    rule = ["---", *["--:" if right else "---"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *body))
