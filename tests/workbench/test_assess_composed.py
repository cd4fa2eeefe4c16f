"""`wb assess` composes greedily: each added rung begins from the best approach so far on dev."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evals.errors import OutageError
from evals.types import Decision, Request
from tests.scripted import Scripted, ScriptedModels
from workbench.assess import assess
from workbench.runs import Run, Scope
from workbench.session import Plan

LABELS = ("calm", "angry", "sad")
LADDER = ["zero_shot", "system_prompt", "constrained", "repair", {"name": "self_consistency", "k": 3}]


def truth(number: int) -> str:
    return LABELS[number % 3]


def number_of(request: Request) -> int:
    return int(request.id.rsplit("-", 1)[1])


class Desk:
    """A task of labels and a model that a test scripts; 40 dev rows and 60 test rows."""

    def __init__(self, folder: Path, answer: Callable[[Request], str], **keys: Any) -> None:
        self.folder, self.answer = folder, answer
        self.asked: list[Request] = []
        self.fail: Callable[[], bool] = lambda: False
        folder.mkdir(exist_ok=True)
        for split, count in (("dev", 40), ("test", 60)):
            rows = [
                {"id": f"{split}-{n}", "input": f"{split} message {n}", "output": truth(n)}
                for n in range(count)
            ]
            (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        task = {
            "name": "mood",
            "model": "smollm2-135m",
            "data": {"dev": "dev.jsonl", "test": "test.jsonl"},
            "prompt": {"instruction": "Name the mood."},
            "output": {"labels": list(LABELS)},
            "policy": "point",
            "requirements": [{"metric": "label", "at_least": 0.9, "kind": "quality"}],
            "ladder": LADDER,
            **keys,
        }
        (folder / "task.yaml").write_text(json.dumps(task))

    def say(self, request: Request) -> str:
        if self.fail():
            raise OutageError("the model is away")
        self.asked.append(request)
        return self.answer(request)

    def assess(self, **scope: Any) -> tuple[Run, Decision]:
        plan = Plan(self.folder / "task.yaml", self.folder / "runs", Scope(**scope))
        return assess(plan, ScriptedModels(Scripted(self.say)))


def system(request: Request) -> bool:
    return bool(request.prompt[0].role == "system")  # type: ignore[union-attr]


def wordy(request: Request) -> str:
    """Right, but with a word too many in every other row unless it is held or told; worse without the
    system prompt."""
    number = number_of(request)
    if not system(request) and number % 4 == 1:
        return truth(number + 1)
    told = len(request.prompt) > 2
    return truth(number) if request.grammar or told or number % 2 else f"it is {truth(number)}"


def entries(decision: Decision) -> dict[str, Any]:
    return {str(a["name"]): a for a in decision.approaches}


def test_each_begins_from_the_best_so_far_and_what_would_change_nothing_is_not_run(tmp_path: Path) -> None:
    at = Desk(tmp_path, wordy)
    run, decision = at.assess()
    found = entries(decision)
    assert {name: (a["state"], a["start"]) for name, a in found.items()} == {
        "zero_shot": ("scored", ""),
        "system_prompt": ("scored", ""),
        "constrained": ("scored", "system_prompt"),
        "repair": ("not applicable", "constrained"),
        "self_consistency": ("scored", "constrained"),
    }
    assert found["repair"]["why"] == (
        "changes nothing: of 40 dev answers of constrained none fails the format"
    )
    assert (decision.verdict, decision.approach) == ("ship", "constrained")
    assert "<small>on system" in (run.folder / "report.html").read_text()
    assert "on `system_prompt`" in (run.folder / "summary.md").read_text()


def test_repair_asks_only_about_answers_that_fail_and_counts_every_call(tmp_path: Path) -> None:
    others = ["prompt_variants", "constrained", "likelihood", "self_consistency"]
    at = Desk(tmp_path, wordy, ladder={"without": others})
    _, decision = at.assess(dev_only=True)
    repair = entries(decision)["repair"]
    assert (repair["state"], repair["start"]) == ("scored", "system_prompt")
    assert repair["dev"]["label"]["value"] == 1.0
    dev = [request for request in at.asked if system(request)]
    assert len(dev) == 40 + 20 + 20  # the start, then only what failed: once more, and sent back
    assert repair["tokens_in"] > entries(decision)["system_prompt"]["tokens_in"]


def test_stop_first_leaves_the_composed_rungs_out_too(tmp_path: Path) -> None:
    at = Desk(tmp_path, lambda request: truth(number_of(request)), ladder=[*LADDER, {"stop": "first"}])
    _, decision = at.assess()
    assert [a["state"] for a in decision.approaches] == ["scored"] + ["not applicable"] * 4
    assert decision.approach == "zero_shot"


def test_a_composed_rung_alone_begins_from_zero_shot(tmp_path: Path) -> None:
    _, decision = Desk(tmp_path, wordy).assess(only=("constrained",), dev_only=True)
    (only,) = decision.approaches
    assert (only["state"], only["start"]) == ("scored", "")


@pytest.mark.parametrize("ladder", [LADDER, {"without": ["constrained", "likelihood"]}])
@pytest.mark.parametrize("after", [30, 85, 130, 200, 260])
def test_an_outage_anywhere_changes_nothing_in_the_end(tmp_path: Path, ladder: Any, after: int) -> None:
    calm, away = Desk(tmp_path / "calm", wordy, ladder=ladder), Desk(tmp_path / "away", wordy, ladder=ladder)
    _, wanted = calm.assess()
    away.fail = lambda: len(away.asked) >= after
    first, broken = away.assess()
    assert broken.verdict == "incomplete"
    away.fail = lambda: False
    second, found = away.assess()
    assert second.id == first.id
    assert (found.verdict, found.approach) == (wanted.verdict, wanted.approach)
    for name, entry in entries(wanted).items():
        again = entries(found)[name]
        assert [again[k] for k in ("state", "start", "dev", "tokens_in")] == [
            entry[k] for k in ("state", "start", "dev", "tokens_in")
        ]


def test_assessing_again_asks_nothing(tmp_path: Path) -> None:
    at = Desk(tmp_path, wordy)
    at.assess()
    asked = len(at.asked)
    _, decision = at.assess()
    assert len(at.asked) == asked
    assert entries(decision)["self_consistency"]["state"] == "scored"
