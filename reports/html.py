"""report.html: one file that opens anywhere, without a network and without JavaScript.

The page's only code is its own style and script, allowed by their hashes; everything else a
browser could load or run is forbidden. All text goes through `visible` and autoescape.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from reports import Report, figures
from reports.approaches import approach_table, rows_of
from reports.brought import brought
from reports.curves import loss_plot, score_plot
from reports.learning import learning_plot
from reports.plaintext import answer_text, clip, one_line, visible
from reports.plots import Axes, Point, cost_plot, difference_bar, interval_bar
from reports.sections import ROWS_BYTES, sections_of
from reports.view import focus, headline, metric_of, next_step, requirement_lines, tested

TEMPLATES = Path(__file__).parent / "templates"
MAX_BYTES = 2_000_000
_FIRST_NOTES = 3


def render(report: Report) -> str:
    """The whole page, at most 2 MB of UTF-8."""
    budget = ROWS_BYTES
    page = _page(report, budget)
    while len(page.encode()) > MAX_BYTES and budget > 1:
        budget //= 2
        page = _page(report, budget)
    return page


def _page(report: Report, row_bytes: int) -> str:
    decision = report.decision
    environment = _environment()
    sections = sections_of(report, environment, row_bytes)
    notes = [str(note) for note in decision.get("notes") or ()]
    requirements = requirement_lines(decision)
    style, script = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    return environment.get_template("report.html.j2").render(
        style=Markup(style),
        script=Markup(script),
        style_hash=Markup(_source_hash(style)),
        script_hash=Markup(_source_hash(script)),
        task=decision["task"],
        about=_about(decision),
        headline=headline(decision),
        brought=brought(decision),
        next=next_step(decision),
        notes=notes[:_FIRST_NOTES],
        more_notes=notes[_FIRST_NOTES : _FIRST_NOTES + 40],
        requirements=requirements,
        tested=tested(decision),
        judged=_judged([line.approach for line in requirements]),
        rest_summary=_counted([line.status for line in requirements[5:]]),
        table=approach_table(decision),
        plot=_plot(decision),
        sections=sections,
        anchors={section.anchor for section in sections},
        version=decision.get("version", 1),
    )


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: (
            visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
        ),
    )
    environment.filters.update(
        breakable=_breakable,
        clip=clip,
        one_line=one_line,
        words=figures.words,
        bar=interval_bar,
        difference=difference_bar,
        learning_plot=learning_plot,
        loss_plot=loss_plot,
        score_plot=score_plot,
        answer=answer_text,
        scalar=_scalar,
    )
    return environment


def _source_hash(source: str) -> str:
    """A content security policy source: the hash of an inline style or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


def _scalar(value: object) -> str:
    """A lone value of an open-ended part of the decision as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return figures.NOTHING if value is None else str(value)


def _breakable(name: str) -> Markup:
    """A name that may break after each underscore and dot."""
    return Markup("<wbr>").join(escape(visible(part)) for part in re.split(r"(?<=[_.])(?=[^\W\d])", name))


def _counted(words: list[str]) -> str:
    return ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))


def _about(decision: Mapping[str, Any]) -> list[str]:
    """What the verdict rests on, in a few words for the top line."""
    scored = [a for a in decision["approaches"] if a.get("dev")]
    dev, test = (max((rows_of(a, split) for a in scored), default=0) for split in ("dev", "test"))
    words = [f"{len(scored)} {'approach' if len(scored) == 1 else 'approaches'} scored"]
    words += [f"{figures.count(dev)} dev rows"] if dev else []
    words.append(f"{figures.count(test)} test rows" if test else "no test row touched")
    return words


def _judged(names: list[str]) -> str:
    """The approach that all requirements were judged for, when it is one."""
    return names[0] if len(set(names)) == 1 else ""


def _plot(decision: Mapping[str, Any]) -> Markup:
    metric = metric_of(decision)
    scored = [
        a
        for a in decision["approaches"]
        if metric and ((a.get("dev") or {}).get(metric) or {}).get("value") is not None
    ]
    priced = bool(scored) and all(a.get("usd_per_1k") for a in scored)

    def cost(approach: Mapping[str, Any]) -> float:
        if priced:
            return float(approach["usd_per_1k"])
        return float((approach.get("tokens_in") or 0) + (approach.get("tokens_out") or 0))

    chosen = focus(decision)
    points = [
        Point(
            str(a["name"]),
            cost(a),
            float(a["dev"][metric]["value"]),
            a["dev"][metric].get("low"),
            a["dev"][metric].get("high"),
            bool(decision.get("approach")) and a["name"] == chosen,
        )
        for a in scored
        if cost(a) > 0
    ]
    bounds = {line.key: line.bound for line in requirement_lines(decision)}
    axes = Axes(
        score=metric or "",
        score_title=f"{metric} on dev",
        cost="usd_per_1k" if priced else "tokens_in",
        cost_title="$ per 1,000 calls (log)" if priced else "prompt + output tokens a call (log)",
        score_bound=bounds.get(metric or ""),
        cost_bound=bounds.get("usd_per_1k") if priced else None,
    )
    return cost_plot(points, axes)
