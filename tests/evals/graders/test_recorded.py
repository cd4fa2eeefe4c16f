"""Scores of another tool: told apart by how they were made, and never made here."""

from __future__ import annotations

import pytest

from evals.errors import TaskError
from evals.graders import build_one, grader_hash
from evals.models import Loader
from evals.output import OutputSpec
from evals.types import Example, Prediction

TEXT = OutputSpec("text")


def test_a_score_that_nobody_gave_is_missing() -> None:
    grader = build_one("recorded", {"as": "acc", "by": "lm-eval"}, TEXT)
    assert grader.name == "acc" and list(grader.metrics) == ["acc"]
    (score,) = grader.grade([(Example("a", "q", "x"), Prediction("a", "x", "stop"))], Loader())
    assert (score.judged, score.why) == (False, "lm-eval gave no score")


def test_other_rules_make_another_grader() -> None:
    hashes = {
        grader_hash(build_one("recorded", {"by": tool, "options": options}, TEXT))
        for tool, options in (("a", {}), ("b", {}), ("a", {"metric": "m"}), ("a", {"metric": "n"}))
    }
    assert len(hashes) == 4


def test_who_gave_them_is_needed() -> None:
    with pytest.raises(TaskError, match="by is a text that is not empty"):
        build_one("recorded", {}, TEXT)
