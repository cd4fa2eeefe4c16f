"""Which dev rows are shown, and how one row is read: who was right, and where answers differ.

At most 200 rows: those the verdict rests on first, then a sample drawn by a hash of task and row,
so that the same decision shows the same rows.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from evals.store import digest
from evals.types import FAILURES
from reports import Report, ReportAnswer, ReportRow
from reports.plaintext import clip, visible
from reports.view import focus, reference, requirement_lines

LIMIT = 200
_ANSWER, _DIFF_WORDS = 700, 120
_ALIKE = 0.4
"""Least share of common words (difflib ratio) at which marking the others helps."""
_WORD = re.compile(r"\w+|\s+|[^\w\s]")
_CAUSES = {
    "error": "no answer came",
    "too_long": "the prompt did not fit the context",
    "truncated": "cut off at the token limit",
    "refused": "refused",
    "format": "not in the required format",
    "unjudged": "no verdict of the judge that could be read",
    "wrong": "read, but not right",
}


@dataclass(frozen=True, slots=True)
class Traits:
    """What the filters ask of a row."""

    differs: bool
    better: bool
    worse: bool
    failed: bool
    format: bool

    @property
    def names(self) -> str:
        """The traits that hold, as words for a class attribute."""
        return " ".join(k for k in ("differs", "better", "worse", "failed", "format") if getattr(self, k))


@dataclass(frozen=True, slots=True)
class Cause:
    """Answers that failed alike: how many, by whom, and some of them verbatim (row id, approach, text)."""

    failure: str
    meaning: str
    why: str
    count: int
    approaches: tuple[str, ...]
    examples: tuple[tuple[str, str, str], ...]


def traits(row: ReportRow, name: str | None, versus: str | None) -> Traits:
    """A row as the filters see it; better and worse compare `name` with `versus`."""
    answers = row.answers.values()
    mine, other = row.answers.get(name or ""), row.answers.get(versus or "")
    flip = mine is not None and other is not None and (mine.failure is None) != (other.failure is None)
    outcomes = {(a.failure, None if a.value is None else round(a.value, 6)) for a in answers}
    return Traits(
        differs=len(outcomes) > 1,
        better=flip and mine is not None and mine.failure is None,
        worse=flip and other is not None and other.failure is None,
        failed=any(a.failure for a in answers),
        format=any(a.failure == "format" for a in answers),
    )


def choose(report: Report, limit: int = LIMIT) -> list[ReportRow]:
    """At most `limit` rows: failures behind an unmet requirement, then flips, then a seeded sample.

    They come in that order, each group in the order of the data.
    """
    decision = report.decision
    name, versus = focus(decision), reference(decision)
    unmet = {line.kind for line in requirement_lines(decision) if line.status != "met" and not line.advisory}
    seed = str((decision.get("task") or {}).get("hash") or "")

    def rank(row: ReportRow) -> int:
        mine, seen = row.answers.get(name or ""), traits(row, name, versus)
        if mine and (
            ("format" in unmet and mine.failure == "format") or ("quality" in unmet and mine.failure)
        ):
            return 0
        if seen.better or seen.worse:
            return 1
        return 2 if mine and mine.failure else 3

    ranked = [(rank(row), place, row) for place, row in enumerate(report.rows)]
    if len(ranked) > limit:
        drawn = sorted(ranked, key=lambda r: (r[0], digest([seed, visible(r[2].id)]), r[1]))
        ranked = drawn[:limit]
    return [row for _, _, row in sorted(ranked, key=lambda r: r[:2])]


def outcome(answer: ReportAnswer) -> str:
    """An answer's result in a word: "right", or its cause of failure."""
    return answer.failure or "right"


def outcomes(row: ReportRow) -> list[tuple[str, list[str]]]:
    """Approaches by outcome, right ones first: [("right", ["knn_few_shot"]), …]."""
    grouped: dict[str, list[str]] = defaultdict(list)
    for name, answer in row.answers.items():
        grouped[outcome(answer)].append(name)
    order = ("right", *reversed(FAILURES))
    return [(key, grouped[key]) for key in order if key in grouped]


def word_diff(answer: str, target: str) -> Markup:
    """The answer with what the target does not have struck out and what it lacks inserted.

    Both are cut to 120 words: the comparison takes quadratic time. Texts that share too little for
    marks to help are left unmarked.
    """
    if answer == target:
        return escape(visible(clip(answer, _ANSWER)))
    left, right = (_WORD.findall(clip(visible(t), _ANSWER))[: 2 * _DIFF_WORDS] for t in (answer, target))
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    if matcher.ratio() < _ALIKE:
        return escape(visible(clip(answer, _ANSWER)))
    parts = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            parts.append(escape("".join(left[a:b])))
            continue
        if a < b:
            parts.append(Markup("<del>{}</del>").format("".join(left[a:b])))
        if c < d:
            parts.append(Markup("<ins>{}</ins>").format("".join(right[c:d])))
    return Markup("").join(parts)


def causes(rows: Sequence[ReportRow], limit: int = 12, examples: int = 2) -> list[Cause]:
    """Failures grouped by cause and reason (figures folded), the most frequent of each cause first."""
    grouped: dict[tuple[str, str], list[tuple[ReportRow, str, ReportAnswer]]] = defaultdict(list)
    for row in rows:
        for name, answer in row.answers.items():
            if answer.failure and answer.failure != "wrong":
                grouped[answer.failure, re.sub(r"\d+", "#", answer.why[:200])].append((row, name, answer))
    order: Mapping[str, int] = {name: place for place, name in enumerate(FAILURES)}
    found = sorted(grouped.items(), key=lambda item: (order[item[0][0]], -len(item[1]), item[0][1]))
    return [
        Cause(
            failure=failure,
            meaning=_CAUSES[failure],
            why=why if len(members) > 1 else members[0][2].why[:200],
            count=len(members),
            approaches=tuple(dict.fromkeys(name for _, name, _ in members)),
            examples=tuple((row.id, name, clip(a.text, 400)) for row, name, a in members[:examples]),
        )
        for (failure, why), members in found[:limit]
    ]
