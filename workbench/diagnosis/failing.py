"""Rows that everything fails: no approach and no arm that was asked gets them right.

Two reasons can be told apart by the answers. Where most prompts lead to the same wrong answer, the label may
be wrong, or the instruction may not say what the label goes by; where each leads to another, the row is
beyond the model. Both are for a person to look at. Approaches that add to another have its answers, mostly,
and no say of their own in this; and an answer that the model gives to most rows says nothing of one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from evals.graders.folding import fold
from evals.store import canonical
from evals.types import Example, Json, Row

AGREEING = 2 / 3
"""The share of the readable answers that must say the same wrong thing."""
FEWEST_ANSWERS = 3
NAMED = 8
"""Ids in a sentence, at most."""


@dataclass(frozen=True)
class Failing:
    """Of `n` rows those that all of `asked` fail; in `agreed` most give the same wrong answer."""

    n: int
    asked: int
    all_fail: tuple[str, ...]
    agreed: tuple[str, ...]


def failing(rows: Mapping[str, Sequence[Row]], primary: str, own: Collection[str]) -> Failing:
    """The rows, by approach or arm; a row counts by those that were asked it and answered. `own` are the
    names of those whose answers are no other's."""
    by_id: dict[str, list[tuple[str, Row]]] = {}
    for name, mine in rows.items():
        for row in mine:
            if row.failure != "error":
                by_id.setdefault(row.example.id, []).append((name, row))
    lost = {id: found for id, found in by_id.items() if all(row.failure is not None for _, row in found)}
    said = {id: _read([row for name, row in found if name in own], primary) for id, found in by_id.items()}
    usual = _habits([answer for answers in said.values() for _, answer in answers])
    agreed = tuple(id for id in lost if _agree(said[id], usual))
    return Failing(len(by_id), len(rows), tuple(lost), agreed)


def _read(rows: Sequence[Row], primary: str) -> list[tuple[Example, Json]]:
    """The answers that could be read."""
    answers = [(row.example, row.scores[primary].answer) for row in rows if row.failure in (None, "wrong")]
    return [(example, answer) for example, answer in answers if answer is not None]


def _habits(answers: Sequence[Json]) -> set[str]:
    """What more than half of all answers say, whatever the row."""
    counts = Counter(part for answer in answers for part in _parts(answer))
    return {part for part, times in counts.items() if times > len(answers) / 2}


def _parts(answer: Json) -> set[str]:
    """An answer, by its keys where it has any, as texts that are equal where it says the same."""
    if isinstance(answer, dict):
        return {f"{key}: {_form(value)}" for key, value in answer.items()}
    return {_form(answer)}


def _agree(answers: Sequence[tuple[Example, Json]], usual: Collection[str]) -> bool:
    """Whether most of the answers to a row are wrong in the same, unusual way."""
    if len(answers) < FEWEST_ANSWERS:
        return False
    faults = Counter(fault for example, answer in answers for fault in _faults(example, answer) - set(usual))
    return any(times >= AGREEING * len(answers) for times in faults.values())


def _faults(example: Example, answer: Json) -> set[str]:
    """What is wrong with an answer, as texts that are equal where the fault is."""
    gold = example.target
    if isinstance(answer, dict) and isinstance(gold, dict):
        keys = [key for key in gold if _form(answer.get(key)) != _form(gold[key])]
        return {f"{key}: {_form(answer.get(key))}" for key in keys}
    return {_form(answer)}


def _form(value: Json) -> str:
    return fold(value) if isinstance(value, str) else canonical(value)


def told(found: Failing) -> str:
    """The finding in a sentence, rows to look at by id; "" where no row is failed by all."""
    if not found.all_fail:
        return ""
    rest = [id for id in found.all_fail if id not in found.agreed]
    count = f"{len(found.all_fail)} of {found.n} dev rows are failed by all {found.asked} approaches and arms"
    parts = []
    if found.agreed:
        parts.append(
            f"{_get(len(found.agreed))} the same wrong answer from most of them ({_ids(found.agreed)}): look "
            "at these labels, and whether the instruction says what they go by"
        )
    if rest:
        named = f" ({_ids(rest)})" if len(rest) <= NAMED else ""
        parts.append(f"{_get(len(rest))} different ones{named}: beyond the model as it is prompted")
    return f"{count}: {'; '.join(parts)}"


def _get(count: int) -> str:
    return "1 gets" if count == 1 else f"{count} get"


def _ids(ids: Sequence[str]) -> str:
    named = ", ".join(ids[:NAMED])
    return f"{named} and {len(ids) - NAMED} more" if len(ids) > NAMED else named
