"""The decision: what the rows of every approach say about the task's requirements.

A pure function: the same task, rows and ledger give the same bytes. The parts stand in files of
their own: `metrics` (values), `status` (one requirement), `looks` (the error budget), `selection`
(dev to test), `verdict` (the five), `entries` and `advice` (what decision.json shows).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evals.advice import Case, headline, recommendation
from evals.entries import approach_entry, beside_sft, requirement_entries, rounded
from evals.looks import changed_thresholds, entries, look_alpha, plan_look
from evals.metrics import PREFERENCE, amount, expected_rows, in_slice, is_amount, sentence
from evals.selection import figure, shortlist
from evals.stats.power import Direction, fewest_rows
from evals.status import Terms
from evals.types import Decision, Json, Look, Measured, Requirement
from evals.unread import unread
from evals.verdict import SPENT, Standing, closest, stand, verdict_of

__all__ = ["Given", "decide", "decision_schema", "figure", "plan_look", "shortlist"]


@dataclass(frozen=True)
class Given:
    """What a decision is told beside the rows.

    `test_rows` are the hashes of the test rows, in order, whether or not any was predicted.
    `next_step` is what may be tried after this: {"action": "tune", "method": "lora", "why": [...],
    "command": "..."}, or an action that is no training ("fix_retrieval", ...), or None. `commands`
    names a command for other verdicts: {"incomplete": "wb assess task.yaml"}; `files` names where the
    rows of a split come from, as more are added there. `interrupted` says why the run ended before the
    shortlist was judged on test, "" when it did not. The rest is passed on.
    """

    task_hash: str
    test_rows: Sequence[str] = ()
    binding: bool = True
    notes: Sequence[str] = ()
    next_step: Mapping[str, Json] | None = None
    commands: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    interrupted: str = ""
    diagnosis: Sequence[str] = ()
    arms: Sequence[Mapping[str, Json]] = ()
    audit: Mapping[str, Json] = field(default_factory=dict)
    economics: Mapping[str, Json] = field(default_factory=dict)
    spent: Mapping[str, Json] = field(default_factory=dict)
    provenance: Mapping[str, Json] = field(default_factory=dict)


def decide(task: Terms, measured: Sequence[Measured], ledger: Sequence[Look], given: Given) -> Decision:
    """Judge every approach, in the given order (cheapest first), and give the verdict.

    The looks of the approaches judged on test must stand in `ledger` already (`plan_look`); test
    rows of an approach without one are a reference that cannot ship.
    """
    standings = [stand(task, m, ledger, given.test_rows) for m in measured]
    verdict, shipping = verdict_of(task, standings, given.next_step)
    if given.interrupted and verdict == "collect" and shortlist(task, _as_if_whole(measured)):
        verdict = "incomplete"
    shown = shipping or closest(task, standings)
    case = Case(
        task,
        verdict,
        shown,
        standings,
        given.next_step,
        given.commands,
        len(given.test_rows),
        given.interrupted,
        given.files,
    )
    return Decision(
        task={"name": task.name, "hash": given.task_hash},
        binding=given.binding,
        notes=tuple(dict.fromkeys([*given.notes, *_notes(task, standings, shipping, ledger, given)])),
        verdict=verdict,
        approach=shipping.measured.name if shipping else None,
        recommendation=recommendation(case),
        alpha_per_look=rounded(look_alpha(task)) or 0.0,
        looks={"planned": task.looks, "used": len(entries(ledger, given.test_rows))},
        requirements=requirement_entries(task, shown),
        approaches=tuple(approach_entry(task, s, measured) for s in standings),
        diagnosis=tuple(given.diagnosis),
        arms=tuple(given.arms),
        audit=given.audit,
        economics=given.economics,
        spent=given.spent,
        provenance=given.provenance,
        headline=headline(case) + ("" if given.binding else " (not binding)"),
    )


def _as_if_whole(measured: Sequence[Measured]) -> list[Measured]:
    """The approaches with those that were stopped on their way, which would have gone on to test."""
    return [replace(m, state="scored") if m.state == "incomplete" else m for m in measured]


def _notes(
    task: Terms,
    standings: Sequence[Standing],
    shipping: Standing | None,
    ledger: Sequence[Look],
    given: Given,
) -> list[str]:
    """What a reader must know before believing the verdict."""
    notes = []
    if not given.binding:
        notes.append("Not binding: this run did not score everything on all rows.")
    if task.policy == "point":
        notes.append("Decided on point values (policy: point): the chance of a wrong call is not controlled.")
    else:
        notes += _unreachable(task, standings, len(given.test_rows))
    notes += [f"Threshold changed: {change}." for change in changed_thresholds(task, ledger, given.test_rows)]
    if any(SPENT in j.status.why for s in standings for j in s.judgements):
        notes.append(f"The {task.looks} planned looks at this test set are used up: {SPENT}.")
    notes += [
        f"{s.measured.name} failed: {s.measured.why}" for s in standings if s.measured.state == "failed"
    ]
    notes += unread([s.measured for s in standings])
    return notes + _preferences(task, standings) + _inversions(task, standings, shipping)


def _preferences(task: Terms, standings: Sequence[Standing]) -> list[str]:
    """What learning from preferences changed over SFT alone, where both were trained."""
    everyone = [s.measured for s in standings]
    return [
        f"{one.name} against {delta['vs']}, which is SFT alone: {metric} {_signed(delta)} on the same "
        f"{delta['n']} {delta['split']} rows."
        for one in everyone
        for metric, delta in beside_sft(task, one, everyone).items()
        if isinstance(delta, dict)
    ]


def _signed(delta: Mapping[str, Json]) -> str:
    value, low, high = (delta[key] for key in ("value", "low", "high"))
    if value is None:
        return "not measured"
    return f"{value:+.2f}" if low is None else f"{value:+.2f} [{low:+.2f}, {high:+.2f}]"


def _unreachable(task: Terms, standings: Sequence[Standing], test_rows: int) -> list[str]:
    """Requirements that a perfect score could not meet with the test rows there are."""
    notes = []
    for requirement in task.requirements:
        if is_amount(requirement.metric) or not (test_rows or requirement.where):
            continue
        side: Direction = "at_least" if requirement.at_least is not None else "at_most"
        need = fewest_rows(requirement.bound, look_alpha(task), side)
        have = _available(requirement, standings, test_rows)
        if need is None:
            notes.append(f"{sentence(requirement)} can never be shown: no number of rows is enough.")
        elif have is not None and have < need:
            notes.append(
                f"{sentence(requirement)} cannot be shown with {have} test rows: "
                f"even a perfect score takes {need} (one-sided error {100 * look_alpha(task):.3g} %)."
            )
    return notes


def _available(requirement: Requirement, standings: Sequence[Standing], test_rows: int) -> int | None:
    """How many test rows a requirement is judged by; None for a slice, or for pairs of answers, that
    nothing was predicted on."""
    if not requirement.where and requirement.metric != PREFERENCE:
        return test_rows
    seen = [rows for s in standings if (rows := expected_rows(s.measured, "test", requirement.metric)[0])]
    return max((len(in_slice(rows, requirement.where)) for rows in seen), default=None)


def _inversions(task: Terms, standings: Sequence[Standing], shipping: Standing | None) -> list[str]:
    """Approaches that stand later in the ladder than the one that ships and cost less a call; only
    where calls are priced by tokens, because times vary from run to run."""
    price = _token_price(task, shipping.measured) if shipping else None
    if shipping is None or price is None:
        return []
    later = [s.measured for s in standings[standings.index(shipping) + 1 :] if s.judgements]
    cheaper = [m.name for m in later if (other := _token_price(task, m)) is not None and other < price]
    if not cheaper:
        return []
    name = shipping.measured.name
    return [f"Measured cost a call is lower for {', '.join(cheaper)}, later in the ladder than {name}."]


def _token_price(task: Terms, measured: Measured) -> float | None:
    if (measured.provider or task.model.provider) == "local":
        return None
    return amount("usd_per_1k", measured, measured.rows.get("dev", ()), task, 0.9).value


def decision_schema() -> dict[str, Any]:
    """The JSON Schema of decision.json, draft 2020-12."""
    text = (Path(__file__).parent / "schemas" / "decision.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
