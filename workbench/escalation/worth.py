"""Whether a training was worth it, and what comes next: climb, roll back, or nothing.

A tuned approach that meets everything ships by the rule that ships a baseline. One that does not is kept
as the start of a climb only when it beats the best baseline: on the first format or quality metric that
it misses, or where it misses none on the first that is undecided, the lower end of the paired difference
on the same rows lies above 0. Else it is rolled back, and `above` names the method that `--climb` tries next
all the same. Where no method is above, more rows are what is left, if a learning curve says that they help.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evals.preferences import learnable
from evals.types import Decision
from tuning.methods import BEYOND_SFT, above, higher
from tuning.preference import FEWEST_PAIRS
from workbench.escalation.forecast import HELPS

if TYPE_CHECKING:
    from workbench.escalation.order import Order
    from workbench.evidence import Entry
    from workbench.session import Session


def next_step(decision: Decision, entry: Entry, session: Session, order: Order) -> dict[str, Any]:
    """The next step of decision.json after `entry` was trained and judged."""
    tuned: Mapping[str, Any] = next(a for a in decision.approaches if a["name"] == entry.name)
    method = above(str(order.method), len(session.data.train))
    higher = {} if method is None else {"above": method.name}
    if entry.state != "scored":
        return {"action": "none", "why": [f"{entry.name}: {entry.why}"], **higher}
    delta = _first_unmet(decision, tuned)
    if delta is None:
        told = f"{entry.name} misses no format or quality requirement"
        if missed := _forgotten_too_much(decision, tuned):
            told += f", and forgets too much: {missed}"
        return {"action": "none", "why": [told]}
    metric, found = delta
    on = f"{found['n']} {found['split']} rows"
    seen = f"{metric} of {entry.name} against {found['vs']}: {_signed(found)} on the same {on}"
    if found["low"] is None or found["low"] <= 0:
        why = [f"training was not worth it: {seen}"]
        why += [] if method is None else [f"wb escalate --climb would go on with {method.title}"]
        return {"action": "roll_back", "why": why, **higher}
    towards = str(order.objective or "sft")
    pairs = learnable(session.task)[0].train if session.task.data.preferences else ()
    if method is None and towards == "sft" and len(pairs) >= FEWEST_PAIRS:
        return _step(order, str(order.method), "sft_then_dpo", f"{seen}: better; {BEYOND_SFT}")
    if method is None:
        return _at_the_top(order, len(session.data.train), seen, tuned)
    return _step(order, method.name, towards, f"{seen}: better; {method.title} {method.expect}")


def _at_the_top(order: Order, rows: int, seen: str, tuned: Mapping[str, Any]) -> dict[str, Any]:
    """Better, and no method above: what the learning curve says of more rows."""
    beyond = next(iter(higher(str(order.method))), None)
    ends = (
        f"{beyond.title} takes {beyond.fewest_rows:,} rows, here are {rows:,}"
        if beyond
        else "no method is above"
    )
    curve = (tuned.get("training") or {}).get("learning_curve")
    why = [
        f"{seen}: better, and {ends}",
        curve["sentence"] if curve else "--curve tells whether more rows would help",
    ]
    return {"action": "collect_train" if curve and curve["found"] == HELPS else "none", "why": why}


def _step(order: Order, method: str, objective: str, why: str) -> dict[str, Any]:
    """One rung up."""
    towards = None if objective == "sft" else objective
    kept = order.options if method == order.method else ()
    anew = replace(order, run=None, force=False, climb=False, curve=False)
    again = replace(anew, method=method, objective=towards, options=kept)
    step = {"action": "climb", "method": method, "why": [why], "command": again.command()}
    return step if towards is None else {**step, "objective": towards}


def _first_unmet(decision: Decision, tuned: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
    """The first gating format or quality metric that the tuned approach misses, else the first that is
    undecided, with its paired difference to the best baseline."""
    unmet = [
        (tuned["statuses"].get(label) != "not met", label)
        for requirement in decision.requirements
        if requirement["tier"] == "critical" and requirement["kind"] in ("format", "quality")
        if (label := str(requirement["label"])) in tuned["delta"] and tuned["statuses"].get(label) != "met"
    ]
    label = min(unmet, key=lambda one: one[0], default=(True, ""))[1]
    return (label, tuned["delta"][label]) if label else None


def _forgotten_too_much(decision: Decision, tuned: Mapping[str, Any]) -> str:
    """The gating requirement on forgetting that the tuned approach does not meet; "" when there is none."""
    return next(
        (
            str(requirement["sentence"])
            for requirement in decision.requirements
            if requirement["tier"] == "critical" and requirement["kind"] == "forgetting"
            if tuned["statuses"].get(str(requirement["label"])) == "not met"
        ),
        "",
    )


def _signed(delta: Mapping[str, Any]) -> str:
    if delta["value"] is None:
        return "not measured"
    ends = "" if delta["low"] is None else f" [{delta['low']:+.2f}, {delta['high']:+.2f}]"
    return f"{delta['value']:+.2f}{ends}"
