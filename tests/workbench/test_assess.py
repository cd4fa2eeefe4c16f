"""The whole of `wb assess`, from a task on disk to a decision: every verdict, and what is spent on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from evals.errors import ModelError, OutageError, TaskError
from evals.types import Decision, Request
from tests.scripted import Scripted, ScriptedModels
from workbench.assess import assess
from workbench.evidence import conclude, read_looks
from workbench.runs import Run, Scope
from workbench.session import Plan

LABELS = ("calm", "angry", "sad")
SHOWN = ("decision.json", "report.html", "summary.md", "junit.xml")


def truth(number: int) -> str:
    return LABELS[number % 3]


def rows(split: str, count: int, first: int = 0) -> list[dict[str, Any]]:
    return [
        {"id": f"{split}-{n}", "input": f"{split} message {n}", "output": truth(n)}
        for n in range(first, first + count)
    ]


@dataclass
class Desk:
    """A task folder and a scripted model: `share` of rows answered right, by rung."""

    folder: Path
    share: Callable[[str], float]
    asked: list[Request] = field(default_factory=list)
    keys: dict[str, Any] = field(default_factory=dict)
    splits: dict[str, int] = field(default_factory=lambda: {"train": 30, "dev": 40, "test": 120})
    fail: Callable[[Request], bool] = lambda request: False
    weights: str = "scripted"
    more: dict[str, Any] = field(default_factory=dict)

    def write(self) -> Desk:
        for split, count in self.splits.items():
            lines = "".join(json.dumps({**row, **self.more}) + "\n" for row in rows(split, count))
            (self.folder / f"{split}.jsonl").write_text(lines)
        task = {
            "name": "mood",
            "model": "smollm2-135m",
            "data": {split: f"{split}.jsonl" for split in self.splits},
            "prompt": {"instruction": "Name the mood."},
            "output": {"labels": list(LABELS)},
            "requirements": [{"metric": "label", "at_least": 0.8, "kind": "quality"}],
            "ladder": [
                {"name": "zero_shot"},
                {"name": "system_prompt"},
                {"name": "few_shot", "k": 2, "draws": 1},
            ],
            **self.keys,
        }
        (self.folder / "task.yaml").write_text(json.dumps(task))
        return self

    def answer(self, request: Request) -> str:
        if self.fail(request):
            raise OutageError("the model is away")
        self.asked.append(request)
        number = int(request.id.rsplit("-", 1)[1])
        right = (number * 37) % 100 < 100 * self.share(rung_of(request))
        return truth(number) if right else truth(number + 1)

    def assess(self, **scope: Any) -> tuple[Run, Decision]:
        self.write()
        plan = Plan(self.folder / "task.yaml", self.folder / "runs", Scope(**scope))
        model = Scripted(self.answer)
        model.fingerprint = self.weights
        return assess(plan, ScriptedModels(model))

    def looks(self) -> list[str]:
        return [look.name for look in read_looks(self.folder / "looks.jsonl")]

    def test_rows_asked(self) -> int:
        return sum(request.id.startswith("test") for request in self.asked)


def rung_of(request: Request) -> str:
    roles = [message.role for message in request.prompt]  # type: ignore[union-attr]
    if "assistant" in roles:
        return "few_shot"
    return "system_prompt" if roles[0] == "system" else "zero_shot"


def desk(folder: Path, **shares: float) -> Desk:
    return Desk(folder, lambda rung: shares.get(rung, 0.0))


def statuses(decision: Decision) -> dict[str, Any]:
    return {a["name"]: a["statuses"].get("label") for a in decision.approaches}  # type: ignore[union-attr]


def test_the_cheapest_approach_that_meets_everything_on_test_ships(tmp_path: Path) -> None:
    at = desk(tmp_path, system_prompt=0.95, few_shot=0.95)
    run, decision = at.assess()
    assert (decision.verdict, decision.approach) == ("ship", "system_prompt")
    assert decision.binding is False  # the task's own ladder leaves a default rung out
    assert "knn_few_shot" in " ".join(decision.notes)
    assert [a["state"] for a in decision.approaches] == ["scored"] * 3
    assert all((run.folder / name).is_file() for name in SHOWN)


def test_when_every_rung_misses_on_dev_no_test_row_is_touched_and_no_look_spent(tmp_path: Path) -> None:
    at = desk(tmp_path, zero_shot=0.1, few_shot=0.3)
    at.splits["train"] = 150
    _, decision = at.assess()
    assert decision.verdict == "escalate"
    assert decision.recommendation["method"] == "lora"
    assert at.test_rows_asked() == 0
    assert at.looks() == []


def test_without_enough_training_rows_a_miss_stops(tmp_path: Path) -> None:
    at = desk(tmp_path, zero_shot=0.1)
    at.splits["train"] = 5
    _, decision = at.assess()
    assert decision.verdict == "stop"
    assert decision.recommendation["action"] == "collect_train"


def test_a_score_too_near_its_threshold_asks_for_more_rows(tmp_path: Path) -> None:
    at = desk(tmp_path, few_shot=0.83)
    _, decision = at.assess()
    assert decision.verdict == "collect"
    assert isinstance(decision.recommendation["rows"], int)
    assert at.looks() == ["few_shot"]


def test_only_the_shortlist_is_asked_on_test_and_each_spends_one_look(tmp_path: Path) -> None:
    at = desk(tmp_path, system_prompt=0.9, few_shot=0.99)
    _, decision = at.assess()
    assert at.looks() == ["system_prompt", "few_shot"]
    assert at.test_rows_asked() == 2 * 120
    assert decision.looks == {"planned": 4, "used": 2}


def test_assessing_again_asks_nothing_and_spends_nothing(tmp_path: Path) -> None:
    at = desk(tmp_path, system_prompt=0.95)
    first, decision = at.assess()
    asked = len(at.asked)
    second, again = at.assess()
    assert second.id != first.id
    assert len(at.asked) == asked
    assert at.looks() == ["system_prompt"]
    assert (again.verdict, again.looks) == (decision.verdict, decision.looks)
    assert statuses(again) == statuses(decision)


def test_a_changed_threshold_decides_again_from_disk_and_is_said(tmp_path: Path) -> None:
    at = desk(tmp_path, system_prompt=0.95)
    at.assess()
    asked = len(at.asked)
    at.keys["requirements"] = [{"metric": "label", "at_least": 0.5, "kind": "quality"}]
    _, decision = at.assess()
    assert len(at.asked) == asked
    assert any("threshold" in note.lower() and "0.8" in note and "0.5" in note for note in decision.notes)


def test_what_was_judged_on_test_stays_judged_on_test_under_another_threshold(tmp_path: Path) -> None:
    at = desk(tmp_path, zero_shot=0.7, few_shot=0.85)
    at.assess()
    assert at.looks() == ["few_shot"]
    at.keys["requirements"] = [{"metric": "label", "at_least": 0.6, "kind": "quality"}]
    _, decision = at.assess()
    few_shot = next(a for a in decision.approaches if a["name"] == "few_shot")
    assert few_shot["test"]
    assert few_shot["decided_on"] == "test"


def test_a_changed_prompt_is_asked_again_and_is_a_new_look(tmp_path: Path) -> None:
    at = desk(tmp_path, system_prompt=0.95)
    at.assess()
    asked = len(at.asked)
    at.keys["prompt"] = {"instruction": "Say the mood."}
    _, decision = at.assess()
    assert len(at.asked) > asked
    assert decision.looks == {"planned": 4, "used": 2}


def test_when_the_looks_are_spent_nothing_can_be_met(tmp_path: Path) -> None:
    at = desk(tmp_path, system_prompt=0.99)
    at.keys["looks"] = 1
    assert at.assess()[1].verdict == "ship"
    at.keys["prompt"] = {"instruction": "Say the mood."}
    _, decision = at.assess()
    assert decision.verdict == "collect"
    assert any("test set spent" in note for note in decision.notes)


def test_retraining_a_model_in_place_is_a_new_look(tmp_path: Path) -> None:
    at = desk(tmp_path, system_prompt=0.99)
    at.assess()
    at.weights = "retrained"
    _, decision = at.assess()
    assert at.looks() == ["system_prompt", "system_prompt"]
    assert decision.looks == {"planned": 4, "used": 2}


def test_a_column_that_no_prompt_shows_opens_no_new_budget(tmp_path: Path) -> None:
    at = desk(tmp_path, system_prompt=0.99)
    at.keys["looks"] = 1
    assert at.assess()[1].verdict == "ship"
    at.more = {"source": "mail"}
    at.keys["prompt"] = {"instruction": "Say the mood."}
    _, decision = at.assess()
    assert (decision.verdict, decision.looks["used"]) == ("collect", 2)


def test_a_continued_run_is_decided_by_the_task_as_it_is_now(tmp_path: Path) -> None:
    at = desk(tmp_path, system_prompt=0.95)
    at.fail = lambda request: len(at.asked) >= 130
    first, broken = at.assess()
    assert broken.verdict == "incomplete"
    at.fail = lambda request: False
    at.keys["requirements"] = [{"metric": "label", "at_least": 0.995, "kind": "quality"}]
    second, decision = at.assess()
    assert second.id == first.id
    assert decision.verdict != "ship"
    assert decision.requirements[0]["bound"] == 0.995


def test_stop_first_climbs_on_when_the_first_does_not_hold_on_test(tmp_path: Path) -> None:
    at = desk(tmp_path)
    at.keys["ladder"] = {"stop": "first"}
    now: list[Request] = []
    answer = at.answer
    at.answer = lambda request: (now.append(request), answer(request))[1]  # type: ignore[method-assign]
    at.share = lambda rung: 1.0 if rung != "zero_shot" or now[-1].id.startswith("dev") else 0.0
    _, decision = at.assess()
    assert (decision.verdict, decision.approach) == ("ship", "system_prompt")
    assert {a["state"] for a in decision.approaches[:4]} == {"scored"}
    assert not any("a cheaper approach" in str(a["why"]) for a in decision.approaches)
    (said,) = [note for note in decision.notes if "stop: first" in note]
    assert said.startswith("zero_shot met everything on dev and did not hold on test: the rest of the ladder")


def test_a_rung_named_twice_is_refused(tmp_path: Path) -> None:
    at = desk(tmp_path)
    at.keys["ladder"] = [{"name": "few_shot", "k": 2}, {"name": "few_shot", "k": 4}]
    with pytest.raises(TaskError, match="stands twice"):
        at.assess()


@pytest.mark.parametrize("metric", ["mrr", "preference_accuracy", "usd_per_1k"])
def test_a_requirement_on_what_no_run_could_measure_is_refused(tmp_path: Path, metric: str) -> None:
    at = desk(tmp_path)
    kind = "cost" if metric.startswith("usd") else "quality"
    bound = {"at_most": 1.0} if kind == "cost" else {"at_least": 0.5}
    at.keys["requirements"] = [{"metric": metric, "kind": kind, **bound}]
    with pytest.raises(TaskError, match=metric):
        at.assess()


def test_dev_only_and_limit_touch_no_test_row(tmp_path: Path) -> None:
    at = desk(tmp_path, system_prompt=0.95)
    for scope in ({"dev_only": True}, {"limit": 10}):
        _, decision = at.assess(**scope)
        assert decision.binding is False
    assert at.test_rows_asked() == 0
    assert at.looks() == []
    assert decision.approaches[0]["dev"]["label"]["n"] == 10  # type: ignore[index, call-overload]


def test_only_runs_the_named_rungs(tmp_path: Path) -> None:
    _, decision = desk(tmp_path, system_prompt=0.95).assess(only=("system_prompt",))
    assert [a["name"] for a in decision.approaches] == ["system_prompt"]
    assert any("--only" in note for note in decision.notes)


def test_stop_first_leaves_the_costlier_rungs_out(tmp_path: Path) -> None:
    at = desk(tmp_path, zero_shot=1.0, few_shot=1.0)
    at.keys["ladder"] = {"stop": "first"}
    _, decision = at.assess()
    assert (decision.verdict, decision.approach, decision.binding) == ("ship", "zero_shot", True)
    assert {a["state"] for a in decision.approaches[1:]} == {"not applicable"}
    assert {rung_of(request) for request in at.asked} == {"zero_shot"}
    assert not any("stop: first" in note for note in decision.notes)


@pytest.mark.parametrize("after", [0, 25, 60, 130, 200])
def test_an_outage_is_incomplete_and_the_same_command_ends_as_if_there_had_been_none(
    tmp_path: Path, after: int
) -> None:
    (tmp_path / "calm").mkdir()
    (tmp_path / "away").mkdir()
    calm = desk(tmp_path / "calm", system_prompt=0.95)
    _, wanted = calm.assess()
    away = desk(tmp_path / "away", system_prompt=0.95)
    away.fail = lambda request: len(away.asked) >= after
    first, broken = away.assess()
    assert broken.verdict == "incomplete"
    assert (first.folder / "report.html").is_file()
    away.fail = lambda request: False
    second, found = away.assess()
    assert second.id == first.id
    assert (found.verdict, found.approach, found.looks) == (wanted.verdict, wanted.approach, wanted.looks)
    assert statuses(found) == statuses(wanted)
    assert away.looks() == calm.looks()
    assert len(away.asked) == len(calm.asked)


def test_a_rung_that_the_model_cannot_do_fails_alone(tmp_path: Path) -> None:
    at = desk(tmp_path, system_prompt=0.95)

    def refuse(request: Request) -> bool:
        if rung_of(request) == "few_shot":
            raise ModelError("not enough memory for one request")
        return False

    at.fail = refuse
    _, decision = at.assess()
    assert (decision.verdict, decision.binding) == ("ship", False)
    assert [a["state"] for a in decision.approaches] == ["scored", "scored", "failed"]
    assert any("not enough memory" in note for note in decision.notes)


def test_a_model_that_never_answers_fails_the_run(tmp_path: Path) -> None:
    at = desk(tmp_path)

    def refuse(request: Request) -> bool:
        raise ModelError("the key is wrong")

    at.fail = refuse
    with pytest.raises(ModelError, match="the key is wrong"):
        at.assess()


def test_concluding_the_same_folder_again_gives_the_same_bytes(tmp_path: Path) -> None:
    run, _ = desk(tmp_path, system_prompt=0.95).assess()
    before = {name: (run.folder / name).read_bytes() for name in SHOWN}
    conclude(run, ScriptedModels(Scripted(lambda request: "")))
    assert {name: (run.folder / name).read_bytes() for name in SHOWN} == before


def test_no_test_row_is_shown_as_text(tmp_path: Path) -> None:
    run, _ = desk(tmp_path, system_prompt=0.95).assess()
    shown = "".join((run.folder / name).read_text() for name in SHOWN)
    assert "dev message" in shown
    assert "test message" not in shown


def test_a_rung_sees_no_test_row_and_a_query_no_target(tmp_path: Path) -> None:
    at = desk(tmp_path, system_prompt=0.2)
    at.splits["train"] = 150
    at.assess()
    prompts = [m.content for request in at.asked for m in request.prompt]  # type: ignore[union-attr]
    assert not any("test message" in text for text in prompts)
    last = [request.prompt[-1].content for request in at.asked]  # type: ignore[union-attr]
    assert not any(label in text for text in last for label in LABELS)


def test_what_rungs_have_to_say_of_their_fits_stands_among_the_notes(tmp_path: Path) -> None:
    at = desk(tmp_path, system_prompt=0.95)
    few = {"name": "few_shot", "k": 4, "select": [], "tokens": 40}
    at.keys["ladder"] = [{"name": "zero_shot"}, few, {"name": "prompt_search", "budget": 120}]
    _, decision = at.assess()
    assert [a["state"] for a in decision.approaches] == ["scored"] * 3
    assert any(note.startswith("few_shot: at most 2 of 4 shots fit 40 tokens") for note in decision.notes)
    assert any(note.startswith("prompt_search: proposed by typed edits; ") for note in decision.notes)
    _, again = at.assess()
    assert again.notes == decision.notes
