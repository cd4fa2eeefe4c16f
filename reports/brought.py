"""What a training brought, in the lines that stand under the headline: whether it is shown to be better than
the best baseline on the same rows, and how much general text it cost.

Better, worse and neither are said of the interval of the paired difference, never of two values side by side.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from reports import figures
from reports.view import focus, key_of

FORGETTING = "forgetting_loss"
_OUTCOMES = ("shown to be better than", "shown to be worse than", "not shown to differ from")


def brought(decision: Mapping[str, Any]) -> tuple[str, ...]:
    """The difference to the best baseline with its interval, and what was forgotten, of the tuned approach
    that the verdict is about, else of the last one trained; () where none was trained."""
    approach = _candidate(decision)
    if approach is None:
        return ()
    lost = forgotten(decision, (approach.get("training") or {}).get("forgetting") or {})
    return tuple(line for line in (_against(decision, approach), lost and f"Forgetting: {lost}") if line)


def forgotten(decision: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """Before and after, how much that is, and whether the task allows it."""
    if not found:
        return ""
    before, after, loss = (float(found[key]) for key in ("before", "after", "loss"))
    if found.get("task"):
        name = f"{found['metric']} of {found['task']}"
        told = f"{name} {before:.3f} before and {after:.3f} after: {figures.signed(-loss)}"
    else:
        told = f"loss on general text {before:.2f} before and {after:.2f} after: {figures.signed(loss)} nats "
        told += f"a token (perplexity × {math.exp(min(loss, 20.0)):.3g})"
    limit = next((r for r in decision.get("requirements") or () if r["metric"] == FORGETTING), None)
    if limit is None:
        return f"{told}; the task sets no limit"
    bound, tier = float(limit["bound"]), " (advisory)" if limit.get("tier") == "advisory" else ""
    return f"{told}; {'above' if loss > bound else 'within'} the {bound:.2f} that the task allows{tier}"


def _candidate(decision: Mapping[str, Any]) -> Mapping[str, Any] | None:
    tuned: list[Mapping[str, Any]] = [
        a for a in decision["approaches"] if a.get("kind") == "tuned" and a.get("delta")
    ]
    named = [a for a in tuned if a["name"] == focus(decision)]
    return next(reversed(named or tuned), None)


def _against(decision: Mapping[str, Any], approach: Mapping[str, Any]) -> str:
    """The differences in one sentence, the shown ones first."""
    known = {
        key: cell
        for key, cell in approach["delta"].items()
        if cell and cell.get("low") is not None and cell.get("high") is not None
    }
    if not known:
        return ""
    told: dict[str, list[str]] = {outcome: [] for outcome in _OUTCOMES}
    fewer = _at_most(decision)
    for key, cell in known.items():
        ends = f"[{figures.signed(cell['low'])}, {figures.signed(cell['high'])}]"
        told[_outcome(cell, key in fewer)].append(f"{key} ({figures.signed(cell['value'])} {ends})")
    cells = list(known.values())
    parts = [f"{outcome} {cells[0]['vs']} in {_listed(of)}" for outcome, of in told.items() if of]
    return f"{approach['name']} is {', and '.join(parts)}: {_basis(cells[0])}"


def _outcome(cell: Mapping[str, Any], fewer_is_better: bool) -> str:
    up, down = cell["low"] > 0, cell["high"] < 0
    better, worse, neither = _OUTCOMES
    if fewer_is_better:
        up, down = down, up
    return better if up else worse if down else neither


def _basis(cell: Mapping[str, Any]) -> str:
    """The rows and the level of the differences; dev rows also chose the checkpoint."""
    rows = f"row by row on the same {figures.count(cell['n'])} {cell['split']} rows"
    level = f", {100 * cell['level']:.3g} % intervals" if cell.get("level") else ""
    return rows + (", which also chose its checkpoint" if cell["split"] == "dev" else "") + level


def _at_most(decision: Mapping[str, Any]) -> set[str]:
    """The metrics of which less is better."""
    return {key_of(r) for r in decision.get("requirements") or () if r.get("direction") == "at_most"}


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))
