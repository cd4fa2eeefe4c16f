"""lm-eval's metrics and filters as graders of ours, and what of them has no counterpart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workbench.exchange.lm_eval.config import Function
from workbench.exchange.omitted import Omitted

ACCURACY = ("acc", "acc_norm", "acc_bytes", "exact_match")
TEXTS = {"bleu": "bleu", "chrf": "chrf", "rouge1": "rouge", "rouge2": "rouge", "rougeL": "rouge"}
"""Metrics of written answers, by the grader that is nearest."""
HARMLESS = ("take_first", "remove_whitespace")
USUAL = {
    "multiple_choice": [{"metric": "acc"}, {"metric": "acc_norm"}],
    "generate_until": [{"metric": "exact_match"}],
    "loglikelihood": [{"metric": "perplexity"}, {"metric": "acc"}],
}
"""What lm-eval computes of a task that names no metrics."""


def graders_of(
    config: Mapping[str, Any], labelled: bool, where: str
) -> tuple[list[str | dict[str, Any]], list[Omitted]]:
    """The graders of a task whose answers are labels or not, and what was left out of its scoring."""
    output = str(config.get("output_type") or "generate_until")
    graders: list[str | dict[str, Any]] = []
    omitted = list(_filters(config, where))
    if config.get("process_results") is not None:
        omitted.append(Omitted(where, "process_results", "it scores by code; graders stand in its place"))
    for number, metric in enumerate(config.get("metric_list") or USUAL[output]):
        key = f"metric_list[{number}]"
        name = metric["metric"]
        if isinstance(name, Function):
            omitted.append(Omitted(where, key, f"{name.spec} is code and no grader"))
            continue
        grader = _grader(str(name), metric, output, labelled, _number(config))
        if grader is None:
            omitted.append(Omitted(where, key, f"there is no grader for {name}"))
        elif grader not in graders:
            graders.append(grader)
        omitted += _options(metric, where, key)
        if name in ("acc_norm", "acc_bytes"):
            why = "likelihood by length is a choice of the rung `likelihood`, made on dev, not a metric"
            omitted.append(Omitted(where, key, why))
    if not graders:
        graders = ["label" if labelled else "exact"]
        omitted.append(Omitted(where, "metric_list", f"nothing could be carried over: {graders[0]} scores"))
    return graders, omitted


def _grader(
    name: str, metric: Mapping[str, Any], output: str, labelled: bool, number: bool
) -> str | dict[str, Any] | None:
    if name in ACCURACY:
        if labelled:
            return "label"
        if number:
            return "numeric"
        if output == "multiple_choice" or metric.get("ignore_punctuation"):
            return {"name": "exact", "normalise": True}
        return {"name": "exact", "ignore_case": True} if metric.get("ignore_case") else "exact"
    return TEXTS.get(name) if output == "generate_until" else None


def _options(metric: Mapping[str, Any], where: str, key: str) -> Iterator[Omitted]:
    reasons = {
        "ignore_punctuation": "only punctuation around an answer is ignored here",
        "ignore_numbers": "digits are not ignored here",
        "regexes_to_ignore": "the patterns are taken out of gold answers, and not of a model's",
    }
    for option, why in reasons.items():
        if metric.get(option):
            yield Omitted(where, f"{key}.{option}", why)
    if metric.get("aggregation", "mean") != "mean":
        yield Omitted(where, f"{key}.aggregation", "a metric here is the mean over rows")


def _number(config: Mapping[str, Any]) -> bool:
    """Whether a filter takes a number out of the answer."""
    return any("0-9" in str(part.get("regex_pattern")) or r"\d" in str(part) for part in _parts(config))


def _parts(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [part for one in config.get("filter_list") or () for part in one["filter"]]


def _filters(config: Mapping[str, Any], where: str) -> Iterator[Omitted]:
    for number, one in enumerate(config.get("filter_list") or ()):
        for part in one["filter"]:
            key = f"filter_list[{number}].{part['function']}"
            if part["function"] in HARMLESS:
                continue
            if part["function"] == "regex" and _number(config):
                yield Omitted(where, key, "the grader numeric reads the number by its own rule")
            else:
                yield Omitted(where, key, "answers are graded as they are written")
