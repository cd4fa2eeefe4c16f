"""The requirements of a task: which metrics there are without a grader, and thresholds that make sense.

A threshold that nothing can meet, that everything meets, or that says percent where shares are
meant is refused with its line; a metric's kind must be the one it has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from evals.errors import Mistakes
from evals.table import nearest
from evals.types import Kind, Requirement
from evals.yamlfile import YamlFile, join_key

BUILT_IN: Mapping[str, Kind | None] = {
    "p50_seconds": "latency",
    "p95_seconds": "latency",
    "p99_seconds": "latency",
    "tokens_in": "cost",
    "tokens_out": "cost",
    "usd_per_1k": "cost",
    "usd_per_1k_accepted": "cost",
    "error_rate": None,
    "recall@k": "quality",
    "mrr": "quality",
    "ndcg@10": "quality",
    "preference_accuracy": "quality",
    "forgetting_loss": "forgetting",
}
"""Metrics that need no grader, each with the only kind it can have (None: any)."""

MEASURED = (
    "p50_seconds",
    "p95_seconds",
    "p99_seconds",
    "tokens_in",
    "tokens_out",
    "usd_per_1k",
    "usd_per_1k_accepted",
    "error_rate",
    "forgetting_loss",
)
"""Those of them that every approach has; one whose weights nothing moved forgets nothing."""


def read_requirements(file: YamlFile) -> tuple[Requirement, ...]:
    """The task file's requirements, in order. Raises TaskError."""
    mistakes, found = Mistakes(), []
    for index in range(len(file.value["requirements"])):
        with mistakes.noted():
            found.append(_requirement(file, index))
    mistakes.tell()
    return tuple(found)


def _requirement(file: YamlFile, index: int) -> Requirement:
    value, key = file.value["requirements"][index], join_key("requirements", index)
    bounds = [side for side in ("at_least", "at_most") if side in value]
    if len(bounds) != 1:
        what = "has both at_least and at_most" if bounds else "has neither at_least nor at_most"
        file.fail(what, key, "Give one threshold; for both sides write two requirements.")
    side = bounds[0]
    threshold = float(value[side])
    _check_kind(file, key, value["metric"], value["kind"])
    _check_threshold(file, f"{key}.{side}", value["metric"], threshold)
    _check_other_bounds(file, index, side, threshold)
    return Requirement(
        metric=value["metric"],
        kind=value["kind"],
        at_least=threshold if side == "at_least" else None,
        at_most=threshold if side == "at_most" else None,
        tier=value.get("tier", "advisory" if value["kind"] == "forgetting" else "critical"),
        where=value.get("where", {}),
    )


def _check_kind(file: YamlFile, key: str, metric: str, kind: Kind) -> None:
    if is_built_in(metric):
        only = BUILT_IN[_family(metric)]
        if only not in (None, kind):
            file.fail(f"{metric} is of kind {only}, not {kind}", f"{key}.kind")
    elif kind in ("latency", "cost", "forgetting"):
        known = [name for name, of in BUILT_IN.items() if of == kind]
        file.fail(
            f"{metric!r} is no metric of kind {kind}.{nearest(metric, known)}",
            f"{key}.metric",
            f"Of that kind: {', '.join(known)}.",
        )


def _check_threshold(file: YamlFile, key: str, metric: str, threshold: float) -> None:
    """Shares lie in [0, 1]; of seconds, tokens, dollars and errors less is better."""
    less_is_better = BUILT_IN.get(_family(metric)) in ("latency", "cost", "forgetting")
    if (less_is_better or metric == "error_rate") and key.endswith("at_least"):
        file.fail(f"of {metric} less is better", key, "Use at_most.")
    if less_is_better:
        if threshold < 0:
            file.fail(f"{metric} is never below 0", key)
    elif not 0 <= threshold <= 1:
        file.fail(
            f"{metric} lies between 0 and 1: {threshold:g} is outside",
            key,
            "Write shares, not percentages: 0.9, not 90.",
        )


def _check_other_bounds(file: YamlFile, index: int, side: str, threshold: float) -> None:
    """Refuse a requirement that an earlier one repeats or excludes."""
    value, key = file.value["requirements"][index], join_key("requirements", index)
    for before, other in enumerate(file.value["requirements"][:index]):
        if (other["metric"], other.get("where")) != (value["metric"], value.get("where")):
            continue
        line = file.line(join_key("requirements", before))
        if side in other and other.get("tier") == value.get("tier"):
            file.fail(f"{value['metric']} has an {side} already (line {line})", key)
        opposite = other.get("at_most" if side == "at_least" else "at_least")
        if opposite is not None and (threshold > opposite) == (side == "at_least") and threshold != opposite:
            file.fail(f"nothing can meet {side} {threshold:g} together with line {line}", f"{key}.{side}")


def _family(metric: str) -> str:
    return "recall@k" if re.fullmatch(r"recall@[1-9][0-9]*", metric) else metric


def is_built_in(metric: str) -> bool:
    """Whether a metric needs no grader: p95_seconds, usd_per_1k, recall@5 and the like."""
    return _family(metric) in BUILT_IN and metric != "recall@k"


def recall_depth(requirements: Sequence[Requirement]) -> int:
    """The largest k of all requirements on recall@k, 0 without any."""
    found = (re.fullmatch(r"recall@([1-9][0-9]*)", r.metric) for r in requirements)
    return max((int(match[1]) for match in found if match), default=0)
