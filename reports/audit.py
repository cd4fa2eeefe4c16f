"""The state of the rows in a few sentences: what was found, how often, and which rows to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports import figures

NAMED = 8
"""Rows that a sentence names; decision.json names more."""
_ODD = {
    "empty": "without text",
    "long": "far longer than the others",
    "short": "far shorter than the others",
    "strange": "written like no other",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A finding: its sentence, the rows it names, and how many of them are not named."""

    text: str
    rows: tuple[str, ...] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class Without:
    """One score with and without the rows that nearly repeat an earlier row."""

    approach: str
    split: str
    metric: str
    value: str
    less: str


def is_audit(audit: Mapping[str, Any]) -> bool:
    """Whether this is the audit as this version writes it; another is shown as it is."""
    return isinstance(audit.get("near_duplicates"), Mapping)


def lines_of(audit: Mapping[str, Any]) -> list[Line]:
    """Every finding that has rows, what blocks first."""
    found = [Line(f"Leakage blocks this verdict: {reason}.") for reason in audit.get("blocked") or ()]
    found += [*_copies(audit), *_near(audit), *_content(audit)]
    found = found or [Line("Nothing was found.")]
    if overlooked := audit["near_duplicates"].get("overlooked"):
        found.append(Line(f"Near copies were not looked for among {' and '.join(overlooked)}."))
    return found


def _copies(audit: Mapping[str, Any]) -> Iterator[Line]:
    dropped = audit.get("dropped") or {}
    if any(dropped.values()):
        said = " and ".join(f"{figures.count(n)} from {split}" for split, n in dropped.items() if n)
        yield _line(
            f"Copies of rows of a later split were left out: {said}.",
            audit.get("dropped_rows"),
            sum(dropped.values()),
        )
    repeated = {split: n for split, n in (audit.get("repeated") or {}).items() if n}
    if repeated:
        said = ", ".join(f"{figures.count(n)} in {split}" for split, n in repeated.items())
        yield Line(f"Rows that repeat another of their split: {said}.")
    if against := audit.get("contradictions"):
        rows = [", ".join(map(str, ids)) for ids in audit.get("contradicting_rows") or ()]
        yield Line(f"Inputs with different outputs in one split: {against}.", *_some(rows, against))
    if against := audit.get("conflicting_copies"):
        yield Line(f"Copies across splits with another output: {against}.")


def _near(audit: Mapping[str, Any]) -> Iterator[Line]:
    near = audit["near_duplicates"]
    counts = {split: n for split, n in (near.get("counts") or {}).items() if n}
    if counts:
        said = " and ".join(f"{figures.count(n)} of {split}" for split, n in counts.items())
        yield _line(
            f"Rows that nearly repeat a row of an earlier split: {said}.",
            near.get("rows"),
            sum(counts.values()),
        )


def _content(audit: Mapping[str, Any]) -> Iterator[Line]:
    for key, said in (
        ("quoted", "Dev and test rows standing in a prompt or a document"),
        ("doubtful_labels", "Labels that nearly all nearest rows contradict"),
        ("personal_data", "Texts with what looks like personal data or secrets"),
        ("outliers", "Rows unlike the others"),
    ):
        part = audit.get(key) or {}
        counts = {str(_ODD.get(name, name)): n for name, n in (part.get("counts") or {}).items() if n}
        if counts:
            kinds = ", ".join(f"{n} {name}" for name, n in counts.items())
            yield _line(f"{said}: {kinds}.", part.get("rows"), sum(counts.values()))
    for balance in audit.get("balance") or ():
        if balance.get("shift"):
            share = f"{100 * balance['shift']:.0f} %"
            yield Line(
                f"{balance['name']} is spread otherwise in test than in train: {share} of rows differ."
            )


def _line(text: str, rows: Sequence[Mapping[str, Any]] | None, total: int) -> Line:
    return Line(text, *_some([_row(row) for row in rows or ()], total))


def _row(row: Mapping[str, Any]) -> str:
    name = f"{row.get('id')} ({row['place']})" if row.get("place") else str(row.get("id"))
    return f"{name}, as {row.get('of_split')} {row['of_id']}" if row.get("of_id") else name


def _some(rows: Sequence[str], total: int) -> tuple[tuple[str, ...], int]:
    return tuple(rows[:NAMED]), max(0, total - min(len(rows), NAMED))


def without(audit: Mapping[str, Any]) -> tuple[str, list[Without]]:
    """(a sentence, the scores with and without near copies); ("", []) where there are none."""
    found = audit.get("without_near_duplicates")
    if not found:
        return "", []
    same = found.get("same")
    verdict = " ".join(str(word) for word in (found.get("verdict"), found.get("approach")) if word)
    sentence = "Without them the verdict is the same." if same else f"Without them the verdict is {verdict}."
    return sentence, [
        Without(
            str(score["approach"]),
            str(score["split"]),
            str(score["metric"]),
            f"{figures.figure(score['metric'], score['value'])} n={score['n']}",
            f"{figures.figure(score['metric'], score['without'])} n={score['n_without']}",
        )
        for score in found.get("scores") or ()
    ]
