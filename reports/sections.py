"""The parts of the page below the first screen; a part with nothing to show is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment
from markupsafe import Markup, escape

from evals.failures import RARE
from evals.types import FAILURES
from reports import Report, ReportAnswer, ReportRow, figures
from reports.approaches import difference, failure_counts, measured, rows_of
from reports.arms import arm_table
from reports.audit import is_audit, lines_of, without
from reports.economics import others, paid
from reports.plaintext import answer_text, clip, visible
from reports.rows import causes, choose, outcome, outcomes, traits, word_diff
from reports.spent import spent_sentence
from reports.trained import trainings
from reports.view import focus, next_step, reference, requirement_lines

ROWS_BYTES = 1_200_000
"""UTF-8 bytes that the shown rows may take together."""

_PART_BYTES = 80_000
"""UTF-8 bytes that an open-ended part of the decision may take."""

_MOST_CHANGES = 60

_WHERE = "predictions.jsonl and scores.jsonl under approaches/ in the run folder"
_FINISH = {
    "length": "stopped at the token limit",
    "refused": "refused by a filter",
    "too_long": "the prompt did not fit the context",
    "error": "no answer came",
}


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: its anchor, its heading, its name in the navigation, its body."""

    anchor: str
    title: str
    short: str
    body: Markup


@dataclass(frozen=True, slots=True)
class Filter:
    """A choice of rows."""

    key: str
    label: str
    count: int
    chosen: bool


def sections_of(report: Report, environment: Environment, row_bytes: int = ROWS_BYTES) -> list[Section]:
    """All parts that have something to show, in reading order."""
    parts: Any = environment.get_template("sections.html.j2").module
    decision = report.decision
    found = [
        Section("rows", "Dev rows, where approaches differ", "Rows", _rows(report, parts, row_bytes)),
        Section("failures", "Failures by cause", "Failures", _failures(report, parts)),
        Section("scores", "All scores", "Scores", _scores(decision, parts)),
        Section("budget", "Looks at the test set", "Looks", _budget(decision, parts)),
        Section("diagnosis", "Diagnosis", "Diagnosis", _diagnosis(decision, parts)),
        Section("audit", "Data audit", "Audit", _audit(decision, parts)),
        Section("latency", "Latency", "Latency", _latency(decision, parts)),
        Section("spent", "What this run spent", "Spent", _spent(decision, parts)),
        Section("economics", "Economics", "Economics", _economics(decision, parts)),
        Section("training", "Training", "Training", _trained(decision, parts)),
        Section("provenance", "Provenance", "Provenance", _provenance(report, parts)),
    ]
    return [section for section in found if section.body.strip()]


def _rows(report: Report, parts: Any, row_bytes: int) -> Markup:
    if not report.rows:
        return Markup("")
    name, versus = focus(report.decision), reference(report.decision)
    chosen = choose(report)
    seen = [traits(row, name, versus) for row in chosen]
    filters = _filters([s.names.split() for s in seen], name, versus)
    default = next((f.key for f in filters if f.chosen), "all")
    shown: list[Markup] = []
    spent, opened = 0, False
    for number, (row, trait) in enumerate(zip(chosen, seen, strict=True), 1):
        first = not opened and (default == "all" or default in trait.names.split())
        html = parts.row(row, number, trait.names, outcomes(row), _answers(row), first)
        spent += len(html.encode())
        if spent > row_bytes and shown:
            break
        opened = opened or first
        shown.append(html)
    counted = _filters([s.names.split() for s in seen[: len(shown)]], name, versus)
    return Markup(parts.rows(shown, counted, _left_out(report, len(shown)), None, _comparison(name, versus)))


def _comparison(name: str | None, versus: str | None) -> str:
    if not name or not versus:
        return ""
    return f"Better and worse: {name} compared with {versus}, row by row."


def _filters(names: Sequence[Sequence[str]], name: str | None, versus: str | None) -> list[Filter]:
    labels = {"differs": "Approaches differ"}
    if name and versus:
        labels |= {"better": f"Better than {versus[:40]}", "worse": f"Worse than {versus[:40]}"}
    labels |= {"failed": "Any failure", "format": "Format failures"}
    counts = {key: sum(key in row for row in names) for key in labels}
    kept = [key for key in labels if counts[key]]
    filters = [Filter(key, labels[key], counts[key], key == kept[0]) for key in kept]
    return [*filters, Filter("all", "All shown", len(names), not kept)]


def _left_out(report: Report, shown: int) -> str:
    total = max(report.rows_total, len(report.rows))
    if shown == total:
        return f"All {figures.count(total)} dev rows are here."
    return (
        f"{figures.count(shown)} of {figures.count(total)} dev rows are here: failures behind an unmet "
        f"requirement and flips first, then a sample drawn by hash. The others: {_WHERE}."
    )


def _answers(row: ReportRow) -> list[dict[str, Any]]:
    target = answer_text(row.target)
    return [
        {
            "name": name,
            "outcome": outcome(answer),
            "score": figures.NOTHING if answer.value is None else figures.score(answer.value),
            "body": _body(answer, target),
            "raw": _raw(answer),
            "why": _why(answer),
            "tokens": _tokens(answer),
        }
        for name, answer in row.answers.items()
    ]


def _body(answer: ReportAnswer, target: str) -> Markup:
    """The extracted answer marked against the target; the bare output when there was none to extract."""
    if answer.answer is None:
        return escape(visible(clip(answer.text, 600)))
    return word_diff(answer_text(answer.answer), target)


def _why(answer: ReportAnswer) -> str:
    ended = _FINISH.get(answer.finish, "")
    return "; ".join(part for part in (answer.why, ended) if part)


def _raw(answer: ReportAnswer) -> str:
    """The whole output where it holds more than the extracted answer."""
    if answer.answer is None or answer.text.strip() == answer_text(answer.answer):
        return ""
    return answer.text


def _tokens(answer: ReportAnswer) -> str:
    if not answer.tokens_in and not answer.tokens_out:
        return ""
    return f"{figures.count(answer.tokens_in)} prompt, {figures.count(answer.tokens_out)} output tokens"


def _failures(report: Report, parts: Any) -> Markup:
    lines = []
    told = [failure_counts(approach)[0] or {} for approach in report.decision["approaches"]]
    names = [cause for cause in FAILURES if cause not in RARE or any(cause in counts for counts in told)]
    for approach in report.decision["approaches"]:
        counts, split = failure_counts(approach)
        n = rows_of(approach, split)
        if not counts or not n:
            continue
        values = [counts.get(cause, 0) for cause in names]
        lines.append(
            {
                "name": approach["name"],
                "of": f"{n:,} {split} rows",
                "counts": values,
                "right": n - sum(values),
            }
        )
    found = causes(report.rows)
    if not lines and not found:
        return Markup("")
    return Markup(parts.failures({"names": names, "lines": lines} if lines else None, found))


def _scores(decision: Mapping[str, Any], parts: Any) -> Markup:
    asked = list(dict.fromkeys(line.key for line in requirement_lines(decision)))
    lines = []
    for approach in decision["approaches"]:
        known = {**(approach.get("dev") or {}), **(approach.get("test") or {})}
        for metric in sorted(known, key=lambda m: asked.index(m) if m in asked else len(asked)):
            lines.append(
                {
                    "name": approach["name"],
                    "metric": metric,
                    "dev": measured(approach, "dev", metric),
                    "test": measured(approach, "test", metric),
                    "status": (approach.get("statuses") or {}).get(metric, ""),
                    "delta": difference(approach, metric),
                }
            )
    return Markup(parts.scores(asked, lines[:400])) if lines else Markup("")


def _budget(decision: Mapping[str, Any], parts: Any) -> Markup:
    looks, alpha = decision.get("looks") or {}, decision.get("alpha_per_look")
    if not looks or alpha is None:
        return Markup("")
    planned, used = int(looks.get("planned") or 0), int(looks.get("used") or 0)
    return Markup(parts.budget(planned, used, f"{100 * alpha:.3g} %", f"{100 * alpha * planned:.3g} %"))


def _diagnosis(decision: Mapping[str, Any], parts: Any) -> Markup:
    lines = [str(line) for line in (*next_step(decision).why[1:], *(decision.get("diagnosis") or ()))]
    body = parts.paragraphs(list(dict.fromkeys(lines))) if lines else ""
    changes = arm_table(decision, _MOST_CHANGES)
    if changes.lines:
        body += parts.arms(changes)
    return _limited(body) if body else Markup("")


def _audit(decision: Mapping[str, Any], parts: Any) -> Markup:
    found = decision.get("audit") or {}
    if not is_audit(found):
        return _open_ended(found, parts)
    sentence, scores = without(found)
    return _limited(parts.audit(lines_of(found), sentence, scores[:60]))


def _latency(decision: Mapping[str, Any], parts: Any) -> Markup:
    lines = [
        {
            "name": a["name"],
            "p50": a["p50_seconds"],
            "p95": a["p95_seconds"],
            "median": figures.seconds(a["p50_seconds"]),
            "tail": figures.seconds(a["p95_seconds"]),
        }
        for a in decision["approaches"]
        if a.get("p50_seconds") is not None and a.get("p95_seconds") is not None
    ]
    return Markup(parts.latency(lines)) if lines else Markup("")


def _spent(decision: Mapping[str, Any], parts: Any) -> Markup:
    told = spent_sentence(decision)
    return Markup(parts.paragraphs([told])) if told else Markup("")


def _economics(decision: Mapping[str, Any], parts: Any) -> Markup:
    found, rest = paid(decision), others(decision)
    body = parts.economics(found) if found else ""
    return Markup(body) + _open_ended(rest, parts)


def _trained(decision: Mapping[str, Any], parts: Any) -> Markup:
    found = trainings(decision)
    return _limited(parts.trainings(found)) if found else Markup("")


def _provenance(report: Report, parts: Any) -> Markup:
    facts = {
        "task_hash": (report.decision.get("task") or {}).get("hash"),
        **(report.decision.get("provenance") or {}),
    }
    return Markup(
        parts.provenance({k: v for k, v in facts.items() if v not in (None, {}, [])}, report.task_text)
    )


def _open_ended(value: Any, parts: Any) -> Markup:
    return _limited(parts.tree(value)) if value else Markup("")


def _limited(body: str) -> Markup:
    if len(body.encode()) > _PART_BYTES:
        return Markup("<p>Too long to show here: it stands in decision.json in the run folder.</p>")
    return Markup(body)
