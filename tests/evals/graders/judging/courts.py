"""Judges whose verdicts a test decides."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from evals.graders import build
from evals.output import OutputSpec
from evals.task import GraderSpec
from evals.types import Example, Grader, Prediction, Request, Score
from tests.scripted import Scripted, ScriptedModels


def shown(request: Request, part: str) -> str:
    """What stands between the marks of a part of the prompt."""
    found = re.search(rf"\[{part} (\w+)\]\n(.*?)\n\[end of {part} \1\]", request.prompt[-1].content, re.S)
    assert found, request.prompt
    return found[2]


def says(verdict: str, reason: str = "so it is") -> str:
    return json.dumps({"reason": reason, "verdict": verdict})


def court(answer: Callable[[Request], str]) -> ScriptedModels:
    return ScriptedModels(Scripted(answer))


def judge(name: str = "judge", **options: Any) -> Grader:
    needed = {} if name == "weighted" else {"criteria": "It is polite.", "model": "any"}
    spec = GraderSpec(name, {**needed, **options})
    (built,) = build([spec], OutputSpec("text"))
    return built


def rows(*texts: str, target: str = "gold") -> list[tuple[Example, Prediction]]:
    return [
        (
            Example(f"r{n}", f"input {n}", target, fields={"rival": f"rival {n}"}),
            Prediction(f"r{n}", t, "stop"),
        )
        for n, t in enumerate(texts)
    ]


def graded(grader: Grader, models: ScriptedModels, *texts: str) -> list[Score]:
    return list(grader.grade(rows(*texts), models))
