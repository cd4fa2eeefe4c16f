"""One rule of a gate, judged: pass, worse, or cannot tell, with the sentence that says why.

The bounds of the difference decide. A row without an answer on one side counts against *pass* and
for the run that is judged where *worse* is asked, so that an outage neither lets through nor accuses.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from evals.differences import Contrast, Pair, rows_to_settle_difference
from evals.metrics import PREFERENCE, in_slice, is_amount
from evals.stats.bounds import FEWEST_CLUSTERS
from evals.stats.margin import against
from evals.status import figure_text
from evals.task import Task
from evals.types import Interval, Json, StatusName
from reports import figures
from workbench.comparison.compare import contrast, contrast_json
from workbench.comparison.policy import Policy, Rule
from workbench.comparison.sides import Side

Outcome = Literal["pass", "worse", "cannot tell"]
EXIT_CODES: dict[Outcome, int] = {"pass": 0, "worse": 3, "cannot tell": 4}
STATUSES: dict[Outcome, StatusName] = {
    "pass": "met",
    "worse": "not met",
    "cannot tell": "insufficient evidence",
}


@dataclass(frozen=True)
class Ruling:
    """One rule, judged. `needed_n` rows of the observed mix would settle it."""

    rule: Rule
    outcome: Outcome
    contrast: Contrast
    needed_n: int | None
    why: str


@dataclass(frozen=True)
class Errors:
    """One-sided errors: of *pass*, and of *worse*; `barred` says why nothing can pass, "" when it can."""

    passing: float
    worse: float
    barred: str = ""


@dataclass(frozen=True)
class Held:
    """What is judged: each row of B with its row of A, and what they make of each pair of answers, or why
    that is not compared. `alike` says that every row was answered alike, which tells nothing of the pairs."""

    rows: Sequence[Pair]
    preferred: Sequence[Pair]
    apart: str
    alike: bool


def judge(
    policy: Policy, held: Held, sides: tuple[Side, Side], task: Task, errors: Errors
) -> tuple[Ruling, ...]:
    """Every rule of a policy; `sides` are A and B."""
    return tuple(_ruling(rule, held, sides, task, errors) for rule in policy.rules)


def _ruling(rule: Rule, held: Held, sides: tuple[Side, Side], task: Task, errors: Errors) -> Ruling:
    both = (sides[0].measured, sides[1].measured)
    of_pairs = rule.metric == PREFERENCE
    pairs = held.preferred if of_pairs else held.rows
    strict = contrast(rule.metric, rule.where, pairs, both, task, 1 - 2 * errors.passing)
    if is_amount(rule.metric):
        return _amount_ruling(rule, strict)
    if not strict.difference.n and not strict.missing:
        nothing = held.apart if of_pairs and held.apart else "no row says anything about it"
        return Ruling(rule, "cannot tell", strict, None, nothing)
    if held.alike and not of_pairs:
        return Ruling(rule, "pass", strict, None, "every answer is the same")
    loose = strict
    if errors.worse != errors.passing:
        loose = contrast(rule.metric, rule.where, pairs, both, task, 1 - 2 * errors.worse)
    up = rule.higher
    against_b = (strict.lowest if up else strict.highest) or strict.difference
    for_b = (loose.highest if up else loose.lowest) or loose.difference
    if not errors.barred and _few_groups(strict.difference):
        errors = replace(errors, barred=f"nothing passes on fewer than {FEWEST_CLUSTERS} groups")
    passes = against(against_b, rule.margin, higher_is_better=up).non_inferior and not errors.barred
    worse = against(for_b, rule.margin, higher_is_better=up).inferior
    outcome: Outcome = "pass" if passes else "worse" if worse else "cannot tell"
    needed = None
    if outcome == "cannot tell" and not errors.barred and not strict.missing:
        kept = {id(row) for row in in_slice([row for row, _ in pairs], rule.where)}
        mine = [pair for pair in pairs if id(pair[0]) in kept]
        needed = rows_to_settle_difference(
            rule.metric, mine, rule.margin, errors.passing, higher_is_better=up
        )
    shown = against_b if passes else for_b if worse else strict.difference
    return Ruling(rule, outcome, strict, needed, _why(rule, outcome, (strict, shown), needed, errors))


def _few_groups(found: Interval) -> bool:
    return found.clusters < min(found.n, FEWEST_CLUSTERS)


def _why(
    rule: Rule, outcome: Outcome, found: tuple[Contrast, Interval], needed: int | None, errors: Errors
) -> str:
    of, shown = found
    rows = f"{of.difference.n} {'pairs' if rule.metric == PREFERENCE else 'rows'}"
    if of.difference.clusters < of.difference.n:
        rows += f" in {of.difference.clusters} groups"
    limit = -rule.margin if rule.higher else rule.margin
    seen = f"{_signed(of.difference.value, limit)} on {rows}"
    if outcome == "pass":
        lost = f", {of.missing} rows without an answer counted against it" if of.missing else ""
        near = ("lower", shown.low, "above") if rule.higher else ("upper", shown.high, "below")
        bound = f"the {near[0]} bound {_signed(near[1], limit)} stays {near[2]} {_signed(limit)}"
        return f"{seen}; {bound} (one-sided error {100 * errors.passing:.3g} %){lost}"
    if outcome == "worse":
        far = ("upper", shown.high, "below") if rule.higher else ("lower", shown.low, "above")
        bound = f"the {far[0]} bound {_signed(far[1], 0.0)} is {far[2]} 0"
        return f"{seen}; {bound} (one-sided error {100 * errors.worse:.3g} %)"
    if errors.barred:
        return f"{seen}; {errors.barred}"
    ends = f"{_signed(shown.low, limit)} and {_signed(shown.high, limit)}"
    why = f"{seen}; between the bounds {ends} lie both {_signed(limit)} and 0"
    if of.missing:
        return f"{why}, and {of.missing} rows have no answer"
    return why if needed is None else f"{why}; at this difference about {needed} rows would settle it"


def _signed(value: float | None, apart: float = 2.0) -> str:
    """A difference with its sign, in as many digits as set it apart from a limit."""
    if value is None:
        return figures.NOTHING
    text = figure_text(abs(value), abs(apart))
    sign = "+" if value > 0 else "−" if value < 0 else ""
    return sign + text if re.search("[1-9]", text) else text


def _amount_ruling(rule: Rule, found: Contrast) -> Ruling:
    """Latency, tokens and money are decided on what was measured."""
    if found.first is None or found.second is None:
        return Ruling(rule, "cannot tell", found, None, "it was not measured on both sides")
    limit = found.second * (1 + rule.margin) if rule.relative else found.second + rule.margin
    outcome: Outcome = "pass" if found.first <= limit else "worse"
    now, was, most = (figures.figure(rule.metric, v) for v in (found.first, found.second, limit))
    return Ruling(rule, outcome, found, None, f"{now} against {was}; up to {most} is allowed")


def ruling_json(ruling: Ruling) -> dict[str, Json]:
    """A ruling as plain values."""
    return {
        "label": ruling.rule.label,
        "metric": ruling.rule.metric,
        "where": dict(ruling.rule.where),
        "margin": ruling.rule.margin,
        "margin_text": ruling.rule.margin_text,
        "tier": ruling.rule.tier,
        "outcome": ruling.outcome,
        "needed_n": ruling.needed_n,
        "why": ruling.why,
        **contrast_json(ruling.contrast),
    }
