"""What a gate holds a run to: for each metric how much worse it may be, and whether that matters.

Read from a YAML file, or made from the task's own format and quality requirements. A margin of a
share is in shares (0.05 is five points); one of latency, tokens or money is in its unit, or a
percentage of the baseline's value.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from evals.errors import TaskError
from evals.metrics import is_amount, label
from evals.table import nearest
from evals.task import Task
from evals.types import Json, Requirement, Tier
from evals.validate import validate
from evals.yamlfile import YamlFile, join_key, read_yaml

MARGIN = 0.05
Inconclusive = Literal["pass", "fail"]


@dataclass(frozen=True)
class Rule:
    """One metric's margin: a number in its unit, or, where `relative`, a share of the baseline's value.
    `higher` says that more of it is better."""

    metric: str
    margin: float
    relative: bool = False
    tier: Tier = "critical"
    where: Mapping[str, Json] = field(default_factory=dict)
    higher: bool = True

    @property
    def label(self) -> str:
        """The metric with its slice."""
        return label(Requirement(self.metric, "quality", 0.0, where=self.where))

    @property
    def margin_text(self) -> str:
        """The margin as people write it."""
        return f"{100 * self.margin:g}%" if self.relative else f"{self.margin:g}"


@dataclass(frozen=True)
class Policy:
    """The rules, in order, and whether what the rows cannot tell is let through."""

    rules: tuple[Rule, ...]
    inconclusive: Inconclusive = "fail"


def policy_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a policy file."""
    text = (files("evals") / "schemas" / "policy.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def default_policy(task: Task, margin: float = MARGIN) -> Policy:
    """The task's format and quality requirements on shares, each with the same margin. Raises TaskError
    when it has none."""
    asked = [r for r in task.requirements if r.kind in ("format", "quality") and not is_amount(r.metric)]
    if not asked:
        raise TaskError(
            "has no format or quality requirement to hold a run to",
            where=task.path,
            key="requirements",
            hint="Name the metrics in a policy file: wb gate --policy policy.yaml.",
        )
    rules = {
        label(r): Rule(r.metric, margin, tier=r.tier, where=r.where, higher=r.at_least is not None)
        for r in reversed(asked)
    }
    return Policy(tuple(reversed(rules.values())))


def read_policy(path: Path, task: Task, known: Collection[str], margin: float | None = None) -> Policy:
    """The policy in a file, for a run that gives the `known` metrics. `margin`, where given, replaces
    the file's own. Raises TaskError with file, line and key, for an unknown metric too."""
    file = read_yaml(path)
    validate(file, policy_schema())
    common = margin if margin is not None else _number(file, "margin", file.value.get("margin", MARGIN))
    inconclusive: Inconclusive = file.value.get("inconclusive", "fail")
    if "metrics" not in file.value:
        return replace(default_policy(task, common), inconclusive=inconclusive)
    rules = tuple(_rule(file, index, task, known, common) for index in range(len(file.value["metrics"])))
    for index, rule in enumerate(rules):
        if rule.label in [other.label for other in rules[:index]]:
            file.fail(f"{rule.label} is named twice", join_key("metrics", index))
    return Policy(rules, inconclusive)


def _number(file: YamlFile, key: str, value: float | str) -> float:
    """A margin of shares."""
    if isinstance(value, str):
        file.fail("a share has no margin in percent", key, "Write points as a share: 0.05 is five points.")
    if value >= 1:
        file.fail(f"a margin of a share lies below 1: {value:g} is outside", key, "Five points are 0.05.")
    return float(value)


def _rule(file: YamlFile, index: int, task: Task, known: Collection[str], common: float) -> Rule:
    value, key = file.value["metrics"][index], join_key("metrics", index)
    metric, given = value["metric"], value.get("margin")
    if metric not in known:
        file.fail(
            f"there is no metric {metric!r} in these runs.{nearest(metric, known)}",
            f"{key}.metric",
            f"They have: {', '.join(known)}.",
        )
    rule = Rule(metric, common, tier=value.get("tier", "critical"), where=value.get("where", {}))
    if not is_amount(metric):
        margin = common if given is None else _number(file, f"{key}.margin", given)
        return replace(rule, margin=margin, higher=_higher(metric, task))
    if given is None:
        file.fail(f"{metric} needs a margin of its own", key, "Give a percentage: margin: 10%.")
    relative = isinstance(given, str)
    number = float(given.rstrip("%")) / 100 if isinstance(given, str) else float(given)
    return replace(rule, margin=number, relative=relative, higher=False)


def _higher(metric: str, task: Task) -> bool:
    """More is better, unless it counts errors or the task asks for at most so much."""
    asked = [r for r in task.requirements if r.metric == metric]
    return metric != "error_rate" and all(r.at_most is None for r in asked)
