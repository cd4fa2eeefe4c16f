"""Which decision `wb escalate` may act on, and which it refuses with the command to run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.errors import RunError
from tests.workbench.mood import Mood, share
from workbench.escalation.escalate import binding_decision


@pytest.fixture
def mood(tmp_path: Path) -> Mood:
    return Mood(tmp_path, rows={"dev": 30, "test": 30}, keys={"ladder": "default"})


def test_a_run_without_a_decision_is_refused(mood: Mood) -> None:
    run = mood.run(share(0.6))
    (run / "decision.json").unlink()
    for folder in (run, None):
        with pytest.raises(RunError, match=r"(has no decision yet|no binding decision).*\nRun `wb assess"):
            binding_decision(mood.path, mood.folder / "runs", folder)


def test_a_decision_that_is_not_binding_is_refused_unless_forced(mood: Mood) -> None:
    run = mood.run(share(0.6), limit=10)
    with pytest.raises(RunError, match=r"is not binding: part of the work was left out\nRun `wb assess"):
        binding_decision(mood.path, mood.folder / "runs", run)
    found, _ = binding_decision(mood.path, mood.folder / "runs", run, forced=True)
    assert found.folder == run


def test_a_decision_on_other_rows_is_refused_even_when_forced(mood: Mood) -> None:
    mood.run(share(0.6))
    with (mood.folder / "dev.jsonl").open("a") as file:
        file.write(
            json.dumps({"id": "more", "input": "one message more", "output": "calm", "lang": "en"}) + "\n"
        )
    for forced in (False, True):
        with pytest.raises(RunError, match=r"was decided for another task, data or grader\nRun `wb assess"):
            binding_decision(mood.path, mood.folder / "runs", forced=forced)


def test_after_a_change_of_thresholds_it_is_to_be_decided_again(mood: Mood) -> None:
    mood.run(share(0.6))
    mood.keys = {**mood.keys, "requirements": [{"metric": "label", "at_least": 0.9, "kind": "quality"}]}
    mood.write()
    with pytest.raises(
        RunError, match=r"the task file has changed since this was decided\n.*decides again from disk"
    ):
        binding_decision(mood.path, mood.folder / "runs")
