"""Whether what a task's requirements ask for can be measured: by its graders, or without one."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from evals.errors import Mistakes
from evals.ranking import ranking
from evals.requirements import MEASURED, is_built_in
from evals.table import nearest
from evals.task import Task
from evals.types import Grader, Requirement


def check_metrics(task: Task, graders: Sequence[Grader]) -> None:
    """Raise TaskError for the requirements whose metric none of the graders gives."""
    given = [metric for grader in graders for metric in grader.metrics]
    advisory = {m for g in graders if getattr(g, "advisory", False) for m in g.metrics}
    mistakes = Mistakes()
    for index in range(len(task.requirements)):
        with mistakes.noted():
            _check_metric(task, index, given, advisory)
    mistakes.tell()


def _check_metric(task: Task, index: int, given: Sequence[str], advisory: Collection[str]) -> None:
    """Refuse a requirement whose metric nothing gives, or that its metric may not decide."""
    requirement, there = task.requirements[index], [*given, *MEASURED]
    if requirement.metric in advisory and requirement.tier == "critical":
        raise task.error(
            f"{requirement.metric!r} may advise and not decide",
            f"requirements[{index}]",
            "Write tier: advisory.",
        )
    if requirement.metric in given:
        return
    if is_built_in(requirement.metric):
        _check_measurable(task, index, requirement)
        return
    raise task.error(
        f"no grader gives the metric {requirement.metric!r}.{nearest(requirement.metric, there)}",
        f"requirements[{index}].metric",
        f"The graders give: {', '.join(given)}. Built in: {', '.join(MEASURED)}.",
    )


def _check_measurable(task: Task, index: int, requirement: Requirement) -> None:
    """Refuse a built-in metric that no run could give: a requirement on it could never be met."""
    key, metric, prices = f"requirements[{index}].metric", requirement.metric, task.prices
    if ranking(metric):
        if task.data.documents is None:
            raise task.error(
                f"{metric!r} needs documents to retrieve from",
                key,
                "Give data.documents, and gold_doc_ids in the rows.",
            )
        return
    if metric == "preference_accuracy":
        if task.data.preferences is None:
            raise task.error(
                f"{metric!r} needs pairs of answers",
                key,
                "Give data.preferences: rows of input, chosen, rejected.",
            )
        if task.model.provider != "local":
            raise task.error(
                f"{metric!r} needs log-likelihoods, which an endpoint does not give",
                key,
                "Use a local model.",
            )
        return
    local = task.model.provider == "local"
    priced = prices.gpu_hour if local else (prices.input_per_million and prices.output_per_million)
    if metric.startswith("usd_") and priced is None:
        wanted = "gpu_hour" if local else "input_per_million and output_per_million"
        raise task.error(f"{metric!r} needs prices", key, f"Give prices.{wanted}.")
