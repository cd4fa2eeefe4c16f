"""Scores of another tool: told apart by how they were made, and never made here."""

from __future__ import annotations

import pytest

from evals.errors import RunError, TaskError
from evals.graders import build_one, grader_hash
from evals.models import Loader
from evals.output import OutputSpec
from evals.types import Example, Prediction

TEXT = OutputSpec("text")


def test_a_score_that_was_not_recorded_cannot_be_had() -> None:
    grader = build_one("recorded", {"as": "acc", "tool": "lm-eval", "metric": "acc"}, TEXT)
    assert grader.name == "acc" and list(grader.metrics) == ["acc"]
    with pytest.raises(RunError, match="row 'a' has no score that lm-eval recorded"):
        list(grader.grade([(Example("a", "q", "x"), Prediction("a", "x", "stop"))], Loader()))


def test_other_rules_make_another_grader() -> None:
    hashes = {
        grader_hash(build_one("recorded", {"tool": tool, "metric": metric, "rules": rules}, TEXT))
        for tool, metric, rules in (("a", "m", ""), ("b", "m", ""), ("a", "n", ""), ("a", "m", "1"))
    }
    assert len(hashes) == 4


def test_tool_and_metric_are_needed() -> None:
    with pytest.raises(TaskError, match="needs the tool and the metric"):
        build_one("recorded", {"tool": "lm-eval"}, TEXT)
